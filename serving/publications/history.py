"""The network value and rank of each customer in earlier publications, which a publication takes along.

A file in Arrow's IPC format has a row for each customer of the snapshot, in order of rank, and two columns
for each earlier publication. Customers who are no longer in the snapshot are in none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from ripple.serving.publications.arrow_file import map_batch, write_batch

FILE = "history.arrow"
"""The name of the file in a publication."""
MAX_PAST = 14
"""The number of earlier publications, at most, of which values and ranks are kept."""


class Past(msgspec.Struct, frozen=True):
    """An earlier publication.

    Attributes:
        name: Its name in the store.
        as_of: Moment of its features, in ISO 8601, UTC.
        size: How many customers it held.
        top_count: How many of them were at the top.
    """

    name: str
    version: str
    as_of: str
    size: int
    top_count: int


@dataclass(frozen=True)
class Rankings:
    """Values and ranks of the same customers in several publications, the newest first.

    Attributes:
        ids: Ids of customers.
        values: Network value in currency, nan where a publication does not hold the customer; publications ×
            customers.
        ranks: Ranks, 0 where a publication does not hold the customer; likewise.
    """

    past: tuple[Past, ...]
    ids: Sequence[bytes]
    values: Sequence[np.ndarray]
    ranks: Sequence[np.ndarray]

    def before(self, version: str, as_of: str, ids: Sequence[bytes], values: np.ndarray) -> Rankings:
        """Those before a publication of these *ids* and *values*: without that itself, if it is the newest.

        What is published again is then the same as before, and has the same name.
        """
        if not self.past:
            return self
        newest = self.past[0]
        same = (newest.version, newest.as_of) == (version, as_of) and list(self.ids) == list(ids)
        if not (same and np.array_equal(self.values[0], values)):
            return self
        return Rankings(self.past[1:], self.ids, self.values[1:], self.ranks[1:])


class History:
    """The file of a publication, memory-mapped."""

    def __init__(self, path: Path) -> None:
        batch = map_batch(path)
        self.past = tuple(msgspec.json.decode(batch.schema.metadata[b"past"], type=list[Past]))
        places = range(len(self.past))
        self.values = [batch.column(f"value_{place}").to_numpy() for place in places]
        self.ranks = [batch.column(f"rank_{place}").to_numpy() for place in places]

    def of_row(self, row: int) -> list[tuple[float, int]]:
        """Value and rank of a customer in each earlier publication; rank 0 where it was not in it."""
        return [
            (float(values[row]), int(ranks[row]))
            for values, ranks in zip(self.values, self.ranks, strict=True)
        ]


def write_history(path: Path, rankings: Rankings, ids: Sequence[bytes]) -> None:
    """Write *rankings*, at most `MAX_PAST` of them, for the customers *ids* of a snapshot."""
    past = rankings.past[:MAX_PAST]
    rows = pd.Index(list(rankings.ids)).get_indexer(pd.Index(list(ids)))
    known = rows >= 0
    columns: dict[str, pa.Array] = {}
    for place in range(len(past)):
        values, ranks = np.full(len(ids), np.nan), np.zeros(len(ids), np.int32)
        values[known] = rankings.values[place][rows[known]]
        ranks[known] = rankings.ranks[place][rows[known]]
        columns |= {f"value_{place}": pa.array(values), f"rank_{place}": pa.array(ranks)}
    write_batch(path, pa.record_batch(columns), {"past": msgspec.json.encode(past)})
