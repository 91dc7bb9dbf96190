"""A batch and its metadata are read as they were written."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from ripple.serving.publications.arrow_file import map_batch, write_batch


def test_a_batch_is_mapped_with_its_metadata(tmp_path: Path) -> None:
    batch = pa.record_batch({"customer_id": ["ü", "b"], "value": [1.5, None]})
    write_batch(tmp_path / "one.arrow", batch, {"as_of": "2026-06-30T00:00:00"})
    mapped = map_batch(tmp_path / "one.arrow")
    assert mapped.equals(batch)
    assert mapped.schema.metadata == {b"as_of": b"2026-06-30T00:00:00"}
    before = pa.total_allocated_bytes()
    assert map_batch(tmp_path / "one.arrow").num_rows == 2
    assert pa.total_allocated_bytes() == before


@pytest.mark.parametrize("content", [None, b"no such file"])
def test_another_file_is_no_batch(content: bytes | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "one.arrow").write_bytes(content)
    with pytest.raises((OSError, pa.ArrowInvalid)):
        map_batch(tmp_path / "one.arrow")
