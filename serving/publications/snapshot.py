"""The features and scores of every customer as of one moment, in a file that is memory-mapped.

The file is in Arrow's IPC format with one record batch: workers on one machine share its pages, and looking a
customer up takes microseconds. Rows are in order of rank, so the top is where the file begins.
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
from ripple.serving.publications.arrow_file import map_batch, write_batch
from ripple.serving.score_explanations import Contributions, Explainer

MAX_SEGMENT_LEVELS = 12
"""The number of levels up to which the values of an attribute are segments, rather than names."""

CHUNK_ROWS = 2**16
"""The number of customers that are explained at a time, so that their contributions fit in memory."""


class SnapshotError(ValueError):
    """The snapshot does not hold what the bundle next to it needs."""


@dataclass(frozen=True)
class Lookup:
    """Customers that were looked up, in the order of the request.

    Attributes:
        features: Features; customers × features, float64, NaN where undefined.
        scores: Published scores; customers × `ripple.models.bundle.Bundle.score_names`.
        contributions: SHAP contributions to the scores.
        ranks: Ranks by network value; 1 is the highest.
    """

    ids: list[str]
    features: np.ndarray
    scores: np.ndarray
    contributions: Contributions
    ranks: list[int]


@dataclass(frozen=True)
class Snapshot:
    """Every customer known at one moment, one row each, the highest network value first.

    Attributes:
        as_of: The moment, in ISO 8601, UTC.
        features: Features in the bundle's order; rows × features, float64, NaN where undefined.
        scores: Scores as the batch job computed them; rows × `ripple.models.bundle.Bundle.score_names`.
        contributions: SHAP contributions to the scores.
        hashes: CRC-32 of the ids, ascending; ids of the same hash are compared themselves.
        hash_rows: Row of the customer of each of `hashes`.
        segments: Rows of each segment, such as "plan pro", ascending.
    """

    as_of: str
    ids: Ids
    features: np.ndarray
    scores: np.ndarray
    contributions: Contributions
    hashes: np.ndarray
    hash_rows: np.ndarray
    segments: dict[str, np.ndarray]

    @classmethod
    def load(cls, path: Path, explainer: Explainer) -> Snapshot:
        """Map the file *path*, which `convert_snapshot` wrote with an explainer of the same bundle.

        Raises:
            SnapshotError: it is no such file, or holds other features than the bundle's.
        """
        names = explainer.bundle.spec.names
        try:
            batch = map_batch(path)
            metadata = batch.schema.metadata
            features = metadata[b"features"].decode().split("\n")
        except (pa.ArrowInvalid, KeyError, TypeError, OSError) as error:
            raise SnapshotError(f"{path} is no snapshot: {error}") from error
        if features != names:
            raise SnapshotError(f"{path} holds other features than the bundle next to it names.")

        def array(name: str, *row_shape: int) -> np.ndarray:
            values: np.ndarray = batch.column(name).flatten().to_numpy()
            return values.reshape(batch.num_rows, *row_shape)

        families, reasons = len(explainer.families), explainer.max_reasons
        return cls(
            as_of=metadata[b"as_of"].decode(),
            ids=Ids(batch.column("customer_id")),
            features=array("features", len(names)),
            scores=array("scores", len(explainer.bundle.score_names)),
            contributions=Contributions(
                array("families", 2, families), array("places", 2, reasons), array("strongest", 2, reasons)
            ),
            hashes=batch.column("hash").to_numpy(),
            hash_rows=batch.column("row").to_numpy(),
            segments=_segments(batch),
        )

    @property
    def size(self) -> int:
        """The number of customers."""
        return len(self.ids)

    @cached_property
    def negated_values(self) -> np.ndarray:
        """Network values, which descend, negated so that they ascend: `searchsorted` ranks other values."""
        return -self.scores[:, 0]

    def find(self, ids: Sequence[str]) -> Lookup:
        """Look up *ids*; unknown ones are left out."""
        encoded = [customer_id.encode() for customer_id in ids]
        hashes = np.array([crc32(customer_id) for customer_id in encoded], dtype=np.uint32)
        positions = self.hashes.searchsorted(hashes)
        candidates = self.hash_rows[np.minimum(positions, self.size - 1)]
        rows: list[int | None] = candidates.tolist()
        for index, (wanted, candidate) in enumerate(zip(encoded, self.ids.take(candidates), strict=True)):
            if candidate != wanted:
                rows[index] = self._row(wanted, hashes[index], positions[index])
        known = [(customer_id, row) for customer_id, row in zip(ids, rows, strict=True) if row is not None]
        return self._lookup([customer_id for customer_id, _ in known], [row for _, row in known])

    def at_ranks(self, ranks: Sequence[int]) -> Lookup:
        """The customers of these *ranks*."""
        rows = [rank - 1 for rank in ranks]
        return self._lookup([self.ids[row].decode() for row in rows], rows)

    def by_rank(self, ranks: slice, segment: str | None) -> Lookup:
        """The customers at positions *ranks* in order of rank, of everybody or of one segment."""
        rows = range(self.size)[ranks] if segment is None else self.segments[segment][ranks].tolist()
        return self._lookup([self.ids[row].decode() for row in rows], list(rows))

    def part(self, rows: slice, explain: bool) -> Lookup:
        """The customers in consecutive *rows*; without features and contributions, unless to *explain*."""
        ids = [one.decode() for one in self.ids.take(np.arange(rows.start, rows.stop))]
        none = slice(0, 0)
        return Lookup(
            ids,
            self.features[rows if explain else none],
            self.scores[rows],
            self.contributions[rows if explain else none],
            list(range(rows.start + 1, rows.stop + 1)),
        )

    def _row(self, customer_id: bytes, hashed: int, position: int) -> int | None:
        """The row of a customer by linear search among equal hashes, from the first *position* of its own."""
        while position < self.size and self.hashes[position] == hashed:
            row = int(self.hash_rows[position])
            if self.ids[row] == customer_id:
                return row
            position += 1
        return None

    def _lookup(self, ids: list[str], rows: list[int]) -> Lookup:
        ranks = [row + 1 for row in rows]
        return Lookup(ids, self.features[rows], self.scores[rows], self.contributions[rows], ranks)


class Ids(Sequence[bytes]):
    """The ids of an Arrow array as UTF-8, without the cost of Arrow's scalars."""

    def __init__(self, array: pa.StringArray) -> None:
        _, offsets, text = array.buffers()
        self._offsets = np.frombuffer(offsets, np.int32)
        self._text = memoryview(text) if text else memoryview(b"")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, row: Any) -> Any:
        return bytes(self._text[self._offsets[row] : self._offsets[row + 1]])

    def take(self, rows: np.ndarray) -> list[bytes]:
        """The ids of several rows, which is faster than one by one."""
        bounds = zip(self._offsets[rows].tolist(), self._offsets[rows + 1].tolist(), strict=True)
        return [bytes(self._text[begin:end]) for begin, end in bounds]


def convert_snapshot(path: Path, source: Path, explainer: Explainer) -> None:
    """Convert the Parquet file *source* of `ripple.models.batch_scoring.write_snapshot` to a snapshot *path*.

    Raises:
        SnapshotError: a column or the moment is missing, a customer occurs twice or has no id, a score is
            undefined, or there is no customer at all.
    """
    names, score_names = explainer.bundle.spec.names, explainer.bundle.score_names
    columns = ["customer_id", *score_names, "rank", *names]
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
    for name in ("customer_id", *score_names, "rank"):
        if nulls := table.column(name).null_count:
            raise SnapshotError(f"{source}: column '{name}' is null in {nulls} rows.")
    order = np.argsort(table.column("rank").to_numpy(), kind="stable")
    ids = table.column("customer_id").cast(pa.string()).take(pa.array(order)).combine_chunks()
    hashes = np.fromiter(map(crc32, map(str.encode, ids.to_pylist())), np.uint32, len(ids))
    hash_rows = np.argsort(hashes, kind="stable")
    counts = ids.value_counts()
    if len(counts) < len(ids):
        duplicate = counts.field("values")[pc.index(pc.greater(counts.field("counts"), 1), True).as_py()]
        raise SnapshotError(f"{source}: customer '{duplicate}' is there twice.")
    features = _matrix(table, names, order)
    chunks = [
        explainer.contributions(features[begin : begin + CHUNK_ROWS])
        for begin in range(0, len(ids), CHUNK_ROWS)
    ]
    data = {
        "customer_id": ids,
        "features": _lists(features),
        "scores": _lists(_matrix(table, score_names, order)),
        "families": _lists(np.concatenate([chunk.families for chunk in chunks])),
        "places": _lists(np.concatenate([chunk.features for chunk in chunks])),
        "strongest": _lists(np.concatenate([chunk.strongest for chunk in chunks])),
        "hash": pa.array(hashes[hash_rows]),
        "row": pa.array(hash_rows.astype(np.int32)),
    }
    for name in attributes:
        column = table.column(name).combine_chunks().dictionary_encode()
        if len(column.dictionary) <= MAX_SEGMENT_LEVELS:
            data[name] = column.take(pa.array(order))
    batch = pa.record_batch(data)
    write_batch(path, batch, {"as_of": as_of, "features": "\n".join(names)})


def _matrix(table: pa.Table, names: Sequence[str], order: np.ndarray) -> np.ndarray:
    matrix = np.empty((table.num_rows, len(names)))
    for index, name in enumerate(names):
        matrix[:, index] = table.column(name).cast(pa.float64()).to_numpy()[order]
    return matrix


def _lists(rows: np.ndarray) -> pa.FixedSizeListArray:
    """An array as a column with one list per row, in which all further dimensions are flattened."""
    return pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), rows[0].size)


def _segments(batch: pa.RecordBatch) -> dict[str, np.ndarray]:
    segments = {}
    for name in batch.schema.names:
        if name.startswith(ATTRIBUTE):
            column = batch.column(name)
            codes = pc.fill_null(column.indices, -1).to_numpy()
            for code, level in enumerate(column.dictionary.to_pylist()):
                segments[f"{name.removeprefix(ATTRIBUTE)} {level}"] = np.flatnonzero(codes == code)
    return dict(sorted(segments.items()))
