"""Exports in every format, compared with what the service answers customer by customer."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ripple.models.bundle import HEADS
from ripple.serving.lists.export import Tables, writer
from ripple.serving.messages.lists import CONTENT_TYPES, Format
from ripple.serving.scorer import Scorer

ROWS = 64
SIZE = 400


def _exported(scorer: Scorer, run: Any, kind: Format, explain: int) -> bytes:
    tables: Tables = scorer.lists.tables(explain)
    writing = writer(kind, tables.schema)
    parts = [run(scorer.customers.part(begin, ROWS, explain > 0)) for begin in range(0, SIZE, ROWS)]
    content = [writing.write(tables.batch(part)) for part in parts]
    # what is written is handed on at once, and not kept
    assert all(content[:-1]) == (kind != "parquet")
    return b"".join([*content, writing.close()])


def _rows(kind: Format, content: bytes) -> list[dict[str, Any]]:
    if kind == "ndjson":
        return [json.loads(line) for line in content.splitlines()]
    if kind == "arrow":
        with pa.ipc.open_stream(content) as reader:
            table = reader.read_all()
    else:
        table = pq.read_table(io.BytesIO(content))
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


@pytest.fixture(scope="module")
def answers(scorer: Scorer, run: Any) -> list[dict[str, Any]]:
    """Everybody with all reasons, as the service answers."""
    found = run(scorer.customers.top(None, 0, SIZE))
    answers: list[dict[str, Any]] = scorer._published_answers(found, 10)
    return answers


@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_scores_are_those_of_single_answers(
    kind: Format, scorer: Scorer, run: Any, answers: list[dict[str, Any]]
) -> None:
    rows = _rows(kind, _exported(scorer, run, kind, 0))
    expected = [
        {name: value for name, value in one.items() if name not in ("overridden", "explanation")}
        for one in answers
    ]
    assert rows == expected


@pytest.mark.parametrize("explain", [1, 3, 10])
@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_reasons_are_those_of_single_answers(
    kind: Format, explain: int, scorer: Scorer, run: Any, answers: list[dict[str, Any]]
) -> None:
    rows = _rows(kind, _exported(scorer, run, kind, explain))
    for row, one in zip(rows, answers, strict=True):
        for head in HEADS:
            expected = one["explanation"][head]["reasons"][:explain]
            found = row[f"{head}_reasons"]
            assert [reason["feature"] for reason in found] == [reason["feature"] for reason in expected]
            assert [reason["value"] for reason in found] == [reason["value"] for reason in expected]
            assert [reason["effect"] for reason in found] == pytest.approx(
                [reason["effect"] for reason in expected], rel=1e-12
            )


def test_a_table_says_of_which_publication_it_is(scorer: Scorer, run: Any) -> None:
    with pa.ipc.open_stream(_exported(scorer, run, "arrow", 0)) as reader:
        assert reader.schema.metadata == {
            b"publication": scorer.publication.name.encode(),
            b"model_version": b"1",
            b"as_of": b"2026-06-30T00:00:00Z",
            b"currency": b"EUR",
            b"horizon_days": b"180",
            b"customers": b"400",
        }


def test_row_groups_of_a_file_are_handed_on_when_they_are_full(
    scorer: Scorer, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ripple.serving.lists.export.GROUP_ROWS", 100)
    tables = scorer.lists.tables(0)
    writing = writer("parquet", tables.schema)
    parts = [run(scorer.customers.part(begin, 50, False)) for begin in range(0, SIZE, 50)]
    content = [writing.write(tables.batch(part)) for part in parts]
    assert [bool(part) for part in content] == [False, True] * 4
    file = pq.ParquetFile(io.BytesIO(b"".join([*content, writing.close()])))
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [100] * 4
