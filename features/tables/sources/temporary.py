"""Rows that stream from elsewhere into temporary Parquet files, which DuckDB then reads."""

from __future__ import annotations

import glob
import itertools
import shutil
import weakref
from collections.abc import Iterable
from pathlib import Path
from tempfile import mkdtemp

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend


class TemporaryFiles:
    """A folder that only this user can read; it goes with the *connection* that reads it.

    At the latest it is removed when the process ends.
    """

    def __init__(self, connection: Backend) -> None:
        self._connection = connection
        self._folder = Path(mkdtemp(prefix="ripple-"))
        self._serial = itertools.count()
        weakref.finalize(connection, shutil.rmtree, self._folder, ignore_errors=True)

    def new(self) -> Path:
        """A path for one more file."""
        return self._folder / f"{next(self._serial)}.parquet"

    def table(self, file: Path) -> ir.Table:
        """The rows of a file that was written."""
        return self._connection.read_parquet(glob.escape(str(file)))


def write_batches(file: Path, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> None:
    """Write one record batch after another to a Parquet file."""
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)
