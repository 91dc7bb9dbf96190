"""The table of captures has a row for each ranking, the best first."""

from __future__ import annotations

import pandas as pd

from benchmarks.foundation_capture import captures


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
