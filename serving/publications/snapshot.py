"""The features and scores of every customer as of one moment, in a file that is mapped rather than read.

Arrow's IPC format, one record batch: workers on one machine share its pages, and a customer is found in
microseconds. Rows are in order of rank, so the top is where the file begins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ripple.models.batch_scoring import ATTRIBUTE
from ripple.models.bundle import SCORES
from ripple.serving.score_explanations import Explainer, Parts

MOST_SEGMENTS = 12
"""An attribute of more levels than this is a name rather than a segment."""


TOGETHER = 2**16
"""Customers explained at a time, so that what they are made of fits in memory."""


class SnapshotError(ValueError):
    """The snapshot is not what the bundle beside it needs."""


@dataclass(frozen=True)
class Found:
    """Customers looked up: their ids, features (customers × features), scores (customers × `SCORES`), what
    these are made of, and ranks.
    """

    ids: list[str]
    features: np.ndarray
    scores: np.ndarray
    parts: Parts
    ranks: list[int]


@dataclass(frozen=True)
class Snapshot:
    """Every customer known at one moment, one row each, the highest network value first.

    Attributes:
        as_of: the moment, in ISO 8601, UTC.
        features: rows × features, float64, NaN where undefined, in the bundle's order.
        scores: rows × `ripple.models.bundle.SCORES`, as the batch job computed them.
        parts: what they are made of.
        hashes: CRC-32 of the ids, ascending; `row` holds whose each is. Where several ids have the same one,
            these are compared.
        segments: name, such as "plan pro" → rows of it, ascending.
    """

    as_of: str
    ids: Ids
    features: np.ndarray
    scores: np.ndarray
    parts: Parts
    hashes: np.ndarray
    row: np.ndarray
    segments: dict[str, np.ndarray]

    @classmethod
    def load(cls, path: Path, explainer: Explainer) -> Snapshot:
        """Map *path*, which `write` made with an explainer of the same bundle.

        Raises:
            SnapshotError: it is no such file, or holds other features than the bundle's.
        """
        names = explainer.bundle.spec.names
        try:
            with pa.ipc.open_file(pa.memory_map(str(path))) as file:
                batch = file.get_batch(0)
            metadata = batch.schema.metadata
            held = metadata[b"features"].decode().split("\n")
        except (pa.ArrowInvalid, KeyError, TypeError, OSError) as error:
            raise SnapshotError(f"{path} is no snapshot: {error}") from error
        if held != names:
            raise SnapshotError(f"{path} holds other features than the bundle beside it names.")

        def wide(name: str, *shape: int) -> np.ndarray:
            values: np.ndarray = batch.column(name).flatten().to_numpy()
            return values.reshape(batch.num_rows, *shape)

        families, most = len(explainer.families), explainer.most
        return cls(
            as_of=metadata[b"as_of"].decode(),
            ids=Ids(batch.column("customer_id")),
            features=wide("features", len(names)),
            scores=wide("scores", len(SCORES)),
            parts=Parts(wide("families", 2, families), wide("places", 2, most), wide("strongest", 2, most)),
            hashes=batch.column("hash").to_numpy(),
            row=batch.column("row").to_numpy(),
            segments=_segments(batch),
        )

    @property
    def size(self) -> int:
        """How many customers it holds."""
        return len(self.ids)

    @cached_property
    def falling(self) -> np.ndarray:
        """Minus the network values, ascending, for ranks of values that are in no row."""
        return -self.scores[:, 0]

    def find(self, ids: Sequence[str]) -> Found:
        """Those of *ids* that it knows, in the order asked for."""
        sought = [one.encode() for one in ids]
        numbers = np.array([crc32(one) for one in sought], dtype=np.uint32)
        places = self.hashes.searchsorted(numbers)
        first = self.row[np.minimum(places, self.size - 1)]
        rows: list[int | None] = first.tolist()
        for index, (own, held) in enumerate(zip(sought, self.ids.take(first), strict=True)):
            if held != own:
                rows[index] = self._row(own, numbers[index], places[index])
        known = [(one, row) for one, row in zip(ids, rows, strict=True) if row is not None]
        return self._found([one for one, _ in known], [row for _, row in known])

    def best(self, rows: slice, segment: str | None) -> Found:
        """Those of *rows* in the order of rank, of everybody or of one segment."""
        chosen = range(self.size)[rows] if segment is None else self.segments[segment][rows].tolist()
        return self._found([self.ids[row].decode() for row in chosen], list(chosen))

    def _row(self, customer_id: bytes, number: int, place: int) -> int | None:
        """Row of a customer whose hash is *number*, which begins at *place*, if it is there."""
        while place < self.size and self.hashes[place] == number:
            row = int(self.row[place])
            if self.ids[row] == customer_id:
                return row
            place += 1
        return None

    def _found(self, ids: list[str], rows: list[int]) -> Found:
        ranks = [row + 1 for row in rows]
        return Found(ids, self.features[rows], self.scores[rows], self.parts[rows], ranks)


class Ids(Sequence[bytes]):
    """The ids of an Arrow array as UTF-8, without the cost of its scalars."""

    def __init__(self, array: pa.StringArray) -> None:
        _, offsets, text = array.buffers()
        self._ends = np.frombuffer(offsets, np.int32)
        self._text = memoryview(text) if text else memoryview(b"")

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, row: Any) -> Any:
        return bytes(self._text[self._ends[row] : self._ends[row + 1]])

    def take(self, rows: np.ndarray) -> list[bytes]:
        """The ids of several rows, which is faster than one by one."""
        bounds = zip(self._ends[rows].tolist(), self._ends[rows + 1].tolist(), strict=True)
        return [bytes(self._text[begin:end]) for begin, end in bounds]


def write(path: Path, source: Path, explainer: Explainer) -> None:
    """Write the Parquet file *source*, see `models.batch_scoring.write_snapshot`, as a snapshot to *path*.

    Raises:
        SnapshotError: a column or the moment is missing, a customer is there twice or has no id, a score is
            undefined, or there is no customer at all.
    """
    names = explainer.bundle.spec.names
    columns = ["customer_id", *SCORES, "rank", *names]
    schema = pq.read_schema(source)
    if missing := [name for name in columns if name not in schema.names]:
        raise SnapshotError(f"{source}: no column '{missing[0]}' ({len(missing)} of {len(columns)} missing).")
    as_of = (schema.metadata or {}).get(b"as_of")
    if as_of is None:
        raise SnapshotError(f"{source}: its metadata does not say as_of which moment it is.")
    attributes = [name for name in schema.names if name.startswith(ATTRIBUTE)]
    table = pq.read_table(source, columns=columns + attributes, memory_map=True)
    if table.num_rows == 0:
        raise SnapshotError(f"{source}: it holds no customer.")
    for name in ("customer_id", *SCORES, "rank"):
        if nulls := table.column(name).null_count:
            raise SnapshotError(f"{source}: column '{name}' is null in {nulls} rows.")
    order = np.argsort(table.column("rank").to_numpy(), kind="stable")
    ids = table.column("customer_id").cast(pa.string()).take(pa.array(order)).combine_chunks()
    hashes = np.fromiter(map(crc32, map(str.encode, ids.to_pylist())), np.uint32, len(ids))
    row = np.argsort(hashes, kind="stable")
    counted = ids.value_counts()
    if len(counted) < len(ids):
        twice = counted.field("values")[pc.index(pc.greater(counted.field("counts"), 1), True).as_py()]
        raise SnapshotError(f"{source}: customer '{twice}' is there twice.")
    features = _matrix(table, names, order)
    parts = [explainer.parts(features[begin : begin + TOGETHER]) for begin in range(0, len(ids), TOGETHER)]
    held = {
        "customer_id": ids,
        "features": _wide(features),
        "scores": _wide(_matrix(table, SCORES, order)),
        "families": _wide(np.concatenate([part.families for part in parts])),
        "places": _wide(np.concatenate([part.places for part in parts])),
        "strongest": _wide(np.concatenate([part.strongest for part in parts])),
        "hash": pa.array(hashes[row]),
        "row": pa.array(row.astype(np.int32)),
    }
    for name in attributes:
        column = table.column(name).combine_chunks().dictionary_encode()
        if len(column.dictionary) <= MOST_SEGMENTS:
            held[name] = column.take(pa.array(order))
    batch = pa.record_batch(held)
    metadata = {"as_of": as_of, "features": "\n".join(names)}
    with pa.ipc.new_file(str(path), batch.schema.with_metadata(metadata)) as file:
        file.write_batch(batch.replace_schema_metadata(metadata))


def _matrix(table: pa.Table, names: Sequence[str], order: np.ndarray) -> np.ndarray:
    matrix = np.empty((table.num_rows, len(names)))
    for position, name in enumerate(names):
        matrix[:, position] = table.column(name).cast(pa.float64()).to_numpy()[order]
    return matrix


def _wide(rows: np.ndarray) -> pa.FixedSizeListArray:
    """An array of rows as a column; in a row all further dimensions lie one after another."""
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows[0].size)


def _segments(batch: pa.RecordBatch) -> dict[str, np.ndarray]:
    found = {}
    for name in batch.schema.names:
        if name.startswith(ATTRIBUTE):
            column = batch.column(name)
            codes = pc.fill_null(column.indices, -1).to_numpy()
            for code, level in enumerate(column.dictionary.to_pylist()):
                found[f"{name.removeprefix(ATTRIBUTE)} {level}"] = np.flatnonzero(codes == code)
    return dict(sorted(found.items()))
