"""The sources of datasets: a folder of files, a DuckDB or SQLite file, or a schema of a database."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from ripple.errors import InputError
from ripple.features.tables.sources.duckdb_file import DuckDBFile
from ripple.features.tables.sources.file_formats import form_of
from ripple.features.tables.sources.folder import FileFolder
from ripple.features.tables.sources.postgres import EXAMPLE, Postgres
from ripple.features.tables.sources.source import Source
from ripple.redaction import HIDDEN, hidden

__all__ = ["Source", "find"]

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


def find(data: str | Path) -> Source:
    """The source that *data* names: a folder, ``file.duckdb``, ``file.duckdb?schema=x`` or a PostgreSQL URL.

    Raises:
        InputError: there is no dataset, or the URL is of another kind.
    """
    text = str(data)
    if scheme := _SCHEME.match(text):
        if scheme[1].lower() in ("postgres", "postgresql"):
            return Postgres.from_url(text)
        raise InputError(
            f"A dataset cannot be read from a URL of the kind '{scheme[1]}': expected a folder of Parquet or "
            f"CSV, a DuckDB file or {EXAMPLE}"
        )
    path = Path(text)
    if path.is_dir():
        return FileFolder(path)
    if path.is_file():
        if form_of(path) is not None:
            raise InputError(
                f"{path} is a file with one table: name the folder that holds it and the others."
            )
        return DuckDBFile(path)
    file, _, query = text.rpartition("?")
    if file and Path(file).is_file():
        key, _, schema = query.partition("=")
        if key != "schema" or not schema:
            raise InputError(f"{_shown(text)}: after the file only ?schema=NAME may follow.")
        return DuckDBFile(Path(file), unquote(schema))
    raise InputError(
        f"No dataset at {_shown(text)}: expected a folder with customers and orders as Parquet or CSV, "
        f"a DuckDB file or {EXAMPLE}. Make one with `ripple simulate OUT`."
    )


def _shown(text: str) -> str:
    """*text*, which may be a misspelt URL, without what may be its password."""
    return hidden(re.sub(r".*:.*(?=@)", HIDDEN, text))
