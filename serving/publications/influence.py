"""Whom each customer influenced and who influenced them, as JSON that an answer takes over as it is.

A file in Arrow's IPC format has one text for each customer, in order of rank as in the snapshot. It is
memory-mapped, so that those nobody asks for take no memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ripple.serving.publications.arrow_file import map_batch, write_batch

MAX_PAIRS = 100
"""The number of others, at most, that are kept for a customer and direction: those of most value."""
FILE = "influence.arrow"
"""The name of the file in a publication."""
SOURCE = "influence.parquet"
"""The name of the file of which it is made."""
COLUMNS = ("source_id", "target_id", "product", "adopted_at", "contact", "probability", "value")
"""The columns that are read of a table of credited pairs."""


class Window(msgspec.Struct, frozen=True):
    """The window, closed at its end, in which purchases were credited; in ISO 8601, UTC."""

    start: str
    end: str


class Texts(msgspec.Struct):
    """What is kept for a customer: lists of `ripple.serving.schemas.CreditedPair` in JSON."""

    influenced: msgspec.Raw = msgspec.Raw(b"[]")
    influenced_by: msgspec.Raw = msgspec.Raw(b"[]")


_TEXTS = msgspec.json.Decoder(Texts)


@dataclass(frozen=True)
class Influence:
    """The file of a publication, memory-mapped."""

    window: Window
    texts: pa.LargeBinaryArray

    @classmethod
    def load(cls, path: Path) -> Influence:
        """Map the file *path*, which `convert_influence` wrote."""
        batch = map_batch(path)
        metadata = batch.schema.metadata
        window = Window(metadata[b"start"].decode(), metadata[b"end"].decode())
        return cls(window, batch.column("text"))

    def of_row(self, row: int) -> bytes:
        """What is kept for the customer in a row of the snapshot; empty if nothing is."""
        text: bytes = self.texts[row].as_py()
        return text


def parse_texts(content: bytes | None) -> Texts:
    """What *content* holds; nothing if there is none.

    Raises:
        ValueError: it is not what was written.
    """
    return _TEXTS.decode(content) if content else Texts()


def write_influence(path: Path, pairs: pd.DataFrame, start: datetime, end: datetime) -> None:
    """Write credited *pairs*, with the columns of `COLUMNS`, for a publication."""
    table = pa.Table.from_pandas(pairs[list(COLUMNS)], preserve_index=False)
    pq.write_table(table.replace_schema_metadata({"start": start.isoformat(), "end": end.isoformat()}), path)


def convert_influence(path: Path, source: Path, ids: Sequence[bytes]) -> None:
    """Write the pairs in *source*, a file of `write_influence`, for the customers *ids* of a snapshot."""
    table = pq.read_table(source)
    rows = table.to_pandas().sort_values(["value", "source_id", "target_id", "product"], ascending=False)
    texts = {"source_id": dict(_by(rows, "source_id", "target_id"))}
    texts["target_id"] = dict(_by(rows, "target_id", "source_id"))
    column = pa.array((_text(texts, one.decode()) for one in ids), pa.large_binary())
    window = {name: table.schema.metadata[name.encode()] for name in ("start", "end")}
    write_batch(path, pa.record_batch({"text": column}), window)


def _by(rows: pd.DataFrame, of: str, other: str) -> Iterator[tuple[str, list[Any]]]:
    """The pairs of each customer in column *of*, with the one in column *other*."""
    columns = ["product", "date", "contact", "probability", "value"]
    shown = rows.assign(date=rows["adopted_at"].dt.strftime("%Y-%m-%d"), customer_id=rows[other])
    shown = shown.astype({"contact": object}).where(shown.notna(), None)
    shown = shown[rows.groupby(of).cumcount() < MAX_PAIRS]
    for customer_id, group in shown.groupby(of, sort=False):
        yield str(customer_id), group[["customer_id", *columns]].to_dict("records")


def _text(texts: dict[str, dict[str, list[Any]]], customer_id: str) -> bytes:
    influenced = texts["source_id"].get(customer_id, [])
    influenced_by = texts["target_id"].get(customer_id, [])
    if not influenced and not influenced_by:
        return b""
    return msgspec.json.encode({"influenced": influenced, "influenced_by": influenced_by})
