"""Delta tables, of whose files those count that the newest version in the log names."""

from __future__ import annotations

from pathlib import Path

import duckdb
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from ripple.errors import InputError
from ripple.extras import missing_extras
from ripple.features.tables.sources.temporary import TemporaryFiles


def read_delta(connection: Backend, folder: Path) -> ir.Table:
    """The rows of the newest version of a Delta table, copied into a temporary file.

    Raises:
        InputError: the extra `delta` is not installed, or the table cannot be read.
    """
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        raise missing_extras("delta") from error
    temporary = TemporaryFiles(connection)
    file = temporary.new()
    try:
        # also where a row was removed without its file, or a column renamed
        batches = pa.RecordBatchReader.from_stream(DeltaTable(folder).scan())
        # not by Arrow, which cannot write texts in lists as Delta hands them over (string views)
        connection.con.from_arrow(batches).write_parquet(str(file), compression="zstd")
    except (DeltaError, pa.ArrowException, OSError, duckdb.Error) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"The Delta table {folder} cannot be read: {reason}. Write its rows as Parquet, and read those."
        ) from error
    return temporary.table(file)
