"""Types of Parquet files that an engine reads wrongly, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from ripple.errors import InputError

MAX_DIGITS = 38
"""The digits of the largest decimal number that DuckDB knows; of one with more it reads other bytes."""


def validate_decimals(connection: Backend, paths: Sequence[str]) -> None:
    """Check that no column of the files at *paths* is a decimal with more than `MAX_DIGITS`.

    Raises:
        InputError: one is; the message names file, column and remedy.
    """
    wide = connection.con.execute(
        "SELECT file_name, name, precision FROM parquet_schema(?) "
        "WHERE converted_type = 'DECIMAL' AND precision > ? ORDER BY ALL LIMIT 1",
        [list(paths), MAX_DIGITS],
    ).fetchone()
    if wide is not None:
        file, column, digits = wide
        raise InputError(
            f"{file}: {column} is a decimal of {digits} digits, more than the {MAX_DIGITS} that are read: "
            "write it as a double, or with fewer digits."
        )


def validate_nanoseconds(files: Sequence[Path]) -> None:
    """Check that no time in *files* is in nanoseconds, which Spark does not read.

    Raises:
        InputError: one is; the message names file, column and remedy.
    """
    for file in files:
        for field in pq.read_schema(file):
            if pa.types.is_timestamp(field.type) and field.type.unit == "ns":
                raise InputError(
                    f"{file}: {field.name} is in nanoseconds, which Spark does not read: write microseconds "
                    '(in pandas .astype("datetime64[us]")), or compute with DuckDB.'
                )
