"""Warehouses whose drivers hand over Arrow batches: Redshift, Snowflake, BigQuery, ClickHouse and Databricks.

None of them sees all tables as they are at one moment: a warehouse is read while nothing is loaded into it.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Self

import httpx
import pyarrow as pa
from sqlglot import exp

from ripple.errors import InputError
from ripple.extras import missing_extras
from ripple.features.tables.sources.database import ArrowDatabase, DatabaseURL, OpenDatabase
from ripple.features.tables.sources.postgres import PostgreSQL
from ripple.features.tables.sources.temporary import write_batches

CONNECT_TIMEOUT = 10
"""The seconds in which the host of Databricks has to answer."""
# without a handler Python prints what the driver logs of an error that it also raises
logging.getLogger("databricks.sql").addHandler(logging.NullHandler())


class OpenWarehouse(ArrowDatabase):
    """The tables and views of a schema, whose values come in the types of Arrow."""

    def __init__(self, source: DatabaseURL, connect: Callable[[], Any]) -> None:
        self._connect_warehouse = connect
        super().__init__(source)

    def _connect(self) -> Any:
        return self._connect_warehouse()

    def _list_names(self) -> list[str]:
        schema = exp.convert(self._database.schema).sql(self.dialect)
        return sorted(
            self._first_column(
                f"SELECT table_name FROM {self._tables_of_schema()} WHERE table_schema = {schema}"
            )
        )

    def _tables_of_schema(self) -> str:
        return "information_schema.tables"


@dataclass(frozen=True)
class Redshift(PostgreSQL):
    """The tables and views of one schema, read by the driver of PostgreSQL."""

    scheme: ClassVar[str] = "redshift"
    example: ClassVar[str] = "redshift://user@host:5439/database?schema=public"

    def open(self) -> OpenDatabase:
        """A connection in one transaction."""
        return OpenRedshift(self, self.connect)


class OpenRedshift(OpenWarehouse):
    """The tables and views of a schema of Redshift."""

    dialect = "redshift"


@dataclass(frozen=True)
class Snowflake(DatabaseURL):
    """The tables and views of one schema; names without capitals are those that Snowflake has in capitals."""

    scheme: ClassVar[str] = "snowflake"
    example: ClassVar[str] = "snowflake://user@account/database?schema=public&warehouse=name"
    password_elsewhere: ClassVar[str] = ", or stand in SNOWFLAKE_PASSWORD; private_key_file=FILE needs none"
    password_variable: ClassVar[str] = "SNOWFLAKE_PASSWORD"
    default_schema: ClassVar[str] = "public"

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the driver."""
        try:
            from adbc_driver_snowflake.dbapi import Error
        except ImportError as error:
            raise missing_extras("snowflake") from error
        return (Error,)

    def open(self) -> OpenSnowflake:
        """A connection."""
        return OpenSnowflake(self, self.connect)

    def connect(self) -> Any:
        """A connection of the driver."""
        from adbc_driver_snowflake import dbapi

        options = {"password": os.environ.get("SNOWFLAKE_PASSWORD", ""), **self.options}
        if "private_key_file" in options:
            options["auth_type"] = "auth_jwt"
        keys = {
            "user": "username",
            "password": "password",
            "host": "adbc.snowflake.sql.account",
            "dbname": "adbc.snowflake.sql.db",
            "warehouse": "adbc.snowflake.sql.warehouse",
            "role": "adbc.snowflake.sql.role",
            "auth_type": "adbc.snowflake.sql.auth_type",
            "private_key_file": "adbc.snowflake.sql.client_option.jwt_private_key",
        }
        given = {keys.get(name, name): value for name, value in options.items() if value}
        return dbapi.connect(db_kwargs={**given, "adbc.snowflake.sql.schema": _capitals(self.schema)})


class OpenSnowflake(OpenWarehouse):
    """The tables and views of a schema of Snowflake."""

    dialect = "snowflake"

    def _list_names(self) -> list[str]:
        schema = exp.convert(_capitals(self._database.schema)).sql(self.dialect)
        query = f"SELECT table_name FROM information_schema.tables WHERE table_schema = {schema}"
        return sorted(_small(name) for name in self._first_column(query))

    def relation(self, name: str) -> exp.Table:
        """A table or view of the schema, or, as ``schema.table``, of another one."""
        table = super().relation(name)
        for part in table.find_all(exp.Identifier):
            part.set("this", _capitals(part.name))
        return table

    def _columns(self, query: str) -> list[str]:
        return [_small(name) for name in super()._columns(query)]

    def _sql(self, query: exp.Query) -> str:
        query = query.copy()
        for column in query.find_all(exp.Column):
            if column.this.args.get("quoted"):
                column.this.set("this", _capitals(column.name))
        return super()._sql(query)


def _capitals(name: str) -> str:
    """A name as Snowflake has it, in capitals; one with some small letters was quoted and stays."""
    return name.upper() if name == name.lower() else name


def _small(name: str) -> str:
    return name.lower() if name == name.upper() else name


@dataclass(frozen=True)
class BigQuery(DatabaseURL):
    """The tables and views of one dataset of a project."""

    scheme: ClassVar[str] = "bigquery"
    example: ClassVar[str] = "bigquery://project/dataset?location=EU"
    password_elsewhere: ClassVar[str] = (
        "; a service account is named by credentials=FILE.json or GOOGLE_APPLICATION_CREDENTIALS"
    )

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the driver."""
        try:
            from adbc_driver_bigquery.dbapi import Error
        except ImportError as error:
            raise missing_extras("bigquery") from error
        return (Error,)

    def open(self) -> OpenBigQuery:
        """A connection."""
        return OpenBigQuery(self, self.connect)

    def connect(self) -> Any:
        """A connection of the driver."""
        from adbc_driver_bigquery import dbapi

        options = dict(self.options)
        if "credentials" in options:
            options["auth_type"] = "adbc.bigquery.sql.auth_type.json_credential_file"
        keys = {
            "host": "adbc.bigquery.sql.project_id",
            "dbname": "adbc.bigquery.sql.dataset_id",
            "location": "adbc.bigquery.sql.location",
            "auth_type": "adbc.bigquery.sql.auth_type",
            "credentials": "adbc.bigquery.sql.auth_credentials",
        }
        return dbapi.connect(db_kwargs={keys.get(name, name): value for name, value in options.items()})


class OpenBigQuery(OpenWarehouse):
    """The tables and views of a dataset of BigQuery."""

    dialect = "bigquery"

    def _tables_of_schema(self) -> str:
        return f"`{self._database.schema}`.INFORMATION_SCHEMA.TABLES"


@dataclass(frozen=True)
class ClickHouse(DatabaseURL):
    """The tables and views of one database."""

    scheme: ClassVar[str] = "clickhouse"
    example: ClassVar[str] = "clickhouse://user@host:8443/database?secure=true"
    password_elsewhere: ClassVar[str] = ", or stand in CLICKHOUSE_PASSWORD"
    password_variable: ClassVar[str] = "CLICKHOUSE_PASSWORD"

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the driver."""
        try:
            from clickhouse_connect.driver.exceptions import Error
        except ImportError as error:
            raise missing_extras("clickhouse") from error
        return (Error,)

    def open(self) -> OpenClickHouse:
        """A connection."""
        return OpenClickHouse(self)


class OpenClickHouse(OpenDatabase):
    """The tables and views of a database of ClickHouse."""

    dialect = "clickhouse"

    def __init__(self, source: ClickHouse) -> None:
        self._options = {"password": os.environ.get("CLICKHOUSE_PASSWORD", ""), **source.options}
        super().__init__(source)

    def _connect(self) -> Any:
        import clickhouse_connect

        keys = {"user": "username", "dbname": "database"}
        options: dict[str, Any] = {keys.get(name, name): value for name, value in self._options.items()}
        if "port" in options:
            options["port"] = int(options["port"])
        return clickhouse_connect.get_client(**options)

    def _list_names(self) -> list[str]:
        schema = exp.convert(self._database.schema).sql(self.dialect)
        query = f"SELECT name FROM system.tables WHERE database = {schema} ORDER BY name"
        return [name for (name,) in self._server.query(query).result_rows]

    def _columns(self, query: str) -> list[str]:
        return list(self._server.query(f"SELECT * FROM ({query}) AS ripple LIMIT 0").column_names)

    def _copy(self, query: str, exact: Collection[str], file: Path) -> None:
        texts = {"output_format_arrow_string_as_string": 1}
        with (
            closing(self._server.raw_stream(query, settings=texts, fmt="ArrowStream")) as stream,
            pa.ipc.open_stream(stream) as batches,
        ):
            write_batches(file, batches.schema, batches)


@dataclass(frozen=True)
class Databricks(DatabaseURL):
    """The tables and views of one schema of a catalog, read by a SQL warehouse or a cluster."""

    scheme: ClassVar[str] = "databricks"
    example: ClassVar[str] = "databricks://host/catalog?schema=default&http_path=/sql/1.0/warehouses/ID"
    password_elsewhere: ClassVar[str] = ", which is the token, or the token may stand in DATABRICKS_TOKEN"
    password_variable: ClassVar[str] = "DATABRICKS_TOKEN"
    default_schema: ClassVar[str] = "default"

    @classmethod
    def from_url(cls, url: str) -> Self:
        """The source of a URL.

        Raises:
            InputError: it is malformed, or an option is missing or unknown; the message does not repeat it.
        """
        source = super().from_url(url)
        needed = {"host", "dbname", "http_path"}
        if not needed <= set(source.options) <= {*needed, "user", "password", "port"}:
            raise InputError(
                f"The Databricks URL cannot be read: expected {cls.example}, with the host and the HTTP path "
                "that Databricks shows among the connection details of the warehouse or cluster."
            )
        # information_schema has all names of schemas in small letters
        return replace(source, schema=source.schema.lower())

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the driver, of what it sends its requests with, and of malformed hosts."""
        try:
            from databricks.sql.exc import Error
            from urllib3.exceptions import HTTPError
        except ImportError as error:
            raise missing_extras("databricks") from error
        return (Error, HTTPError, httpx.HTTPError, httpx.InvalidURL, UnicodeError)

    def reason(self, error: Exception) -> str:
        """The first lines of the server's message, without the query that it quotes."""
        text = super().reason(Exception(str(error).partition("== SQL ==")[0]))
        status = getattr(error, "context", {}).get("http-code")
        return (
            re.sub(r"^Error during request to server[: ]*|\.+$", "", text)
            or f"the host answers with the HTTP status {status}: check the host and http_path"
        )

    def open(self) -> OpenDatabricks:
        """A connection."""
        return OpenDatabricks(self, self.connect)

    def connect(self) -> Any:
        """A connection of the driver.

        Raises:
            InputError: there is no token.
        """
        from databricks.sql import connect

        host, port = self.options["host"], int(self.options.get("port", 443))
        token = self.options.get("password") or os.environ.get("DATABRICKS_TOKEN")
        if not token:
            # without one the driver opens a browser
            raise InputError(f"{self}: there is no token: set DATABRICKS_TOKEN to an access token.")
        # the driver tries for 15 minutes, as a warehouse may have to start, so a dead host is noticed before
        address = httpx.URL(scheme="https", host=host, port=port)
        httpx.head(address, timeout=CONNECT_TIMEOUT, verify=ssl.create_default_context())
        return connect(
            host,
            self.options["http_path"],
            token,
            catalog=self.options["dbname"],
            schema=self.schema,
            user_agent_entry="ripple",
            enable_telemetry=False,
            _port=port,
        )


class OpenDatabricks(OpenWarehouse):
    """The tables and views of a schema of Databricks."""

    dialect = "databricks"

    def _connect(self) -> Any:
        server = super()._connect()
        try:
            with closing(server.cursor()) as cursor:
                cursor.execute("SET TIME ZONE 'UTC'")
        except self._database.errors:
            server.close()
            raise
        return server

    def _copy(self, query: str, exact: Collection[str], file: Path) -> None:
        with closing(self._server.cursor()) as cursor:
            cursor.execute(query)
            first = cursor.fetchmany_arrow(cursor.arraysize)
            others = iter(lambda: cursor.fetchmany_arrow(cursor.arraysize).to_batches(), [])
            write_batches(file, first.schema, chain(first.to_batches(), chain.from_iterable(others)))
