"""Samples of tables that are too large to be read whole."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SLICES = 16
"""The number of places, evenly spread over the Parquet files of a table, that a sample is taken from."""


@dataclass(frozen=True)
class Sample:
    """Some rows of a table.

    Attributes:
        rows: the rows.
        count: the number of rows of the table, None where it is not known without reading all of them.
        how: how they were chosen, for people; empty where they are all rows.
        exact: whether the count is exact.
        searchable: whether values can be looked up in the table without reading all of it as text.
    """

    rows: pa.Table
    count: int | None
    how: str = ""
    exact: bool = True
    searchable: bool = True

    @property
    def whole(self) -> bool:
        """Whether these are all rows."""
        return not self.how


def parquet_query(files: Sequence[Path], rows: int) -> tuple[str, int]:
    """A query for about *rows* rows of Parquet files, in DuckDB's SQL, and how many they have."""
    sizes = [pq.read_metadata(file).num_rows for file in files]
    total = sum(sizes)
    if total <= rows:
        return f"SELECT * FROM read_parquet({_literals(files)}, union_by_name = true)", total
    length = max(1, rows // SLICES)
    parts, start = [], 0
    starts = [total * place // SLICES for place in range(SLICES)]
    for file, size in zip(files, sizes, strict=True):
        inside = [place - start for place in starts if start <= place < start + size]
        parts += [
            f"SELECT * EXCLUDE (file_row_number) "
            f"FROM read_parquet({_literals([file])}, file_row_number = true) "
            f"WHERE file_row_number BETWEEN {place} AND {place + length - 1}"
            for place in inside
        ]
        start += size
    return " UNION ALL BY NAME ".join(parts), total


def _literals(files: Sequence[Path]) -> str:
    quoted = (glob.escape(str(file)).replace("'", "''") for file in files)
    return "[" + ", ".join(f"'{path}'" for path in quoted) + "]"
