from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.special import expit

from ripple.models.value_range import RangeScores
from ripple.training.estimators.heads import fit
from ripple.training.estimators.range_heads import (
    MIN_BAND_ROWS,
    MIN_HESSIAN,
    SMOOTHING,
    calibrate_range,
    smooth_pinball,
)
from ripple.training.examples.targets import network_value_target
from tests.support import synthetic_examples
from tests.support.synthetic_examples import RISING, SETTINGS


@pytest.fixture(scope="module")
def history():
    return list(synthetic_examples.history().values())


@pytest.fixture(scope="module")
def heads(history):
    return fit(history, SETTINGS)


def test_the_heads_are_probability_and_quantiles_in_currency(history, heads):
    values = np.concatenate([network_value_target(one.labels, SETTINGS) for one in history])
    scores = [heads.predict_range(one.features) for one in history]
    log_odds, low, high = (np.concatenate(part) for part in zip(*scores, strict=True))
    positive = values > 0
    # later cutoffs weigh more
    assert expit(log_odds).mean() == pytest.approx(positive.mean(), abs=0.05)
    assert expit(log_odds)[positive].mean() > expit(log_odds)[~positive].mean()
    # fitted to these rows, they hold more than 80 % of them
    assert 0.02 < (np.log(values[positive]) < low[positive]).mean() < 0.12
    assert 0.02 < (np.log(values[positive]) > high[positive]).mean() < 0.12


@hypothesis_settings(max_examples=50)
@given(st.integers(0, 299), st.sampled_from(RISING), st.floats(0, 1e6, allow_nan=False))
def test_more_credit_in_the_past_lowers_neither_the_chance_nor_a_quantile(heads, history, row, name, more):
    features = history[0].features.iloc[[row]].fillna({name: 0.0})
    raised = heads.predict_range(features.assign(**{name: features[name] + more}))
    for before, after in zip(heads.predict_range(features), raised, strict=True):
        assert after[0] >= before[0]


def test_a_currency_of_half_the_value_moves_the_quantiles_by_its_logarithm(history, heads):
    doubled = fit(
        [
            replace(one, labels=one.labels.assign(network_value=one.labels["network_value"] * 2))
            for one in history
        ],
        SETTINGS,
    )
    before, after = (one.predict_range(history[0].features) for one in (heads, doubled))
    np.testing.assert_array_equal(after.log_odds, before.log_odds)
    np.testing.assert_allclose(after.low, before.low + np.log(2), atol=1e-12)
    np.testing.assert_allclose(after.high, before.high + np.log(2), atol=1e-12)


@given(st.floats(0.05, 0.95), st.floats(-5, 5), st.floats(-5, 5), st.floats(0.1, 3))
def test_the_loss_is_a_smooth_pinball(alpha, predicted, label, weight):
    data = lgb.Dataset(np.zeros((1, 1)), np.array([label]), weight=np.array([weight]))
    gradient, hessian = smooth_pinball(alpha)(np.array([predicted]), data)
    label = float(data.get_label()[0])  # LightGBM keeps 32 bits

    def loss(at):
        # softplus is a pinball with a smooth bend
        return SMOOTHING * np.logaddexp(0, (at - label) / SMOOTHING) - alpha * (at - label)

    slope = approx_fprime(np.array([predicted]), lambda at: loss(at[0]), 1e-6)[0]
    weight = float(data.get_weight()[0])
    assert gradient[0] == pytest.approx(weight * slope, abs=1e-4)
    assert hessian[0] >= weight * MIN_HESSIAN


def test_bands_have_as_many_values_that_are_not_zero():
    random = np.random.default_rng(1)
    size = 10 * MIN_BAND_ROWS
    predicted = random.lognormal(3, 1, size)
    realised = predicted * random.lognormal(0, 1, size) * (random.random(size) < 0.5)
    scores = RangeScores(np.zeros(size), np.log(predicted) - 1, np.log(predicted) + 1)
    calibrated = calibrate_range(predicted, scores, realised, 0.8)
    positive = predicted[realised > 0]
    counts = np.bincount(np.searchsorted(calibrated.edges, positive, side="right"))
    assert len(counts) == len(calibrated.quantiles) == len(positive) // MIN_BAND_ROWS
    assert np.ptp(counts) <= 1
    assert all(row == tuple(sorted(row)) for row in calibrated.quantiles)


@pytest.mark.parametrize("positives", [1, 2, MIN_BAND_ROWS - 1])
def test_a_single_band_where_little_was_realised(positives):
    predicted = np.linspace(1, 2, 200)
    realised = np.where(np.arange(200) < positives, 5.0, 0.0)
    scores = RangeScores(np.zeros(200), np.zeros(200), np.ones(200))
    calibrated = calibrate_range(predicted, scores, realised, 0.8)
    assert calibrated.edges == ()
    assert np.isfinite(calibrated.ranges(predicted, scores)).all()


def test_equal_predictions_are_one_band():
    size = 20 * MIN_BAND_ROWS
    realised = np.random.default_rng(2).lognormal(0, 1, size)
    scores = RangeScores(np.zeros(size), np.zeros(size), np.ones(size))
    assert calibrate_range(np.ones(size), scores, realised, 0.8).edges == ()
