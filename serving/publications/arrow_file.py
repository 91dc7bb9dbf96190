"""Files in Arrow's IPC format that hold one batch, with metadata in their schema, and are memory-mapped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa


def write_batch(path: Path, batch: pa.RecordBatch, metadata: Mapping[str, str | bytes]) -> None:
    """Write *batch* with *metadata* to *path*."""
    with pa.ipc.new_file(str(path), batch.schema.with_metadata(metadata)) as file:
        file.write_batch(batch.replace_schema_metadata(metadata))


def map_batch(path: Path) -> pa.RecordBatch:
    """The batch in *path*, whose values are read from the disk as they are needed.

    Raises:
        OSError, pa.ArrowInvalid: there is no such file, or it is none that `write_batch` wrote.
    """
    with pa.ipc.open_file(pa.memory_map(str(path))) as file:
        return file.get_batch(0)
