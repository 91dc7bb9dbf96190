"""Samples of tables that are too large to be read whole."""

from __future__ import annotations

import csv
import glob
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SLICES = 16
"""The number of places, evenly spread over the files of a table, that a sample is taken from."""


MIN_LINES = 8
"""The number of lines of a slice of a text file, at least."""


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


def csv_slices(file: Path, separator: str, rows: int, copy: Path) -> int:
    """Copy about *rows* rows from places evenly spread over a text file, and say about how many it has.

    A place may lie inside of a text in quotes with line breaks. So each slice is read as if it did and as if
    it did not, and counts in the way in which more rows have all columns.
    """
    size, read, number = file.stat().st_size, 0, 0
    with file.open("rb") as lines, copy.open("w", encoding="utf-8", newline="") as out:
        header = lines.readline()
        names = next(csv.reader([header.decode("utf-8", "replace")], delimiter=separator), [])
        out.write(header.decode("utf-8", "replace"))
        writer, start = csv.writer(out, delimiter=separator, lineterminator="\n"), len(header)
        ends = [start + (size - start) * (place + 1) // SLICES for place in range(SLICES)]
        for place, end in enumerate(ends):
            lines.seek(start if place == 0 else ends[place - 1])
            if place:
                lines.readline()
            wanted = max(MIN_LINES, rows // SLICES)
            taken: list[bytes] = []
            while len(taken) < wanted and lines.tell() < end and (line := lines.readline()):
                taken.append(line)
            text = b"".join(taken).decode("utf-8", "replace")
            # where a place lies inside of a text, what is left of its row may look like a whole one
            ways = [_records(before + text, separator, len(names))[bool(place) :] for before in ("", '"')]
            records = max(ways, key=len)
            writer.writerows(records)
            read, number = read + len(text.encode()), number + len(records) + bool(place)
    return round(number * (size - start) / max(read, 1))


def _records(text: str, separator: str, width: int) -> list[list[str]]:
    """The rows of a text with all columns."""
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        return [row for row in lines if len(row) == width]
    except csv.Error:
        return []


def _literals(files: Sequence[Path]) -> str:
    quoted = (glob.escape(str(file)).replace("'", "''") for file in files)
    return "[" + ", ".join(f"'{path}'" for path in quoted) + "]"
