"""A MySQL or MariaDB database, in one read-only transaction with a consistent snapshot."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pyarrow as pa

from ripple.errors import InputError
from ripple.extras import missing_extras
from ripple.features.tables.sources.database import DatabaseURL, RowDatabase

if TYPE_CHECKING:
    from pymysql.connections import Connection

OPTIONS = ("ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_identity", "unix_socket", "connect_timeout")
"""What of the driver's options may follow the question mark of a URL."""
CONNECT_TIMEOUT = 10
"""The seconds in which a server has to answer, unless the URL says otherwise."""
_BINARY = 63
"""The number of the character set of what is no text."""
_SESSION = (
    "SET SESSION time_zone = '+00:00', sql_mode = ''",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
)
_NAMES = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s ORDER BY table_name"


@dataclass(frozen=True)
class MySQL(DatabaseURL):
    """The tables and views of one database; what the URL leaves out is taken from ~/.my.cnf."""

    scheme: ClassVar[str] = "mysql"
    example: ClassVar[str] = "mysql://user@host:3306/database"
    password_elsewhere: ClassVar[str] = ", or stand in MYSQL_PWD or ~/.my.cnf"
    password_variable: ClassVar[str] = "MYSQL_PWD"

    @classmethod
    def from_url(cls, url: str) -> Self:
        """The source of a URL.

        Raises:
            InputError: it is malformed, or has options that are not known; the message does not repeat it.
        """
        source = super().from_url(url)
        unknown = set(source.options) - {"user", "password", "host", "port", "dbname", *OPTIONS}
        if unknown or "dbname" not in source.options:
            raise InputError(
                f"The MySQL URL cannot be read: expected {cls.example}, and after it of ?option=value&… only "
                f"{', '.join(OPTIONS)}."
            )
        return source

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the driver."""
        try:
            from pymysql import MySQLError
        except ImportError as error:
            raise missing_extras("mysql") from error
        return (MySQLError, ValueError, RuntimeError)

    def reason(self, error: Exception) -> str:
        """The server's message, without its number and without the host after the @ of a user."""
        return re.sub("'@'[^']*'", "'", super().reason(Exception([error, *error.args][-1])))

    def open(self) -> OpenMySQL:
        """A connection in one read-only transaction, which sees the database as it is at one moment."""
        return OpenMySQL(self)


class OpenMySQL(RowDatabase):
    """The tables and views of a database."""

    dialect = "mysql"

    def __init__(self, source: MySQL) -> None:
        self._source = source
        super().__init__(source)

    def _connect(self) -> Connection[Any]:
        import pymysql
        from pymysql.converters import encoders
        from pymysql.cursors import SSCursor

        options: dict[str, Any] = dict(self._source.options)
        options["database"] = options.pop("dbname")
        options.setdefault("connect_timeout", CONNECT_TIMEOUT)
        options |= {name: int(options[name]) for name in ("port", "connect_timeout") if name in options}
        if "MYSQL_PWD" in os.environ:
            options.setdefault("password", os.environ["MYSQL_PWD"])
        if (defaults := Path("~/.my.cnf").expanduser()).is_file():
            options["read_default_file"] = str(defaults)
        # without decoders every value arrives as the text that the server sends
        server = pymysql.connect(
            **options,
            read_timeout=options["connect_timeout"],
            charset="utf8mb4",
            cursorclass=SSCursor,
            conv=encoders,
        )
        try:
            for statement in _SESSION:
                with closing(server.cursor()) as cursor:
                    cursor.execute(statement)
        except self._source.errors:
            server.close()
            raise
        # a server has to greet in time, but may think about a query as long as it needs
        server._read_timeout = None
        return server

    def _list_names(self) -> list[str]:
        with closing(self._server.cursor()) as cursor:
            cursor.execute(_NAMES, (self._source.schema,))
            return [name for (name,) in cursor.fetchall()]

    def _typed(self, query: str, exact: Collection[str]) -> Mapping[str, tuple[str, pa.DataType]]:
        with closing(self._server.cursor()) as cursor:
            cursor.execute(f"SELECT * FROM ({query}) AS ripple LIMIT 0")
            # the public description lacks the character set and whether a number has a sign
            fields = cursor._result.fields
        return {
            field.name: _as_read(self._quoted(field.name), field, field.name in exact) for field in fields
        }


def _as_read(column: str, field: Any, exact: bool) -> tuple[str, pa.DataType]:
    """SQL that reads a column as text, and what that is a text of; where *exact*, each digit counts."""
    from pymysql.constants import FIELD_TYPE as TYPE
    from pymysql.constants import FLAG

    match field.type_code:
        case TYPE.TINY | TYPE.SHORT | TYPE.INT24 | TYPE.LONG | TYPE.YEAR:
            return column, pa.int64()
        case TYPE.LONGLONG:
            return column, pa.uint64() if field.flags & FLAG.UNSIGNED else pa.int64()
        case TYPE.BIT:
            return f"{column} + 0", pa.uint64()
        case TYPE.FLOAT | TYPE.DOUBLE:
            # as text a single one has six digits
            return f"{column} + 0e0", pa.float64()
        case TYPE.DECIMAL | TYPE.NEWDECIMAL:
            return column, pa.string() if exact else pa.float64()
        case TYPE.DATE | TYPE.NEWDATE | TYPE.DATETIME | TYPE.TIMESTAMP:
            # 0000-00-00 is how MySQL writes that there is no date
            return (
                f"CASE WHEN MONTH({column}) > 0 AND DAYOFMONTH({column}) > 0 THEN {column} END",
                pa.timestamp("us"),
            )
        case TYPE.JSON:
            return f"CAST({column} AS CHAR)", pa.string()
    is_binary = field.charsetnr == _BINARY and field.type_code not in (TYPE.TIME, TYPE.NULL)
    return f"HEX({column})" if is_binary else column, pa.string()
