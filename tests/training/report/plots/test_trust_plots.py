import numpy as np
import pandas as pd

from ripple.training.report.plots import trust_plots
from tests.support.runs.rendered_page import visible_text

DECILES = pd.DataFrame({"decile": range(1, 11), "coverage": np.linspace(1.0, 0.6, 10)})


def test_every_bin_of_reliability_is_drawn() -> None:
    bins = pd.DataFrame(
        {"predicted": [0.001, 0.2], "realised": [0.0, 0.3], "low": [0.0, 0.1], "high": [0.01, 0.5]}
    )
    drawn = trust_plots.reliability(bins, 0.05)
    points, intervals = drawn.count("<use "), drawn.count('class="mark"')
    assert points >= len(bins)
    assert intervals == 2


def test_coverage_has_a_bar_for_every_tenth() -> None:
    assert trust_plots.coverage(DECILES, 0.8).count('class="mark"') == len(DECILES)


def test_ratios_are_on_a_logarithmic_axis_around_one() -> None:
    text = visible_text(trust_plots.ratios(["young", "old"], np.array([0.5, 2.0])))
    assert {"young", "old", "0.5", "1", "2"} <= set(text.split())


def test_drift_names_every_feature() -> None:
    drawn = trust_plots.drift(["a", "b"], np.array([0.4, 0.0]))
    assert {"a", "b"} <= set(visible_text(drawn).split())
    assert drawn.count('class="mark"') == 2
