import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.settings import Lifetime
from ripple.training.estimators.direct_value_head import fit_direct_value, level_correction
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.examples.purchase_histories import purchase_history

HORIZON = timedelta(days=90)
START = datetime(2024, 1, 1)


def corrected(*ratios, step=90):
    cutoffs = [START + timedelta(days=step * i) for i in range(len(ratios))]
    return level_correction(cutoffs, list(np.log(ratios)), HORIZON)


def test_what_was_always_missed_is_corrected_and_what_varies_is_not():
    assert corrected(1.5, 1.5, 1.5, 1.5) == pytest.approx(1.5, rel=0.03)
    assert corrected(0.85, 1.2, 0.95, 1.05) == 1
    assert corrected(1.1) == 1
    assert corrected() == 1


def test_windows_that_overlap_say_less():
    assert 1 < corrected(1.3, 1.3, 1.3, 1.3, step=10) < corrected(1.3, 1.3, 1.3, 1.3)


@given(st.lists(st.floats(0.2, 5.0), min_size=1, max_size=8))
def test_a_correction_lies_between_none_and_the_mean_of_what_was_missed(ratios):
    mean = float(np.mean(np.log(ratios)))
    assert min(mean, 0.0) - 1e-9 <= math.log(corrected(*ratios)) <= max(mean, 0.0) + 1e-9


@pytest.fixture(scope="module")
def head_and_inputs(examples, plan, opened):
    dataset = opened[0]
    backtester = RollingOriginBacktester(dict(examples), plan, dataset.settings)
    moment = plan.evaluation[-1]
    closed = plan.training_for(moment)
    histories = {cutoff: purchase_history(dataset, cutoff) for cutoff in (*closed, moment)}
    training = [backtester.examples[cutoff] for cutoff in closed]
    return training, histories, examples[moment].features, histories[moment], dataset.settings


@pytest.fixture(scope="module")
def head(head_and_inputs):
    training, histories, _, known, settings = head_and_inputs
    return fit_direct_value(training, histories, known, settings)


def test_the_level_is_that_of_the_process_and_its_correction(head, head_and_inputs):
    _, _, features, known, settings = head_and_inputs
    predicted = head.predict_value(features, known)
    expected = head.process.expected_spend(known, settings.horizon_days).reindex(features.index).sum()
    assert predicted.sum() == pytest.approx(head.correction * expected)
    assert (predicted > 0).all()


def test_customers_without_purchases_are_predicted_by_the_trees(head, head_and_inputs):
    _, _, features, known, _ = head_and_inputs
    without = ~features.index.isin(known.index)
    assert without.any()
    assert np.isfinite(head.predict_value(features, known)[without]).all()


def test_lifetime_spend_continues_the_first_horizon(head, head_and_inputs):
    _, _, features, known, settings = head_and_inputs
    near, days = head.predict_value(features, known), settings.horizon_days

    def lifetime(horizon, rate=0.0):
        chosen = Lifetime(horizon_days=horizon, discount_rate=rate)
        return head.lifetime_spend(near, features.index, known, chosen)

    assert lifetime(days) == pytest.approx(near)
    assert (lifetime(days // 2) < near).all()
    assert (lifetime(3 * days) > lifetime(2 * days)).all()
    assert lifetime(3 * days, rate=0.2).sum() < lifetime(3 * days).sum()
    discounted_by_halves = near * 1.2 ** -(days / 2 / 365.25)
    assert lifetime(days, rate=0.2) == pytest.approx(discounted_by_halves)


def test_without_repeat_buyers_the_trees_predict_at_the_level_of_the_latest_window(head_and_inputs):
    training, histories, features, known, settings = head_and_inputs
    head = fit_direct_value(training, histories, known.assign(frequency=0.0), settings)
    assert head.process is None
    predicted = head.predict_value(features, known)
    latest = training[-1].labels["direct_value"].clip(lower=0).mean()
    assert predicted.mean() == pytest.approx(latest, rel=0.5)
    assert head.lifetime_spend(
        predicted, features.index, known, Lifetime(discount_rate=0.0)
    ) == pytest.approx(predicted)


def test_values_scale_with_the_market(head, head_and_inputs):
    """Twice the money in every order is twice the forecast, so the currency does not matter."""
    training, histories, features, known, settings = head_and_inputs

    def doubled(history):
        return history.assign(monetary_value=2 * history["monetary_value"])

    twice = [
        type(one)(
            one.cutoff, one.rows, one.labels.assign(direct_value=2 * one.labels["direct_value"]), one.realised
        )
        for one in training
    ]
    other = fit_direct_value(
        twice, {cutoff: doubled(one) for cutoff, one in histories.items()}, doubled(known), settings
    )
    assert other.predict_value(features, doubled(known)).sum() == pytest.approx(
        2 * head.predict_value(features, known).sum(), rel=0.02
    )


def test_where_nobody_ever_spent_anything_nothing_is_fitted(head_and_inputs):
    training, histories, _, known, settings = head_and_inputs
    poor = [
        type(one)(one.cutoff, one.rows, one.labels.assign(direct_value=-1.0), one.realised)
        for one in training
    ]
    assert fit_direct_value(poor, histories, known, settings) is None
