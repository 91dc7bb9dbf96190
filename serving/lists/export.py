"""All scores of a publication, part by part, as Arrow, Parquet or lines of JSON."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ripple.models.bundle import HEADS
from ripple.serving.messages.lists import Format
from ripple.serving.publications.snapshot import Lookup
from ripple.serving.score_explanations import Explainer

GROUP_ROWS = 2**16
"""The number of customers in a row group of a Parquet file."""


class Tables:
    """Parts of a publication as Arrow batches of one schema.

    Args:
        top_count, size: How many customers are at the top, and in all.
        explain: Number of reasons for each score.
        metadata: What the schema says of the publication.
    """

    def __init__(
        self, explainer: Explainer, top_count: int, size: int, explain: int, metadata: dict[str, str]
    ) -> None:
        self._explainer, self._top_count, self._size = explainer, top_count, size
        self._explain = min(explain, explainer.max_reasons)
        self._names = pa.array(explainer.bundle.spec.names)
        self._score_names = explainer.bundle.score_names
        reason = pa.struct(
            {
                "feature": pa.dictionary(pa.uint16(), pa.string()),
                "value": pa.float64(),
                "effect": pa.float64(),
            }
        )
        fields: dict[str, pa.DataType] = {"customer_id": pa.string()}
        fields |= dict.fromkeys(self._score_names, pa.float64())
        fields |= {"top_member": pa.bool_(), "rank": pa.int64(), "percentile": pa.float64()}
        if self._explain:
            fields |= {f"{head}_reasons": pa.list_(reason, self._explain) for head in HEADS}
        self.schema = pa.schema(fields, metadata)

    def batch(self, part: Lookup) -> pa.RecordBatch:
        """The customers of a *part*."""
        ranks = np.array(part.ranks, np.int64)
        columns: dict[str, Any] = {"customer_id": pa.array(part.ids, pa.string())}
        columns |= {name: pa.array(part.scores[:, place]) for place, name in enumerate(self._score_names)}
        columns |= {
            "top_member": pa.array(ranks <= self._top_count),
            "rank": pa.array(ranks),
            "percentile": pa.array(100 * (self._size - ranks + 1) / self._size),
        }
        if self._explain:
            columns |= self._reasons(part)
        return pa.record_batch([columns[name] for name in self.schema.names], schema=self.schema)

    def _reasons(self, part: Lookup) -> dict[str, pa.Array]:
        """The strongest features of each score: name, value (null where undefined) and effect."""
        count = self._explain
        effects = self._explainer.effects(part.contributions)[:, :, :count]
        columns = {}
        for place, head in enumerate(HEADS):
            features = part.contributions.features[:, place, :count]
            values = np.take_along_axis(part.features, features.astype(np.int64), axis=1).ravel()
            names = pa.DictionaryArray.from_arrays(pa.array(features.ravel().astype(np.uint16)), self._names)
            struct = pa.StructArray.from_arrays(
                [names, pa.array(values, from_pandas=True), pa.array(effects[:, place].ravel())],
                ["feature", "value", "effect"],
            )
            columns[f"{head}_reasons"] = pa.FixedSizeListArray.from_arrays(struct, count)
        return columns


class Writer(ABC):
    """Turns batches into bytes of a format, as they come."""

    @abstractmethod
    def write(self, batch: pa.RecordBatch) -> bytes:
        """What is to be sent next."""

    @abstractmethod
    def close(self) -> bytes:
        """What is to be sent last."""


class _Sink(io.RawIOBase):
    """A file of which the bytes are taken as they are written."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def taken(self) -> bytes:
        """What was written since the last time."""
        parts, self._parts = self._parts, []
        return b"".join(parts)


class ArrowWriter(Writer):
    """The stream of Arrow's IPC."""

    def __init__(self, schema: pa.Schema) -> None:
        self._sink = _Sink()
        self._writer = pa.ipc.new_stream(pa.PythonFile(self._sink, "w"), schema)

    def write(self, batch: pa.RecordBatch) -> bytes:
        """The batch as a message."""
        self._writer.write_batch(batch)
        return self._sink.taken()

    def close(self) -> bytes:
        """The end of the stream."""
        self._writer.close()
        return self._sink.taken()


class ParquetWriter(Writer):
    """A Parquet file with row groups of `GROUP_ROWS`, which are what is kept in memory."""

    def __init__(self, schema: pa.Schema) -> None:
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(pa.PythonFile(self._sink, "w"), schema, compression="zstd")
        self._batches: list[pa.RecordBatch] = []
        self._rows = 0

    def write(self, batch: pa.RecordBatch) -> bytes:
        """A row group, once it is full."""
        self._batches.append(batch)
        self._rows += batch.num_rows
        return self._group() if self._rows >= GROUP_ROWS else b""

    def close(self) -> bytes:
        """The last row group, and the footer."""
        if self._batches:
            self._writer.write_table(pa.Table.from_batches(self._batches))
        self._writer.close()
        return self._sink.taken()

    def _group(self) -> bytes:
        self._writer.write_table(pa.Table.from_batches(self._batches))
        self._batches, self._rows = [], 0
        return self._sink.taken()


def _values(column: pa.Array) -> list[Any]:
    """The values of a column of a batch, of which no number is null."""
    if pa.types.is_floating(column.type) or pa.types.is_integer(column.type):
        # many times as fast as by Arrow's scalars
        values: list[Any] = column.to_numpy().tolist()
        return values
    return column.to_pylist()


class LinesWriter(Writer):
    """A JSON object for each customer, one a line."""

    def __init__(self) -> None:
        self._encoder = msgspec.json.Encoder()

    def write(self, batch: pa.RecordBatch) -> bytes:
        """The lines of a batch."""
        names = batch.schema.names
        rows = zip(*map(_values, batch.columns), strict=True)
        return self._encoder.encode_lines([dict(zip(names, row, strict=True)) for row in rows])

    def close(self) -> bytes:
        """Nothing: each line is complete."""
        return b""


def writer(kind: Format, schema: pa.Schema) -> Writer:
    """A writer of that format."""
    if kind == "ndjson":
        return LinesWriter()
    return ArrowWriter(schema) if kind == "arrow" else ParquetWriter(schema)
