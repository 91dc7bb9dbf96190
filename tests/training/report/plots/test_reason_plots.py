import numpy as np
import pandas as pd
import pytest

from ripple.training.report.plots import reason_plots
from tests.support.runs.rendered_page import visible_text


def test_dependence_has_a_label_a_title_and_marks() -> None:
    x = np.array([0.0, 1.0, 2.0, 1000.0])
    drawn = reason_plots.dependence(x, x / 1000, x[:2], x[:2] / 1000, "cost $", "A caption.")
    assert 'aria-label="A caption."' in drawn
    assert "cost $" in visible_text(drawn)
    assert drawn.count('class="mark"') == 3


def test_pairs_name_both_models_and_the_quantity() -> None:
    drawn = reason_plots.pairs(
        ["a", "b"], np.array([0.1, 0.2]), np.array([0.3, 0.1]), ("one", "two"), "Capture"
    )
    assert 'aria-label="Capture, under one and under two."' in drawn
    assert {"a", "b", "one", "two"} <= set(visible_text(drawn).split())


def test_every_family_has_a_line_over_time() -> None:
    shares = pd.DataFrame({"Jan 25": [0.6, 0.4], "Feb 25": [0.5, 0.5]}, index=["network", "expert"])
    drawn = reason_plots.over_time(shares)
    assert {"network", "expert", "Jan", "Feb"} <= set(visible_text(drawn).split())


def test_many_families_share_the_last_of_four_lines() -> None:
    shares = pd.DataFrame({"Jan 25": [0.4, 0.3, 0.1, 0.1, 0.1]}, index=["a1", "b1", "c1", "d1", "e1"])
    drawn = reason_plots.over_time(shares)
    assert {"a1", "b1", "c1", "others"} <= set(visible_text(drawn).split())
    assert not {"d1", "e1"} & set(visible_text(drawn).split())
    assert 'data-tip="all others, Jan 25: 20\u00a0%"' in drawn


@pytest.mark.parametrize(
    ("low", "high", "factors"),
    [
        (0.0001, 1000.0, [0.0001, 0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]),
        (0.5, 5.0, [0.5, 1.0, 2.0, 5.0]),
        (0.95, 1.1, [1.0]),
    ],
)
def test_ticks_are_round_factors_and_one(low: float, high: float, factors: list[float]) -> None:
    assert reason_plots._factors(np.log(low) - 1e-9, np.log(high) + 1e-9) == factors
