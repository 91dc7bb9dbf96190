"""The benchmark of exporting measures floors and exports of the real service."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.endpoint import export_cost
from benchmarks.harness import Run
from ripple.settings import Model

# raised inside MLflow
pytestmark = [
    pytest.mark.filterwarnings("ignore:Operation with range is deprecated"),
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]


def test_every_export_is_measured(in_process: Run, tmp_path: Path) -> None:
    rows = list(export_cost.measure(in_process, tmp_path, customers=3000, model=Model(trees=20)))
    assert [(row["what"], row["format"], row["reasons"]) for row in rows] == [
        ("floor", "arrow", 0),
        ("floor", "parquet", 0),
        *(("export", *one) for one in export_cost.EXPORTS),
    ]
    exports = rows[2:]
    assert all(row["wall_s"] > 0 and row["x_wall"] > 0 for row in exports)
    # an id, four scores, a rank and two more of each customer
    assert exports[0]["sent_mb"] > 3000 * 50 / 1e6
