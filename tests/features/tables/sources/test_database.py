"""What every database has in common, on a small one that is kept in memory."""

from __future__ import annotations

import sqlite3
from typing import Any

import pyarrow as pa
import pytest
from sqlglot import exp

from ripple.errors import InputError
from ripple.features.tables.sources.database import CHUNK_ROWS, DatabaseURL, RowDatabase
from ripple.features.tables.sources.source import quoted


class Shop(DatabaseURL):
    """A database in memory."""

    scheme = "shop"
    example = "shop://user@host/database"

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        return (sqlite3.Error,)

    def open(self) -> OpenShop:
        return OpenShop(self)


class OpenShop(RowDatabase):
    dialect = "sqlite"

    def _connect(self) -> Any:
        if self._database.options["host"] == "down":
            raise sqlite3.OperationalError(f"no answer to {self._database.options['password']}\nat all")
        server = sqlite3.connect(":memory:")
        server.execute("CREATE TABLE orders (id, at, paid)")
        rows = [
            (i, f"2024-05-17 00:00:{i % 60:02}", None if i == 7 else "0.1") for i in range(CHUNK_ROWS + 1)
        ]
        server.executemany("INSERT INTO orders VALUES (?, ?, ?)", rows)
        return server

    def _list_names(self):
        return ["orders", "gone"]

    def _typed(self, query, exact):
        types = {
            "id": pa.int64(),
            "at": pa.timestamp("us"),
            "paid": pa.string() if "paid" in exact else pa.float64(),
        }
        return {name: (quoted(name), types[name]) for name in self._columns(query)}


@pytest.fixture
def place():
    with Shop.from_url("shop://user@host/main").open() as place:
        yield place


def query(place, *columns):
    return exp.select(*columns).from_(place.relation("orders"))


def test_rows_come_in_batches_in_the_types_that_they_are_asked_in(place):
    table = place.read(query(place, "*"))
    assert table.columns == ("id", "at", "paid")
    assert table.count().execute() == CHUNK_ROWS + 1
    assert table.filter(table.id == 7).paid.to_pyarrow().to_pylist() == [None]
    assert (table.at.max().execute().second, table.paid.max().execute()) == (59, 0.1)
    assert place.read(query(place, "paid"), {"paid"}).paid.max().execute() == "0.1"


def test_columns_are_known_without_rows(place):
    assert place.columns(query(place, "paid", "id").where("1 = 0")) == ["paid", "id"]
    assert place.read(query(place, "paid", "id").where("1 = 0")).count().execute() == 0


def test_an_error_names_the_table(place):
    with pytest.raises(
        InputError, match=r"^shop://host/main: gone cannot be read: no such table: main\.gone$"
    ):
        place.read(exp.select("*").from_(place.relation("gone")))
    with pytest.raises(InputError, match=r"no table or view order in schema main; did you mean 'orders'\?"):
        place.relation("order")


def test_an_error_holds_no_password_and_leads_to_none():
    with pytest.raises(InputError) as raised:
        Shop.from_url("shop://user:s3%40cret@down/main").open()
    assert str(raised.value) == "shop://down/main: cannot connect: no answer to ***; at all"
    assert raised.value.__cause__ is raised.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "shown", "schema", "options"),
    [
        ("shop://h/db", "shop://h/db", "db", {"host": "h", "dbname": "db"}),
        ("shop://h/db?schema=a%20b", "shop://h/db?schema=a b", "a b", {"host": "h", "dbname": "db"}),
        (
            "shop://u:p%2Fw@[::1]:1/db?x=%26",
            "shop://[::1]:1/db",
            "db",
            {"user": "u", "password": "p/w", "host": "::1", "port": "1", "dbname": "db", "x": "&"},
        ),
    ],
)
def test_a_url_is_taken_apart(url, shown, schema, options):
    source = Shop.from_url(url)
    assert (str(source), source.schema, source.options) == (shown, schema, options)
    assert (source.name, source.folder) == ("db", None)
    assert "p/w" not in f"{source!r} {source.key}"


@pytest.mark.parametrize("rest", ["u:s3@cret@h/db", "h/db?s3cret", "h/db?=s3cret", "h:s3cret/db"])
def test_a_malformed_url_is_not_repeated(rest):
    with pytest.raises(
        InputError, match=r"^The Shop URL cannot be read: expected shop://user@host"
    ) as raised:
        Shop.from_url(f"shop://{rest}")
    assert "cret" not in str(raised.value)
