"""The forecast is evaluated with rules and models that know more."""

from __future__ import annotations

from benchmarks.truth import forecast
from benchmarks.truth.forecast import Forecast
from ripple.training.evaluation.cutoff_evaluation import MODEL


def test_the_forecast_is_evaluated_beside_rules_and_ceilings(small_forecast: Forecast) -> None:
    table = small_forecast.rankings
    assert {MODEL, "last label", "degree", "time-decayed credit", *forecast.ORACLES} <= set(table.index)
    assert table["capture"].between(0, 1).all()
    for column in ("total_ratio", "total_covered", "coverage", "least_coverage"):
        assert table[column].notna().tolist() == [name == MODEL for name in table.index]
    assert table["total_covered"][MODEL] in (0, 1)  # at its single cutoff
    assert 0 < table["least_coverage"][MODEL] <= table["coverage"][MODEL] <= 1
    assert set(small_forecast.resamples.columns) == set(table.index)
    low, high = forecast.lead_interval(small_forecast.resamples, "degree")
    assert low <= high
