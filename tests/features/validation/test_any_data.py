"""Whatever the files hold, a dataset is either refused by name or gives features; nothing else is raised."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ripple.errors import InputError
from ripple.features.matrix import matrix
from ripple.features.tables.contract import CONTRACT
from ripple.features.validation import checks
from ripple.settings import Settings
from ripple.training.examples.examples import attributes, frame, labels_at
from ripple.training.examples.feasibility import feasibility
from tests.support.oracles import feature_frames

SETTINGS = Settings.model_validate(
    {
        "horizon_days": 10,
        "cutoffs": {"history_days": 10, "step_days": 10},
        "features": {"windows_days": (30,)},
    }
)
LARGEST = 2**63 - 1
WHOLE = st.sampled_from([0, 1, -1, 2, 7, 20240517, 1_714_694_400, LARGEST, -LARGEST])
TEXTS = st.sampled_from(
    [
        "",
        " ",
        "c1",
        " C1 ",
        "nan",
        "-inf",
        "1e999",
        "12,5",
        "2024-05-17",
        "17/05/2024",
        "infinity",
        "🎉",
        "\x00",
        "'",
    ]
)
TYPES: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "text": (pa.string(), TEXTS),
    "large text": (pa.large_string(), TEXTS),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), TEXTS),
    "whole": (pa.int64(), WHOLE),
    "unsigned": (pa.uint64(), st.sampled_from([0, 1, 2**64 - 1])),
    "double": (
        pa.float64(),
        st.sampled_from([0.0, -0.0, 1.5, -1.5, np.nan, np.inf, -np.inf, 9e11, 1e300, 5e-324]),
    ),
    "half": (pa.float32(), st.sampled_from([0.0, 0.1, -3.5, np.nan])),
    "boolean": (pa.bool_(), st.booleans()),
    "binary": (pa.binary(), st.sampled_from([b"", b"\xff\x00", b"c1"])),
    "microseconds": (pa.timestamp("us"), WHOLE.map(lambda number: number)),
    "zoned": (pa.timestamp("us", tz="Europe/Oslo"), WHOLE),
    "nanoseconds": (pa.timestamp("ns"), WHOLE),
    "date": (pa.date32(), st.sampled_from([date(2024, 5, 17), date(1, 1, 1), date(9999, 12, 31)])),
    "distant date": (pa.date32(), st.sampled_from([2**31 - 1, -(2**31), 19_860])),
    "time of day": (pa.time64("us"), st.sampled_from([0, 3_600_000_000])),
    "duration": (pa.duration("us"), WHOLE),
    "decimal": (pa.decimal128(38, 10), st.sampled_from([Decimal("1.5"), Decimal(10) ** 27, Decimal(-3)])),
    "wide decimal": (pa.decimal256(60, 2), st.sampled_from([Decimal("1.5"), Decimal(10) ** 50])),
    "list": (pa.list_(pa.int64()), st.sampled_from([[], [1], [1, None]])),
    "struct": (pa.struct({"a": pa.int64()}), st.sampled_from([{"a": 1}, {"a": None}])),
    "map": (pa.map_(pa.string(), pa.int64()), st.sampled_from([[], [("a", 1)]])),
    "nothing": (pa.null(), st.none()),
}
"""Kind of column → its type in Arrow, and the values that it may hold."""
INSIDE = st.integers(0, 5_000_000).map(lambda seconds: (1_714_694_400 + seconds) * 1_000_000)
FITTING: dict[str, list[tuple[pa.DataType, st.SearchStrategy[Any]]]] = {
    "id": [TYPES["text"], TYPES["dictionary"], (pa.int64(), WHOLE)],
    "text": [TYPES["text"], TYPES["dictionary"]],
    "time": [(pa.timestamp("us"), INSIDE), (pa.timestamp("us", tz="Asia/Tokyo"), INSIDE)],
    "number": [
        (pa.float64(), st.sampled_from([0.0, -0.0, 0.25, 1.0, 1e-300, 123456.789, 9e10])),
        (pa.int64(), st.integers(0, 9)),
        (pa.decimal128(38, 10), st.sampled_from([Decimal("0.5"), Decimal("1.0000000001")])),
    ],
}
"""Type of the contract → types in which it may be stored, with values that keep most rules."""
COLUMNS = {(name, column.name): column for name, contract in CONTRACT.items() for column in contract.columns}
ATTRIBUTES = [("customers", "industry"), ("customers", "an odd attribute")]


def array(kind: pa.DataType, values: list[Any]) -> pa.Array:
    """The *values* in Arrow, times and the like from whole numbers."""
    if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
        return pa.array(values, pa.int64()).cast(kind)
    if kind == pa.date32() and any(isinstance(value, int) for value in values):
        return pa.array(values, pa.int32()).cast(kind)
    return pa.array(values, kind)


@st.composite
def datasets(draw: st.DrawFn) -> dict[str, pa.Table]:
    """The small dataset with rows left out and repeated, and some columns of any type and value.

    Most columns are of a fitting type, or no dataset would ever be accepted.
    """
    frames = feature_frames.small()
    tables = {name: pa.Table.from_pandas(rows, preserve_index=False) for name, rows in frames.items()}
    changed = draw(st.sampled_from(["usage", "orders", "interactions", "feedback", "catalog", None]))
    if changed is not None:
        rows = tables[changed].num_rows
        kept = draw(st.sampled_from([[], [0], [*range(rows), 0, 0], list(range(rows // 2))]))
        tables[changed] = tables[changed].take(pa.array(kept, pa.int64()))
    names = st.sampled_from([place for place in COLUMNS if not place[1].endswith(("customer_id", "_id"))])
    for place in draw(st.lists(names | st.sampled_from(ATTRIBUTES), min_size=1, max_size=3)):
        column = COLUMNS.get(place)
        fits = column is not None and draw(st.integers(0, 3)) > 0
        kinds = FITTING[column.type] if column is not None and fits else list(TYPES.values())
        kind, values = draw(st.sampled_from(kinds))
        required = column is not None and column.required
        few = draw(st.lists(values if fits and required else st.none() | values, min_size=1, max_size=4))
        rows = tables[place[0]]
        added = array(kind, [few[row % len(few)] for row in range(rows.num_rows)])
        index = rows.schema.get_field_index(place[1])
        tables[place[0]] = (
            rows.append_column(place[1], added) if index < 0 else rows.set_column(index, place[1], added)
        )
    return tables


def compute(folder: Path) -> str | None:
    """The error of a check, of features and labels, or of what a training begins with, if there is one."""
    try:
        dataset, report = checks.load(folder, SETTINGS)
    except InputError as error:
        return str(error)
    end = dataset.settings.until or report.end
    assert all("\n" not in warning for warning in report.warnings)
    features = frame(matrix(dataset, end))
    assert not np.isinf(features.to_numpy()).any()
    labels = frame(labels_at(dataset, end - timedelta(days=10)))
    assert np.isfinite(labels.to_numpy()).all()
    attributes(dataset, end)
    try:
        feasibility(dataset, report.start, end)
    except InputError as error:
        return str(error)
    return None


@given(datasets())
@settings(max_examples=7, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_any_table_is_refused_by_name_or_gives_features(tables):
    with TemporaryDirectory() as name:
        for table, rows in tables.items():
            pq.write_table(rows, Path(name) / f"{table}.parquet")
        error = compute(Path(name))
    if error is not None:
        assert any(table in error for table in CONTRACT) or "Too little history" in error


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def without_magic(file: Path) -> None:
    file.write_bytes(b"PAR2" + file.read_bytes()[4:-4] + b"PAR2")


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def noise(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for place in range(4, len(content) - 8, 97):
        content[place] ^= 0xFF
    file.write_bytes(content)


def written(content: bytes) -> Callable[[Path], None]:
    """Puts a CSV file in the place of the table's."""

    def write(file: Path) -> None:
        file.unlink()
        file.with_suffix(".csv").write_bytes(content)

    return write


HEADER = b"customer_id,ordered_at,product,revenue\n"
BROKEN_FILES = {
    "truncated": truncated,
    "without magic": without_magic,
    "empty": emptied,
    "noise": noise,
    "a folder": lambda file: (file.unlink(), file.mkdir()),
    "no bytes of csv": written(b""),
    "utf-16": written((HEADER + b"c1,2024-05-17,p,1\n").decode().encode("utf-16")),
    "latin-1": written(HEADER + "c1,2024-05-17,café,1\n".encode("latin-1")),
    "mixed encodings": written(HEADER + "c1,2024-05-17,café,1\n".encode() + b"c1,2024-05-17,caf\xe9,1\n"),
    "null bytes": written(HEADER + b"c1,2024-05-17,\x00\x00,1\n"),
    "ragged": written(HEADER + b"c1,2024-05-17,p\nc1,2024-05-17,p,1,2,3\n"),
    "an open quote": written(HEADER + b'c1,2024-05-17,"p,1\n'),
    "parquet as csv": written(b"PAR1\x15\x04\x15\x00"),
}


@pytest.mark.parametrize("change", BROKEN_FILES.values(), ids=BROKEN_FILES)
def test_a_broken_file_is_refused_by_name(write, frames, change):
    folder = write(frames)
    change(folder / "orders.parquet")
    error = compute(folder)
    assert error is not None
    # UTF-16 and null bytes can be read
    assert "orders" in error or "could be credited" in error
