"""The sources of datasets: a folder of files, here or in an object store, a DuckDB or SQLite file, or a
schema of a database."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from ripple.errors import InputError
from ripple.features.tables.sources.database import DatabaseURL
from ripple.features.tables.sources.duckdb_file import DuckDBFile
from ripple.features.tables.sources.file_formats import form_of
from ripple.features.tables.sources.folder import FileFolder
from ripple.features.tables.sources.mysql import MySQL
from ripple.features.tables.sources.object_store import SCHEMES, ObjectStore
from ripple.features.tables.sources.postgres import PostgreSQL
from ripple.features.tables.sources.source import Source
from ripple.features.tables.sources.sqlite_file import MAGIC, SQLiteFile
from ripple.features.tables.sources.warehouses import BigQuery, ClickHouse, Databricks, Redshift, Snowflake
from ripple.redaction import HIDDEN, hidden

__all__ = ["Source", "find"]

DATABASES: dict[str, type[DatabaseURL]] = {
    "postgresql": PostgreSQL,
    "postgres": PostgreSQL,
    "mysql": MySQL,
    "mariadb": MySQL,
    "redshift": Redshift,
    "snowflake": Snowflake,
    "bigquery": BigQuery,
    "clickhouse": ClickHouse,
    "databricks": Databricks,
}
"""By the first part of a URL, the database that it names."""
_EXPECTED = (
    "expected a folder of files (Parquet, CSV, JSON, Excel), a DuckDB or SQLite file, or a URL such as "
    f"{PostgreSQL.example} or {MySQL.example}"
)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


def find(data: str | Path) -> Source:
    """The source that *data* names: a folder, a DuckDB file (with ``?schema=x``), a SQLite file, or a URL.

    Raises:
        InputError: there is no dataset, or the URL is of another kind.
    """
    text = str(data)
    if scheme := _SCHEME.match(text):
        if scheme[1].lower() in SCHEMES:
            return ObjectStore(text)
        database = DATABASES.get(scheme[1].lower())
        if database is None:
            raise InputError(
                f"A dataset cannot be read from a URL of the kind '{scheme[1]}': {_EXPECTED}. "
                f"Known are {', '.join([*DATABASES, *SCHEMES])}."
            )
        return database.from_url(text)
    path = Path(text)
    try:
        path.exists()
    except OSError as error:
        raise InputError(f"No dataset at {_shown(text)[:80]}: {error.strerror}.") from error
    if path.is_dir():
        return FileFolder(path)
    if path.is_file():
        if form_of(path) is not None:
            raise InputError(
                f"{path} is a file with one table: name the folder that holds it and the others."
            )
        with path.open("rb") as file:
            is_sqlite = file.read(len(MAGIC)) == MAGIC
        return SQLiteFile(path) if is_sqlite else DuckDBFile(path)
    named, _, query = text.rpartition("?")
    if named and Path(named).is_file():
        key, _, schema = query.partition("=")
        if key != "schema" or not schema:
            raise InputError(f"{_shown(text)}: after the file only ?schema=NAME may follow.")
        return DuckDBFile(Path(named), unquote(schema))
    raise InputError(f"No dataset at {_shown(text)}: {_EXPECTED}. Make one with `ripple simulate OUT`.")


def _shown(text: str) -> str:
    """*text*, which may be a misspelt URL, without what may be its password."""
    return hidden(re.sub(r".*:.*(?=@)", HIDDEN, text))
