"""Where results are kept: as temporary tables, or as Parquet files named by what they were made from.

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

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq

from ripple import atomic
from ripple.features.tables.engine import cached

RESULTS, NAMES = 4, 200
"""How many results are kept of one name, and names of one folder."""

Build = Callable[[], ir.Table | pa.Table]
"""Makes a table, in the engine or in memory."""
Query = Callable[[], str | ir.Table | pa.Table]
"""Like `Build`; or tells how the engine makes it, in SQL."""


class Scratch:
    """Temporary tables of the engine, gone with the process."""

    def __init__(self, backend: ibis.BaseBackend) -> None:
        self._backend = backend
        self._kept: dict[str, ir.Table] = {}

    def keep(self, name: str, build: Build) -> ir.Table:
        """The table that *build* makes, made when first asked for by this *name*."""
        if name not in self._kept:
            made = build()
            self._kept[name] = cached(made) if isinstance(made, ir.Table) else self._held(made)
        return self._kept[name]

    def _held(self, table: pa.Table) -> ir.Table:
        name = ibis.util.gen_name("scratch")
        if self._backend.name == "pyspark":  # which has no temporary tables, but its views are
            return self._backend.create_view(name, ibis.memtable(table))
        return self._backend.create_table(name, table, temp=True)


class Folder:
    """Parquet files in a folder, shared by all runs on one dataset, one at a time.

    Attributes:
        numbers_key: what the numbers of customers follow from.
    """

    numbers_key: str

    def __init__(self, path: Path, backend: ibis.BaseBackend) -> None:
        self.path = path
        self._backend = backend
        for left_by_a_killed_run in path.rglob(".*.part"):
            left_by_a_killed_run.unlink()

    def sql(self, table: ir.Table) -> str:
        """How the engine makes *table*."""
        return self._backend.compile(table)

    def keep(self, name: str, key: str, build: Query) -> ir.Table:
        """The table that *build* makes, made only if it is not there yet.

        Of each name the results used last are kept, and of each folder the names used last.

        Args:
            name: what it is, such as ``cutoffs/2025-07-01/orders``.
            key: digest of all that it follows from.
        """
        file = self.file(name, key, build)
        for path, most in ((file, RESULTS), (file.parent, NAMES), (file.parent.parent, NAMES)):
            os.utime(path)
            for old in sorted(path.parent.iterdir(), key=lambda p: p.stat().st_mtime_ns)[:-most]:
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        # under a name that says what it is, as what is made of it is named by a digest of how
        return self.read([file], f"kept_{key}")

    def file(self, name: str, key: str, build: Query) -> Path:
        """The file of a table, written if it is not there."""
        path = self.path / name / f"{key}.parquet"
        if not path.exists():
            self._write(path, build())
        return path

    def files(self, name: str) -> set[Path]:
        """All that is kept under *name*."""
        return set((self.path / name).rglob("*.parquet"))

    def only(self, name: str, files: Iterable[Path]) -> None:
        """Remove what is kept under *name* but for *files*."""
        for file in self.files(name) - set(files):
            file.unlink()

    def read(self, files: Sequence[Path], name: str | None = None) -> ir.Table:
        """The rows of *files*, as a view of this *name* in the engine."""
        return self._backend.read_parquet(
            [glob.escape(str(file)) for file in files], table_name=name, hive_partitioning=False
        )

    def numbers(self, ids: ir.Table) -> ir.Table:
        """`customer_id` and `number` of each of *ids*: those known keep theirs, new ones go on counting."""
        path = next(self.path.glob("numbers-*.parquet"), None)
        if path is None:
            for made_of_numbers in ("days", "cutoffs"):
                shutil.rmtree(self.path / made_of_numbers, ignore_errors=True)
            path = self.path / f"numbers-{uuid4().hex}.parquet"
            self._write(path, count_from(0, ids))
        self.numbers_key = path.stem
        known = self.read([path]).cache()
        new = ids.anti_join(known, "customer_id")
        if new.count().to_pyarrow().as_py():
            first = known.number.max().to_pyarrow().as_py()
            known = known.union(count_from(0 if first is None else first + 1, new)).cache()
            self._write(path, known)
        return known

    def _write(self, path: Path, table: str | ir.Table | pa.Table) -> None:
        with atomic.file(path) as building:
            if isinstance(table, pa.Table):
                pq.write_table(table, building)
                return
            query = self.sql(table) if isinstance(table, ir.Table) else table
            # not by Ibis, which cannot write to a name with both kinds of quotes
            place = str(building).replace("'", "''")
            self._backend.raw_sql(f"COPY ({query}) TO '{place}' (FORMAT parquet)")


def count_from(first: int, ids: ir.Table) -> ir.Table:
    """*ids* (one column, `customer_id`) with a `number` each, from *first*, in the order of ids."""
    number = ibis.row_number().over(order_by=ids.customer_id) + first
    return ids.mutate(number=number.cast("int32"))
