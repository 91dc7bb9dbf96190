"""The cache of results: temporary tables, or Parquet files named by what they were made from.

A file is named by a digest of all that its content follows from. So a file that is there is right, a change
of data, settings or definitions leads to another name, and a run that was killed goes on where it stopped:
each file appears whole or not at all.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from uuid import uuid4

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from ripple import atomic
from ripple.digests import digest
from ripple.features.tables.engine import cached

MAX_RESULTS_PER_NAME = 4
"""The number of results that are kept of one name; those used last stay."""
MAX_NAMES_PER_FOLDER = 200
"""The number of names that are kept in one folder; those used last stay."""
ENGINE_VERSIONS = f"duckdb {duckdb.__version__}, ibis {ibis.__version__}"
"""The versions of what makes tables from SQL; every file's name follows from them too."""

TableBuilder = Callable[[], ir.Table | pa.Table]
"""Makes a table, in the engine or in memory."""
QueryBuilder = Callable[[], str | ir.Table | pa.Table]
"""Makes a table, as `TableBuilder` does, or returns the SQL by which the engine makes it."""


class TemporaryTables:
    """Temporary tables of the engine, which end with the process."""

    def __init__(self, backend: ibis.BaseBackend) -> None:
        self._backend = backend
        self._tables: dict[str, ir.Table] = {}

    def get_or_build(self, name: str, build: TableBuilder) -> ir.Table:
        """The table called *name*; *build* makes it when it is first asked for."""
        if name not in self._tables:
            table = build()
            self._tables[name] = cached(table) if isinstance(table, ir.Table) else self._from_memory(table)
        return self._tables[name]

    def _from_memory(self, table: pa.Table) -> ir.Table:
        name = ibis.util.gen_name("temporary")
        if self._backend.name == "pyspark":  # which has no temporary tables, but its views are
            return self._backend.create_view(name, ibis.memtable(table))
        return self._backend.create_table(name, table, temp=True)


class ParquetCache:
    """Parquet files in a folder, shared by all runs on one dataset, one at a time.

    Attributes:
        numbering: the name of the numbering of customers that is in use; another one makes other files.
    """

    numbering: str

    def __init__(self, path: Path, backend: ibis.BaseBackend) -> None:
        self.path = path
        self._backend = backend
        for left_by_a_killed_run in path.rglob(".*.part"):
            left_by_a_killed_run.unlink()

    @property
    def dialect(self) -> str:
        """The dialect of SQL of the engine."""
        return self._backend.name

    def sql(self, table: ir.Table) -> str:
        """The SQL by which the engine makes *table*."""
        return self._backend.compile(table)

    def get_or_build(self, name: str, key: str, build: QueryBuilder) -> ir.Table:
        """The table that *build* makes, read from its file if that is there.

        Of each name only the `MAX_RESULTS_PER_NAME` results used last stay, and of each folder the
        `MAX_NAMES_PER_FOLDER` names used last.

        Args:
            name: what the table is, such as ``cutoffs/2025-07-01/orders``.
            key: digest of all that it follows from, but for the `ENGINE_VERSIONS`.
            build: makes the table.
        """
        file = self.write_if_missing(name, key, build)
        for path, most in (
            (file, MAX_RESULTS_PER_NAME),
            (file.parent, MAX_NAMES_PER_FOLDER),
            (file.parent.parent, MAX_NAMES_PER_FOLDER),
        ):
            os.utime(path)
            for old in sorted(path.parent.iterdir(), key=lambda p: p.stat().st_mtime_ns)[:-most]:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        # under a name that says what it is, as what is made of it is named by a digest of how
        return self.read_files([file], f"kept_{file.stem}")

    def write_if_missing(self, name: str, key: str, build: QueryBuilder) -> Path:
        """The file of the table *name* under *key*; *build* makes the table if the file is not there."""
        path = self.path / name / f"{digest(key, ENGINE_VERSIONS)}.parquet"
        if not path.exists():
            self._write(path, build())
        return path

    def list_files(self, name: str) -> set[Path]:
        """All files under *name*."""
        return set((self.path / name).rglob("*.parquet"))

    def remove_other_files(self, name: str, files: Iterable[Path]) -> None:
        """Remove all files under *name* but *files*."""
        for file in self.list_files(name) - set(files):
            file.unlink()

    def read_files(self, files: Sequence[Path], view: str | None = None) -> ir.Table:
        """The rows of *files*, as a view of the engine with the name *view*."""
        return self._backend.read_parquet(
            [glob.escape(str(file)) for file in files], table_name=view, hive_partitioning=False
        )

    def number_customers(self, ids: ir.Table) -> ir.Table:
        """`customer_id` and `number` of each of *ids*; a customer has the same number in every run.

        New customers get the numbers that follow. Without the file of numbers, all that was made with it is
        removed and numbering starts anew.
        """
        path = next(self.path.glob("numbers-*.parquet"), None)
        if path is None:
            for made_of_numbers in ("days", "cutoffs"):
                shutil.rmtree(self.path / made_of_numbers, ignore_errors=True)
            path = self.path / f"numbers-{uuid4().hex}.parquet"
            self._write(path, numbered_from(0, ids))
        self.numbering = path.stem
        numbers = self.read_files([path]).cache()
        new = ids.anti_join(numbers, "customer_id")
        if new.count().to_pyarrow().as_py():
            last = numbers.number.max().to_pyarrow().as_py()
            numbers = numbers.union(numbered_from(0 if last is None else last + 1, new)).cache()
            self._write(path, numbers)
        return numbers

    def _write(self, path: Path, table: str | ir.Table | pa.Table) -> None:
        with atomic.file(path) as building:
            if isinstance(table, pa.Table):
                pq.write_table(table, building)
                return
            query = self.sql(table) if isinstance(table, ir.Table) else table
            # not by Ibis, which cannot write to a name with both kinds of quotes
            literal = str(building).replace("'", "''")
            self._backend.raw_sql(f"COPY ({query}) TO '{literal}' (FORMAT parquet)")


def numbered_from(first: int, ids: ir.Table) -> ir.Table:
    """*ids*, one column `customer_id`, with a `number` each, from *first* on in the order of ids."""
    number = ibis.row_number().over(order_by=ids.customer_id) + first
    return ids.mutate(number=number.cast("int32"))
