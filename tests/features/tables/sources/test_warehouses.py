"""Warehouses, as far as they can be tried without an account: with DuckDB behind them, or nothing."""

from __future__ import annotations

import logging
import socket
import sys
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from types import SimpleNamespace

import adbc_driver_duckdb.dbapi as duckdb_driver
import clickhouse_connect
import duckdb
import pyarrow as pa
import pytest
from databricks.sql.client import Connection
from sqlglot import exp

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.features.tables.sources import find, warehouses
from ripple.features.tables.sources.warehouses import BigQuery, OpenBigQuery, Redshift, Snowflake
from ripple.settings import Settings
from tests.support.oracles.dataset_sources import opening_error, rows, write_duckdb
from tests.support.servers import databricks_server
from tests.support.servers.processes import free_port

COUNTS = {"customers": 5, "orders": 5, "usage": 240, "catalog": 3, "interactions": 4, "feedback": 3}
URLS = {
    "redshift": "redshift://u:s3cret@host:5439/shop",
    "snowflake": "snowflake://u:s3cret@account/shop?warehouse=w",
    "bigquery": "bigquery://project/shop?location=EU",
    "clickhouse": "clickhouse://u:s3cret@host:8443/shop?secure=true",
    "databricks": "databricks://token:s3cret@host/shop?http_path=/sql/1.0/warehouses/1",
}


def before_duckdb(monkeypatch, warehouse, file):
    monkeypatch.setattr(warehouse, "connect", lambda self: duckdb_driver.connect(str(file)))


@pytest.fixture
def databricks(frames, tmp_path, monkeypatch):
    file, certificate = tmp_path / "data.duckdb", tmp_path / "authority.pem"
    write_duckdb(frames, file, "public")
    with duckdb.connect(file) as connection:
        connection.execute("""
            CREATE VIEW public.kinds AS SELECT
                12.30::decimal(18, 2) AS amount,
                TIMESTAMP '2024-03-01 10:00:00.000001' AS local_time,
                TIMESTAMPTZ '2024-03-01 10:00:00+02' AS moment,
                [1, 2] AS list,
                {'plan': 'pro'} AS struct
        """)
    with databricks_server.running(file, certificate, "t0ken") as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        monkeypatch.setenv("DATABRICKS_TOKEN", "t0ken")
        yield server


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
    module = {
        "clickhouse": "clickhouse_connect",
        "databricks": "databricks.sql",
        "redshift": "adbc_driver_postgresql",
    }.get(scheme, f"adbc_driver_{scheme}")
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
        f"databricks://u:s3cret@127.0.0.1:{port}/shop?http_path=/sql/1.0/warehouses/1",
        "databricks://u:s3cret@two..dots/shop?http_path=/sql/1.0/warehouses/1",
        "databricks://u:s3cret@m\N{SNOWMAN}/shop?http_path=/sql/1.0/warehouses/1",
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


def test_pages_of_databricks_are_the_tables(databricks, expected, monkeypatch):
    # tables of more rows than a page, and pages of more rows than are fetched at once
    monkeypatch.setattr(Connection.cursor, "__defaults__", (70, 2**20, None))
    dataset = open_dataset(databricks.url, Settings())
    for name in COUNTS:
        assert rows(dataset, name) == rows(expected, name)
    (session,) = databricks.sessions
    assert session.initialNamespace.catalogName == "shop"
    assert session.initialNamespace.schemaName == "public"
    assert databricks.queries[0] == "SET TIME ZONE 'UTC'"
    assert all(query.startswith("SELECT ") for query in databricks.queries[1:])


def test_values_of_databricks_keep_their_types(databricks):
    with find(databricks.url).open() as place:
        assert place.names() == sorted([*COUNTS, "kinds"])
        query = exp.select("*").from_(place.relation("kinds"))
        assert place.columns(query) == ["amount", "local_time", "moment", "list", "struct"]
        assert place.read(query).to_pyarrow().to_pylist() == [
            {
                "amount": Decimal("12.30"),
                "local_time": datetime(2024, 3, 1, 10, 0, 0, 1),
                "moment": datetime(2024, 3, 1, 8, tzinfo=UTC),
                "list": [1, 2],
                "struct": {"plan": "pro"},
            }
        ]
        empty = place.read(query.where("1 = 0"))
        assert (empty.count().execute(), empty.amount.type().scale) == (0, 2)
        with pytest.raises(InputError, match=r"kinds cannot be read: .*BinderException") as raised:
            place.read(exp.select("absent").from_(place.relation("kinds")))
        assert "== SQL ==" not in str(raised.value)
    assert databricks.closed == 1


def test_databricks_refuses_in_one_line(databricks, monkeypatch, capsys):
    # pytest's own handlers hide what Python prints of a log without any
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    assert "the HTTP status 404: check the host and http_path" in opening_error(f"{databricks.url}0")
    monkeypatch.setenv("DATABRICKS_TOKEN", "wr0ng")
    assert opening_error(databricks.url).endswith("?schema=public: cannot connect: Invalid access token")
    monkeypatch.delenv("DATABRICKS_TOKEN")
    assert "set DATABRICKS_TOKEN" in opening_error(databricks.url)
    assert databricks.sessions == []
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "url",
    [
        "databricks://host/shop",
        "databricks://host/?http_path=/sql/1",
        "databricks:///shop?http_path=/sql/1",
        "databricks://host/shop?http_path=/sql/1&access_token=s3cret",
    ],
)
def test_the_options_of_databricks_are_checked(url):
    with pytest.raises(InputError, match=r"URL cannot be read: expected databricks://") as raised:
        find(url)
    assert "s3cret" not in str(raised.value)


def test_a_silent_host_of_databricks_is_given_up(monkeypatch):
    monkeypatch.setattr(warehouses, "CONNECT_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = opening_error(
            f"databricks://u:s3cret@127.0.0.1:{silent.getsockname()[1]}/shop?http_path=/sql/1"
        )
    assert "cannot connect: " in message
    assert "timed out" in message
