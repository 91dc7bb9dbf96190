"""Which customers get which play, as JSON that an answer takes over as it is, with an index to select by.

A file in Arrow's IPC format has a row for each customer with a play, in the order of the list that training
wrote. It is memory-mapped, so that texts nobody asks for take no memory. A store without files keeps the
index by itself, which is the same file without the texts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ripple.serving.publications.arrow_file import map_batch, write_batch
from ripple.serving.publications.snapshot import Ids

FILE = "plays.arrow"
"""The name of the file in a publication."""
SOURCE = "plays.csv"
"""The name of the file of which it is made: the list that the run of a model version keeps."""
ATTRIBUTES = ("display_name", "owner")
TEXTS = (*ATTRIBUTES, "play", "action", "reasons")
AMOUNTS = ("value", "value_low", "value_high", "network_value", "direct_value", "max_cost")
INDEX = ("customer_id", "play", "owner", "by_id")
"""The columns of the index."""


class PlayTotal(msgspec.Struct, frozen=True):
    """How many customers get a play, and what it is."""

    play: str
    action: str
    customers: int


@dataclass(frozen=True)
class PlayIndex:
    """Who gets which play, in the order of the list.

    Attributes:
        as_of: Moment of what was known when the plays were chosen, in ISO 8601, UTC.
        totals: Each play that somebody gets, in order.
    """

    as_of: str
    totals: tuple[PlayTotal, ...]
    ids: Ids
    _by_id: np.ndarray
    _columns: dict[str, pa.DictionaryArray]

    @classmethod
    def of(cls, batch: pa.RecordBatch) -> PlayIndex:
        """The index of a batch with the columns `INDEX`."""
        metadata = batch.schema.metadata
        return cls(
            metadata[b"as_of"].decode(),
            tuple(msgspec.json.decode(metadata[b"totals"], type=list[PlayTotal])),
            Ids(batch.column("customer_id")),
            batch.column("by_id").to_numpy(),
            {name: batch.column(name) for name in ("play", "owner")},
        )

    def rows(self, play: str | None, owner: str | None) -> np.ndarray:
        """The rows of a play and of an owner, in order; None stands for all of them."""
        chosen = np.ones(len(self.ids), dtype=bool)
        for name, value in (("play", play), ("owner", owner)):
            if value is not None:
                column = self._columns[name]
                code = pc.index(column.dictionary, value).as_py()
                # no row has the code −1
                chosen &= pc.fill_null(column.indices, -2).to_numpy() == code
        return np.flatnonzero(chosen)

    def row_of(self, customer_id: str) -> int | None:
        """The row of a customer; None without a play."""
        wanted = customer_id.encode()
        place = bisect_left(self._by_id, wanted, key=lambda row: self.ids[row])
        row = int(self._by_id[place]) if place < len(self._by_id) else None
        return row if row is not None and self.ids[row] == wanted else None


@dataclass(frozen=True)
class Plays:
    """The file of a publication, memory-mapped."""

    index: PlayIndex
    texts: pa.LargeBinaryArray

    @classmethod
    def load(cls, path: Path) -> Plays:
        """Map the file *path*, which `convert_plays` wrote."""
        batch = map_batch(path)
        return cls(PlayIndex.of(batch), batch.column("text"))

    def of_rows(self, rows: Sequence[int]) -> list[bytes]:
        """A `ripple.serving.messages.lists.SuggestedPlay` in JSON of each row."""
        return [self.texts[row].as_py() for row in rows]


def packed_index(path: Path) -> bytes:
    """The index in the file *path*, for `read_index`."""
    batch = map_batch(path).select(list(INDEX))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, batch.schema) as file:
        file.write_batch(batch)
    return sink.getvalue().to_pybytes()


def read_index(content: bytes) -> PlayIndex:
    """The index in *content*, which `packed_index` made.

    Raises:
        ValueError, KeyError: it is not what was made.
    """
    with pa.ipc.open_file(pa.BufferReader(content)) as file:
        return PlayIndex.of(file.get_batch(0))


def convert_plays(path: Path, source: Path, ids: Sequence[bytes], as_of: str) -> None:
    """Write the plays in the list *source* of those customers who are among *ids* of a snapshot."""
    rows = pd.read_csv(
        source,
        dtype=dict.fromkeys(("customer_id", *TEXTS), str),
        keep_default_na=False,
        na_values=dict.fromkeys(AMOUNTS, ""),
    )
    known = {one.decode() for one in ids}
    rows = rows[rows["customer_id"].isin(known)].reset_index(drop=True)
    rows = rows.reindex(columns=["customer_id", *TEXTS, *AMOUNTS])
    rows = rows.astype(dict.fromkeys(AMOUNTS, float) | dict.fromkeys(TEXTS, object)).fillna(
        dict.fromkeys(TEXTS, "")
    )
    encoded = [customer_id.encode() for customer_id in rows["customer_id"]]
    owners = pa.array([owner or None for owner in rows["owner"]], pa.string())
    batch = pa.record_batch(
        {
            "customer_id": pa.array(rows["customer_id"].tolist(), pa.string()),
            "play": pa.array(rows["play"].tolist(), pa.string()).dictionary_encode(),
            "owner": owners.dictionary_encode(),
            "by_id": pa.array(sorted(range(len(encoded)), key=encoded.__getitem__), pa.int32()),
            "text": pa.array(_texts(rows), pa.large_binary()),
        }
    )
    totals = rows.groupby("play", sort=False).agg(action=("action", "first"), customers=("play", "size"))
    write_batch(path, batch, {"as_of": as_of, "totals": msgspec.json.encode(list(_totals(totals)))})


def _totals(totals: pd.DataFrame) -> Iterator[PlayTotal]:
    for play, row in totals.iterrows():
        yield PlayTotal(str(play), str(row["action"]), int(row["customers"]))


def _texts(rows: pd.DataFrame) -> Iterator[bytes]:
    # an attribute that a customer does not have, and an amount that is not known, are null
    known = rows.notna()
    known[[*ATTRIBUTES]] &= rows[[*ATTRIBUTES]] != ""
    shown: list[dict[Any, Any]] = rows.astype(object).where(known, None).to_dict("records")
    return map(msgspec.json.encode, shown)
