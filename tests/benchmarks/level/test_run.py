"""The tables by cutoff and by dataset agree with each other."""

from __future__ import annotations

import math
from datetime import datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.level.parts import FACTORS, WindowAmounts
from benchmarks.level.run import CORRECTED, HEADS, INSIDE, LATEST, RISE, level, summary
from ripple.training.estimators.total_forecast import ClosedTotal, TotalForecast

windows = st.lists(st.floats(1.0, 1e6), min_size=5, max_size=5).map(lambda own: WindowAmounts(*own))
totals = st.floats(1.0, 1e6).map(lambda predicted: TotalForecast(predicted, predicted / 2, predicted * 2, ()))


def test_forecasts_are_shares_of_what_was_realised() -> None:
    before, now = WindowAmounts(10, 20, 5, 500, 100), WindowAmounts(20, 40, 5, 500, 400)
    row = level(before, now, TotalForecast(300.0, 150.0, 600.0, ()))
    assert row[RISE] == 4
    # 10 each for 20 customers
    assert (row[HEADS], row[LATEST], row["low"], row["high"], row[INSIDE]) == (0.75, 0.5, 0.375, 1.5, 1)
    # what had been 4 times as much as predicted moves the correction by half of the logarithm
    closed = (ClosedTotal(datetime(2025, 1, 1), 10.0, 40.0),)
    assert level(before, now, TotalForecast(300.0, 150.0, 600.0, closed))[CORRECTED] == pytest.approx(1.5)
    assert level(before, now, TotalForecast(100.0, 50.0, 200.0, ()))[INSIDE] == 0


@settings(max_examples=30)
@given(st.lists(st.tuples(windows, windows, totals), min_size=1, max_size=4))
def test_factors_multiply_to_the_rise_at_every_cutoff_and_in_the_means(
    cutoffs: list[tuple[WindowAmounts, WindowAmounts, TotalForecast]],
) -> None:
    table = pd.DataFrame([level(*one) for one in cutoffs]).assign(dataset="small", evaluated=True)
    not_evaluated = table.assign(evaluated=False, heads=9.0)
    (means,) = summary(pd.concat([table, not_evaluated]))
    for row in (*table.to_dict("records"), means):
        assert math.prod(row[name] for name in FACTORS) == pytest.approx(row[RISE])
    assert means["cutoffs"] == len(cutoffs)
    assert means[INSIDE] == table[INSIDE].mean()
    squares = [math.log(share) ** 2 for share in table[HEADS]]
    assert means["error, heads"] == pytest.approx(math.sqrt(sum(squares) / len(squares)))
