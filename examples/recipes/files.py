"""Writes tables as the exports of products are: CSV or Parquet, with ids and times of their forms."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
Row = Mapping[str, Any]


def write_csv(file: Path, rows: Sequence[Row]) -> None:
    """Write *rows* as CSV; true and false in lower case, what is not there empty."""
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _text(value) for name, value in row.items()} for row in rows)


def write_parquet(file: Path, rows: Sequence[Row], schema: pa.Schema | None = None) -> None:
    """Write *rows* as Parquet."""
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    pq.write_table(table, file, compression="zstd", write_statistics=False, store_schema=False)


def write_json_lines(file: Path, rows: Sequence[Row]) -> None:
    """Write *rows* as an object a line, compressed."""
    with gzip.GzipFile(file, "wb", mtime=0) as out:
        out.writelines(f"{as_json(row)}\n".encode() for row in rows)


def token(prefix: str, number: int, length: int, alphabet: str = BASE62) -> str:
    """An id such as ``cus_9s6XKzkNRiz8i3``: the same for the same *prefix* and *number*."""
    return prefix + "".join(Random(f"{prefix}{number}").choices(alphabet, k=length))


def integer_id(kind: str, number: int, digits: int) -> int:
    """A whole number of so many *digits* as an id."""
    return int(token("", number, digits - 6, "123456789") + f"{Random(kind).randrange(9) + 1}{number:05}")


def uuid(kind: str, number: int) -> str:
    """An id in the form of a UUID."""
    digits = token(kind, number, 32, "0123456789abcdef").removeprefix(kind)
    return "-".join((digits[:8], digits[8:12], "4" + digits[13:16], "8" + digits[17:20], digits[20:]))


def epoch(moment: datetime) -> int:
    """A moment in seconds since 1970."""
    return int(moment.replace(tzinfo=UTC).timestamp())


def iso(moment: datetime | None) -> str | None:
    """A moment such as 2024-05-17T09:30:00Z."""
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def as_json(value: object) -> str:
    """*value* as JSON without spaces."""
    return json.dumps(value, separators=(",", ":"))


def _text(value: object) -> object:
    return str(value).lower() if isinstance(value, bool) else value
