"""Warehouses, as far as they can be tried without an account: with DuckDB behind them, or nothing."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import datetime
from io import BytesIO
from types import SimpleNamespace

import adbc_driver_duckdb.dbapi as duckdb_driver
import clickhouse_connect
import duckdb
import pyarrow as pa
import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.features.tables.sources import find
from ripple.features.tables.sources.warehouses import BigQuery, OpenBigQuery, Redshift, Snowflake
from ripple.settings import Settings
from tests.support.oracles.dataset_sources import opening_error, rows, write_duckdb
from tests.support.servers.processes import free_port

COUNTS = {"customers": 5, "orders": 5, "usage": 240, "catalog": 3, "interactions": 4, "feedback": 3}
URLS = {
    "redshift": "redshift://u:s3cret@host:5439/shop",
    "snowflake": "snowflake://u:s3cret@account/shop?warehouse=w",
    "bigquery": "bigquery://project/shop?location=EU",
    "clickhouse": "clickhouse://u:s3cret@host:8443/shop?secure=true",
}


def before_duckdb(monkeypatch, warehouse, file):
    monkeypatch.setattr(warehouse, "connect", lambda self: duckdb_driver.connect(str(file)))


@pytest.fixture
def expected(frames, tmp_path):
    return open_dataset(write_duckdb(frames, tmp_path / "expected.duckdb"), Settings())


def test_arrow_batches_are_the_tables(frames, expected, tmp_path, monkeypatch):
    file = write_duckdb(frames, tmp_path / "data.duckdb", "public")
    with duckdb.connect(file) as connection:
        connection.execute("ALTER TABLE public.orders ALTER revenue TYPE decimal(18, 2)")
    before_duckdb(monkeypatch, Redshift, file)
    dataset = open_dataset(URLS["redshift"], Settings())
    for name in COUNTS:
        assert rows(dataset, name) == rows(expected, name)
    assert opening_error(f"{URLS['redshift']}?schema=none").endswith(
        ": no table or view customers in schema none, which is empty or not there"
    )


def test_names_of_snowflake_in_capitals_are_those_of_the_contract(frames, expected, tmp_path, monkeypatch):
    capitals = {
        name.upper(): frame.rename(columns=str.upper) for name, frame in frames.items() if name != "orders"
    }
    payments = (
        frames["orders"]
        .rename(columns={"revenue": "Amount due"})
        .rename(columns=lambda name: name.upper() if name != "Amount due" else name)
    )
    file = write_duckdb(capitals | {"PAYMENTS": payments}, tmp_path / "data.duckdb", "PUBLIC")
    before_duckdb(monkeypatch, Snowflake, file)
    mapping = {"orders": {"from": "payments", "columns": {"revenue": "Amount due"}}}
    dataset = open_dataset(URLS["snowflake"], Settings(tables=mapping))
    assert dataset.attributes == ["industry"]
    for name in COUNTS:
        assert rows(dataset, name) == rows(expected, name)


def test_bigquery_asks_for_the_tables_of_a_dataset(monkeypatch):
    queries = []

    class Cursor:
        def execute(self, query, values=()):
            queries.append(query)

        def fetchall(self):
            return [("usage",), ("orders",)]

        def close(self): ...

    server = SimpleNamespace(cursor=Cursor, close=lambda: None)
    monkeypatch.setattr(BigQuery, "connect", lambda self: server)
    with find(URLS["bigquery"]).open() as place:
        assert isinstance(place, OpenBigQuery)
        assert place.names() == ["orders", "usage"]
        assert place.relation("orders").sql(place.dialect) == "`shop`.`orders`"
    assert queries == ["SELECT table_name FROM `shop`.INFORMATION_SCHEMA.TABLES WHERE table_schema = 'shop'"]


def test_clickhouse_streams_arrow(frames, expected, tmp_path, monkeypatch):
    file = write_duckdb(frames, tmp_path / "data.duckdb", "shop")

    class Client:
        """What is used of ClickHouse's client, in front of DuckDB."""

        def __init__(self, **options):
            assert options == {
                "username": "u",
                "password": "s3cret",
                "host": "host",
                "port": 8443,
                "database": "shop",
                "secure": "true",
            }
            self.connection = duckdb.connect(file, read_only=True)

        def query(self, query):
            tables = "(SELECT schema_name AS database, table_name AS name FROM duckdb_tables())"
            result = self.connection.execute(query.replace("system.tables", tables))
            return SimpleNamespace(
                column_names=[name for name, *_ in result.description], result_rows=result.fetchall()
            )

        def raw_stream(self, query, settings, fmt):
            assert fmt == "ArrowStream"
            batches = self.connection.execute(query).to_arrow_reader(100)
            sink = BytesIO()
            with pa.ipc.new_stream(sink, batches.schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
            return BytesIO(sink.getvalue())

        def close(self):
            self.connection.close()

    monkeypatch.setattr(clickhouse_connect, "get_client", Client)
    dataset = open_dataset(URLS["clickhouse"], Settings())
    for name in COUNTS:
        assert rows(dataset, name) == rows(expected, name)


@pytest.mark.parametrize("scheme", URLS)
def test_a_url_without_its_driver_says_how_to_install_it(scheme, monkeypatch):
    extra = "postgres" if scheme == "redshift" else scheme
    module = {"clickhouse": "clickhouse_connect", "redshift": "adbc_driver_postgresql"}.get(
        scheme, f"adbc_driver_{scheme}"
    )
    for name in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert f"--extra {extra}" in opening_error(URLS[scheme])


@pytest.mark.parametrize("scheme", URLS)
def test_neither_names_nor_errors_tell_the_password(scheme):
    source = find(URLS[scheme])
    assert source.name == "shop"
    assert "s3cret" not in f"{source} {source!r} {source.key}"
    with pytest.raises(InputError, match=rf"URL cannot be read: expected {scheme}://") as raised:
        find(f"{scheme}://u:s3@cret@host/shop")
    assert "cret@" not in str(raised.value)


def test_a_warehouse_that_does_not_answer_is_an_error(monkeypatch, tmp_path):
    port = free_port()
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    for url in (
        f"redshift://u:s3cret@127.0.0.1:{port}/shop",
        "snowflake://u:s3cret@/shop",
        "bigquery://project/shop",
        f"clickhouse://u:s3cret@127.0.0.1:{port}/shop",
    ):
        message = opening_error(url)
        assert message.startswith(f"{find(url)}: cann")
        assert "s3cret" not in message
        assert "\n" not in message


def test_times_with_a_zone_are_utc(frames, tmp_path, monkeypatch):
    frames["orders"]["ordered_at"] = frames["orders"].ordered_at.dt.tz_localize("UTC")
    file = write_duckdb(frames, tmp_path / "data.duckdb", "public")
    with closing(duckdb_driver.connect(str(file))) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT ordered_at FROM public.orders")
        assert pa.types.is_timestamp(cursor.fetch_record_batch().schema.field(0).type)
    before_duckdb(monkeypatch, Redshift, file)
    orders = open_dataset(URLS["redshift"], Settings()).tables["orders"]
    first = orders.ordered_at.min().execute()
    assert first == frames["orders"].ordered_at.min().tz_localize(None)
    assert isinstance(first, datetime)
