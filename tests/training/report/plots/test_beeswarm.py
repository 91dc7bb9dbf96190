import numpy as np

from ripple.training.report.plots.beeswarm import _factors, beeswarm


def test_features_that_say_nothing_are_left_out() -> None:
    random = np.random.default_rng(1)
    x, effects = random.normal(size=(40, 4)), random.normal(size=(40, 4))
    x[:, 0], x[:, 1] = np.nan, 3.0
    x[5:, 2] = np.nan
    drawn = beeswarm(effects, x, ["missing", "constant", "rare", "full"], seed=1)
    assert "rare" in drawn
    assert "full" in drawn
    assert "missing" not in drawn
    assert "constant" not in drawn
    assert "nan" not in drawn


def test_where_nothing_varies_nothing_is_drawn() -> None:
    assert beeswarm(np.zeros((3, 1)), np.ones((3, 1)), ["a"], seed=1) == ""


def test_ticks_are_round_factors() -> None:
    assert np.exp(_factors(np.log(0.4), np.log(5))).round(6).tolist() == [0.5, 1, 2, 4]
    assert np.exp(_factors(np.log(0.001), np.log(1000))).round(8).tolist() == [0.00390625, 0.0625, 1, 16, 256]
