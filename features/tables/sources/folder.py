"""A folder of files, each with a table or a part of one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import ibis.expr.types as ir
import pyarrow as pa
from sqlglot import exp

from ripple.errors import InputError
from ripple.features.tables.sources.delta import read_delta
from ripple.features.tables.sources.file_formats import form_of, read_csv, read_files, separator_of
from ripple.features.tables.sources.folder_index import FolderIndex
from ripple.features.tables.sources.sampling import SLICES, Sample, csv_slices, parquet_query
from ripple.features.tables.sources.source import DuckDBPlace, Source, reason

MAX_WHOLE_BYTES = 32_000_000
"""The size of text files up to which a sample reads all of them."""
MAX_SLICED = 16
"""About how many of the CSV files of a table a sample is taken from."""


@dataclass(frozen=True)
class FileFolder(Source):
    """A folder; a table NAME is one file NAME.parquet, NAME.csv …, a folder NAME/ of files, or a sheet."""

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


class OpenFolder(DuckDBPlace):
    """The files of a folder. Parquet is read as it is needed, all else at once."""

    def __init__(self, source: FileFolder) -> None:
        super().__init__(source)
        self._index = FolderIndex(source.path)
        self._tables: dict[tuple[str, str | None], ir.Table] = {}

    def names(self) -> list[str]:
        """The names of files and folders, without their suffixes, and of the sheets of workbooks."""
        return self._index.names

    @property
    def skipped(self) -> list[str]:
        """The files and folders with tables that were left out for their names."""
        return self._index.skipped

    def unused(self, used: Collection[str]) -> list[str]:
        """The tables, and the files in no known form, that the tables *used* are not made of."""
        return self._index.unused(used)

    def files(self, name: str) -> tuple[Path, ...]:
        """The Parquet files of a table."""
        table = self._index.find(name)
        return table.files if form_of(table.files[0]) == "parquet" else ()

    def sample(self, name: str, rows: int) -> Sample:
        """Slices spread over Parquet files and large CSV files, or a sample of other text files."""
        table = self._index.find(name)
        file = table.files[0]
        size = 0 if table.is_delta else sum(one.stat().st_size for one in table.files)
        try:
            if not table.is_delta and form_of(file) == "parquet":
                query, count = parquet_query(table.files, rows)
                how = f"in {SLICES} slices spread over its files"
            elif file.suffix == ".csv" and size > MAX_WHOLE_BYTES:
                return self._slices(table.files, rows)
            else:
                relation = self.relation(name).sql(self.dialect)
                query = f"FROM {relation} USING SAMPLE reservoir({rows} ROWS) REPEATABLE (7)"
                ((count,),) = self._connection.con.execute(f"SELECT count(*) FROM {relation}").fetchall()
                how = "drawn at random"
            sample = self._connection.con.execute(query).to_arrow_table()
            return Sample(sample, count, how if count > rows else "")
        except duckdb.Error as error:
            raise InputError(f"{self.source}: {reason(error)}") from error

    def _slices(self, files: tuple[Path, ...], rows: int) -> Sample:
        """Slices spread over CSV files, of those that one table has a few at most."""
        chosen = files[:: max(1, len(files) // MAX_SLICED)]
        parts, counts = [], []
        with TemporaryDirectory(prefix="ripple-") as folder:
            for number, file in enumerate(chosen):
                copy = Path(folder) / f"{number}.csv"
                with file.open(encoding="utf-8", errors="replace", newline="") as lines:
                    separator = separator_of(file, lines.readline())
                counts.append(csv_slices(file, separator, max(1, rows // len(chosen)), copy))
                parts.append(read_csv(self._connection, copy, file).to_pyarrow())
        sizes = [sum(file.stat().st_size for file in some) for some in (files, chosen)]
        count = round(sum(counts) * sizes[0] / sizes[1])
        of = f"{len(files):,} files" if len(files) > 1 else files[0].name
        how = f"in {SLICES * len(chosen):,} slices spread over {of}"
        return Sample(
            pa.concat_tables(parts, promote_options="default"), count, how, exact=False, searchable=False
        )

    def relation(self, name: str) -> exp.Table:
        """The view of the files: Parquet has a column `FILE` more."""
        return self.relation_of_text(name)

    def relation_of_text(self, name: str, encoding: str | None = None) -> exp.Table:
        """The view of the files, which are text of an *encoding* if it is given."""
        if (name, encoding) not in self._tables:
            table = self._index.find(name)
            self._tables[name, encoding] = (
                read_delta(self._connection, table.files[0])
                if table.is_delta
                else read_files(self._connection, table.files, encoding, table.sheet)
            )
        return exp.to_table(self._tables[name, encoding].get_name())

    def explain_missing(self, name: str) -> str:
        """That no file or folder has this name, and the nearest that is there."""
        return self._index.explain_missing(name)
