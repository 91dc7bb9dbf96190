"""A folder of Parquet or CSV files."""

from __future__ import annotations

import csv
import glob
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
from ibis.backends.duckdb import Backend

from ripple.errors import InputError
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.sources.source import (
    FILE,
    Source,
    connect,
    validate_columns,
    validate_tables,
)
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

    def read(self) -> dict[str, ir.Table]:
        """The files as tables: Parquet with a column `FILE`, CSV read at once with every value as text."""
        connection = connect()
        tables = {name: _read(connection, paths) for name, paths in self.files().items()}
        validate_columns(
            {name: [column for column in table.columns if column != FILE] for name, table in tables.items()}
        )
        return tables

    def files(self) -> dict[str, tuple[Path, ...]]:
        """The files of each table; those of one table are all Parquet or all CSV.

        Raises:
            InputError: a required table is missing, or a table is there twice.
        """
        files = {name: paths for name in CONTRACT if (paths := _files(self.path, name))}
        validate_tables(str(self), files, self._explain)
        return files

    def _explain(self, name: str) -> str:
        present = sorted(file.name for file in self.path.iterdir())
        close = nearest(f"{name}.parquet", present or ["nothing"])
        return f"no {name}.parquet, {name}.csv or folder {name}/{close}"


def _files(path: Path, name: str) -> tuple[Path, ...]:
    """The files of the table *name* in the folder *path*, none if there are none."""
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
            return connection.read_parquet(paths, union_by_name=True, filename=FILE)
        parts = [_read_csv(connection, file) for file in files]
        names = list(dict.fromkeys(name for part in parts for name in part.columns))
        null = ibis.null("string")
        return ibis.union(
            *(
                part.select(**{name: part[name] if name in part.columns else null for name in names})
                for part in parts
            )
        ).cache()
    except duckdb.Error as error:
        file = next((file for file in files if str(file) in str(error)), files[0])
        reason = "; ".join(str(error).splitlines()[:3])
        raise InputError(f"{file} cannot be read: {reason}") from error


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
