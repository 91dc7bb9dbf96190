"""The table of captures has a row for each ranking, the best first, that of levels one for each cutoff."""

from __future__ import annotations

import json

import pandas as pd

from benchmarks.harness import RESULTS
from benchmarks.real.foundation_capture import captures, levels
from tests.support.checkout import ROOT


def test_rankings_are_rows_and_cutoffs_columns_with_the_best_pooled_first() -> None:
    rows = [
        ("own revenue", "2021-03-15", 0.2),
        ("own revenue", "pooled", 0.3),
        ("Ripple", "2021-03-15", 0.5),
        ("Ripple", "pooled", 0.6),
    ]
    table = pd.DataFrame(rows, columns=["ranking", "cutoff", "capture"])
    assert captures(table) == [
        {"ranking": "Ripple", "2021-03-15": 0.5, "pooled": 0.6},
        {"ranking": "own revenue", "2021-03-15": 0.2, "pooled": 0.3},
    ]


def test_the_level_of_every_cutoff_has_its_interval() -> None:
    columns = ["cutoff", "realised", "predicted_share", "total_low", "total_high"]
    rows = [("2021-04-01", 2e6, 1.5, 1e6, 5e6), ("2021-04-15", 3e6, 0.5, 1e6, 2e6)]
    table = levels(pd.DataFrame(rows, columns=columns))
    assert [row["predicted"] for row in table] == [3e6, 1.5e6]
    assert [row["inside"] for row in table] == [True, False]


def test_the_section_in_docs_has_every_figure_of_the_results() -> None:
    shown = (ROOT / "docs" / "real.md").read_text(encoding="utf-8")
    shown = shown.partition("<!-- foundation -->")[2].partition("<!-- end of foundation -->")[0]
    rankings = json.loads((RESULTS / "foundation.json").read_text(encoding="utf-8"))
    totals = json.loads((RESULTS / "foundation_level.json").read_text(encoding="utf-8"))
    for row in rankings:
        assert f"{row['ranking']}" in shown
        assert f"{row['pooled']:.3f} |" in shown
    for row in totals:
        bounds = f"{row['low'] / 1e6:.2f} to {row['high'] / 1e6:.2f}"
        assert (
            f"| {bounds} | {row['predicted ÷ realised']:.2f} | {'yes' if row['inside'] else 'no'} |" in shown
        )
