"""The linear model: what it expects, and that nothing in the features breaks it."""

import numpy as np
import pytest

from ripple.training.estimators import linear

RANDOM = np.random.default_rng(7)
ROWS = np.column_stack([RANDOM.lognormal(0, 1, 5000), RANDOM.normal(0, 3, 5000), np.full(5000, 4.0)])
EXPECTED = np.sqrt(1 + ROWS[:, 0]) * np.where(ROWS[:, 1] > 0, 1 + ROWS[:, 1], 1 / (1 - ROWS[:, 1]))
AMOUNT = RANDOM.poisson(EXPECTED / EXPECTED.mean()).astype(float)
ONE = np.ones(5000)


@pytest.fixture(scope="module")
def model():
    return linear.fit(ROWS, AMOUNT, ONE, 1.0)


def test_a_product_of_powers_is_found(model):
    predicted, true = linear.predict_log(model, ROWS), np.log(EXPECTED / EXPECTED.mean())
    assert np.corrcoef(predicted, true)[0, 1] > 0.99
    assert np.average(np.exp(predicted)) == pytest.approx(AMOUNT.mean(), rel=0.01)


def test_it_predicts_the_logarithm_of_what_scikit_learn_predicts(model):
    assert np.exp(linear.predict_log(model, ROWS)) == pytest.approx(model.predict(ROWS))


def test_rows_that_weigh_nothing_teach_nothing(model):
    again = linear.fit(
        np.concatenate((ROWS, ROWS)),
        np.concatenate((AMOUNT, AMOUNT[::-1])),
        np.concatenate((ONE, 0 * ONE)),
        1.0,
    )
    assert linear.predict_log(again, ROWS) == pytest.approx(linear.predict_log(model, ROWS), abs=1e-4)


def test_whether_a_feature_is_defined_changes_the_prediction():
    rows = np.column_stack([np.where(RANDOM.random(5000) < 0.5, np.nan, 1.0), np.full(5000, np.nan)])
    amount = RANDOM.poisson(np.where(np.isnan(rows[:, 0]), 2.0, 0.5)).astype(float)
    new = np.array([[1.0, np.nan], [np.nan, np.nan]])
    predicted = np.exp(linear.predict_log(linear.fit(rows, amount, ONE, 1.0), new))
    assert predicted == pytest.approx([0.5, 2.0], rel=0.2)


def test_values_far_beyond_the_training_range_are_clipped(model):
    beyond, further = (linear.predict_log(model, np.array([[x, 0.0, 4.0]])) for x in (1e30, 1e300))
    assert beyond == further
    assert np.isfinite(beyond).all()
