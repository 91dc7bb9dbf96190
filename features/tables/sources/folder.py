"""A folder of Parquet or CSV files."""

from __future__ import annotations

import csv
import glob
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend
from sqlglot import exp

from ripple.errors import InputError
from ripple.features.tables.sources.parquet_types import validate_decimals
from ripple.features.tables.sources.source import FILE, Place, Source, connect, view
from ripple.suggestions import nearest


@dataclass(frozen=True)
class FileFolder(Source):
    """A folder; a table NAME is NAME.parquet, NAME.csv, or a folder NAME/ of Parquet or CSV files."""

    path: Path

    @property
    def name(self) -> str:
        """The name of the folder itself, whatever path leads there."""
        return self.path.resolve().name

    @property
    def folder(self) -> Path:
        """The folder itself."""
        return self.path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def identity(self) -> str:
        """The folder itself, whatever path leads there."""
        return str(self.path.resolve())

    def open(self) -> OpenFolder:
        """The files as tables of a DuckDB connection of their own."""
        return OpenFolder(self)


class OpenFolder(Place):
    """The files of a folder. Parquet is read as it is needed, CSV at once with every value as text."""

    dialect = "duckdb"

    def __init__(self, source: FileFolder) -> None:
        super().__init__(source)
        self._path = source.path
        self._connection = connect()
        self._tables: dict[str, ir.Table] = {}

    def names(self) -> list[str]:
        """The names of files and folders, without their suffixes."""
        return sorted(
            {
                file.stem
                for file in self._path.iterdir()
                if file.is_dir() or file.suffix in (".parquet", ".csv")
            }
        )

    def files(self, name: str) -> tuple[Path, ...]:
        """The Parquet files of a table."""
        files = find_files(self._path, name)
        return files if files[0].suffix == ".parquet" else ()

    def relation(self, name: str) -> exp.Table:
        """The view of the files: Parquet has a column `FILE` more."""
        if name not in self._tables:
            files = find_files(self._path, name)
            if not files:
                raise InputError(f"{self.source}: {self.explain_missing(name)}")
            self._tables[name] = _read(self._connection, files)
        return exp.to_table(self._tables[name].get_name())

    def columns(self, query: exp.Query) -> list[str]:
        """The names of the columns of a query."""
        return list(self.read(query).columns)

    def read(self, query: exp.Query, exact: Collection[str] = ()) -> ir.Table:
        """The rows of a query."""
        try:
            return view(self._connection, query.sql(self.dialect))
        except duckdb.Error as error:
            raise InputError(f"{self.source}: {reason(error)}") from error

    def explain_missing(self, name: str) -> str:
        """That no file or folder has this name, and the nearest that is there."""
        present = sorted(file.name for file in self._path.iterdir())
        close = nearest(f"{name}.parquet", present or ["nothing"])
        return f"no {name}.parquet, {name}.csv or folder {name}/{close}"


def find_files(path: Path, name: str) -> tuple[Path, ...]:
    """The files of a table in the folder *path*, none if there are none.

    Args:
        name: NAME of NAME.parquet, NAME.csv or NAME/, or a file or a pattern of files such as ``2024/*.csv``.
    """
    if set("*?[") & set(name):
        return tuple(sorted(file for file in path.glob(name) if file.is_file()))
    if Path(name).suffix and (path / name).is_file():
        return (path / name,)
    folder = path / name
    candidates = [path / f"{name}.parquet", path / f"{name}.csv"]
    paths = [file for file in candidates if file.is_file()]
    if folder.is_dir():
        paths += [folder]
    if len(paths) > 1:
        raise InputError(
            f"Table {name} is there more than once: {', '.join(path.name for path in paths)}. Keep one."
        )
    if paths and paths[0] == folder:
        kinds = [sorted(folder.glob(f"**/*.{kind}")) for kind in ("parquet", "csv")]
        if all(kinds) or not any(kinds):
            content = (
                "both Parquet and CSV files: keep one" if all(kinds) else "neither Parquet nor CSV files"
            )
            raise InputError(f"{folder} holds {content}.")
        paths = kinds[0] or kinds[1]
    return tuple(paths)


def _read(connection: Backend, files: tuple[Path, ...]) -> ir.Table:
    try:
        if files[0].suffix == ".parquet":
            # by name, as DuckDB would otherwise leave out columns that the first file does not have
            paths = [glob.escape(str(file)) for file in files]
            validate_decimals(connection, paths)
            return connection.read_parquet(paths, union_by_name=True, filename=FILE)
        parts = [_read_csv(connection, file) for file in files]
        names = list(dict.fromkeys(name for part in parts for name in part.columns))
        null = ibis.null("string")
        rows = ibis.union(
            *(
                part.select(**{name: part[name] if name in part.columns else null for name in names})
                for part in parts
            )
        )
        return connection.create_table(ibis.util.gen_name("csv"), rows, temp=True)
    except duckdb.Error as error:
        file = next((file for file in files if str(file) in str(error)), files[0])
        raise InputError(f"{file} cannot be read: {reason(error)}") from error


def reason(error: duckdb.Error) -> str:
    """What DuckDB says of an error, on one line."""
    return "; ".join(str(error).splitlines()[:3])


def _read_csv(connection: Backend, file: Path) -> ir.Table:
    """Every value as text: the contract says what it means, rather than a guess from the first rows.

    For the same reason the header is read here: where DuckDB guesses, a quote that comes late is an error, a
    row that starts with # is left out, and one ragged row makes the whole file a single column.
    """
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        header = lines.readline()
    separator = max(",;\t|", key=header.count)
    names = next(csv.reader([header], delimiter=separator), [])
    if not all(names) or len(set(names)) < len(names) or not names:
        raise InputError(f"{file}: its first line must name every column once; found {header.strip()!r}.")
    return connection.read_csv(
        glob.escape(str(file)),
        columns=dict.fromkeys(names, "VARCHAR"),
        auto_detect=False,
        header=True,
        delim=separator,
        quote='"',
        escape='"',
    )
