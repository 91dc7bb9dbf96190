import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ripple.errors import InputError
from ripple.training.estimators.heads import Outcome, calibrate, fit, outcome, target, winsorised
from ripple.training.evaluation.metrics import coverage
from ripple.training.examples.feature_sequence import Rows
from tests.support import synthetic_events
from tests.support.checkout import ROOT
from tests.support.synthetic_events import RISING, SETTINGS

FIT = """
import sys
from tests.support.synthetic_events import SETTINGS, history
from ripple.training.estimators.heads import fit
few = SETTINGS.model_copy(update={"model": SETTINGS.model.model_copy(update={"trees": 20})})
heads = fit(list(history(1000).values()), few)
sys.stdout.write(heads.value.model_to_string() + heads.top.model_to_string())
"""


@pytest.fixture(scope="module")
def history():
    return list(synthetic_events.history().values())


@pytest.fixture(scope="module")
def heads(history):
    return fit(history, SETTINGS)


def text(heads):
    return heads.value.model_to_string() + heads.top.model_to_string()


def with_value(examples, value):
    return replace(examples, labels=examples.labels.assign(network_value=value))


def test_the_same_examples_give_the_same_bytes(history, heads):
    assert text(fit(history, SETTINGS)) == text(heads)
    other = SETTINGS.model_copy(update={"seed": 8})
    assert text(fit(history, other)) != text(heads)


def test_the_bytes_do_not_tell_how_they_were_made(heads):
    assert "num_threads" not in text(heads)


def test_the_number_of_threads_changes_nothing():
    root = ROOT
    fits = [
        subprocess.Popen(
            [sys.executable, "-c", FIT],
            cwd=root,
            env=os.environ | {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"},
            stdout=subprocess.PIPE,
        )
        for threads in ("1", "2")
    ]
    single, double = (process.communicate(timeout=120)[0] for process in fits)
    assert len(single) > 10_000
    assert single == double


def test_what_is_predicted_follows_what_happens(history, heads):
    found = outcome(heads, history[-1], SETTINGS)
    best = found.predicted > np.quantile(found.predicted, 0.9)
    assert found.value[best].mean() > 2 * found.value.mean()
    assert found.log_odds[found.at_top].mean() > found.log_odds.mean() + 1
    assert found.at_top.sum() == 15


@hypothesis_settings(max_examples=50)
@given(
    st.integers(0, 299),
    st.sampled_from(RISING),
    st.floats(0, 1e6, allow_nan=False),
    st.integers(0, 2**16),
)
def test_more_credit_in_the_past_never_lowers_either_head(heads, history, row, name, more, seed):
    features = history[0].features.sample(frac=1, random_state=seed).iloc[:1]
    features = features.assign(**{other: history[1].features[other].iloc[row] for other in RISING})
    features = features.fillna({name: 0.0})
    raised = features.assign(**{name: features[name] + more})
    assert heads.predict_value(raised)[0] >= heads.predict_value(features)[0]
    assert heads.predict_log_odds(raised)[0] >= heads.predict_log_odds(features)[0]


def test_all_rising_features_are_used_so_that_the_property_is_not_empty(heads):
    gain = dict(zip(heads.names, heads.value.feature_importance("gain"), strict=True))
    assert all(gain[name] > 0 for name in RISING)


def product_of_powers(seed, customers=400):
    """Examples whose label has the mean of such a product, and its logarithm."""
    random = np.random.default_rng(seed)
    x = random.lognormal(0, 1, (customers, 4))
    mean = np.prod(x ** [0.8, 0.6, 0.4, 0.0], axis=1)
    examples = synthetic_events.examples(customers=customers)
    rows = Rows.of(pd.DataFrame(x, columns=list("abcd"), index=examples.labels.index))
    value = 100.0 * random.poisson(0.7 * mean / mean.mean())
    return with_value(replace(examples, rows=rows), value), np.log(mean)


def test_few_customers_teach_a_smooth_relation_which_trees_alone_would_miss():
    found = []
    for seed in (1, 2, 3):
        (taught, _), (asked, true) = product_of_powers(seed), product_of_powers(100 + seed)
        foreseen = fit([taught], SETTINGS, asked.rows).predict_value(asked.features)
        found.append(np.corrcoef(np.log(foreseen), true)[0, 1])
    assert np.mean(found) > 0.94  # .92 by trees alone


def test_features_that_say_nothing_are_no_obstacle(history):
    useless = [replace(one, rows=Rows.of(one.features[["constant", "undefined"]])) for one in history]
    found = fit(useless, SETTINGS)
    assert np.ptp(found.predict_value(useless[0].features)) == 0
    calibration = calibrate([outcome(found, useless[-1], SETTINGS)], SETTINGS)
    assert calibration.interval.edges == ()
    assert found.predict_value(useless[-1].features)[0] == pytest.approx(
        target(useless[-1].labels, SETTINGS).mean()
    )


def test_nobody_credited_with_anything_is_told_and_not_fitted(history):
    nothing = [with_value(one, 0.0) for one in history]
    with pytest.raises(InputError, match=r"Every label is zero.*interactions hold referrals"):
        fit(nothing, SETTINGS)


def test_cutoffs_without_credit_teach_nothing(history, heads):
    silent = with_value(synthetic_events.examples(synthetic_events.START - timedelta(days=30), seed=99), 0.0)
    assert text(fit([silent, *history], SETTINGS)) == text(heads)


def test_a_currency_of_half_the_worth_changes_the_scale_alone(history, heads):
    doubled = fit([with_value(one, one.labels["network_value"] * 2) for one in history], SETTINGS)
    assert text(doubled) == text(heads)
    assert doubled.scale == 2 * heads.scale


def test_one_enormous_value_does_not_break_the_others(history):
    latest = history[-1]
    value = latest.labels["network_value"].to_numpy().copy()
    highest = value.argmax()
    value[highest] = 5e6
    found = fit([*history[:-1], with_value(latest, value)], SETTINGS)
    predicted = found.predict_value(history[0].features)
    assert np.isfinite(predicted).all()
    assert (predicted > 0).all()
    judged = outcome(found, history[0], SETTINGS)
    assert judged.value[np.argsort(-judged.predicted)[:30]].mean() > 1.5 * judged.value.mean()
    # the customer was the best before and is the best now: membership knows ranks alone
    assert found.top.model_to_string() == fit(history, SETTINGS).top.model_to_string()


def test_values_are_capped_at_a_quantile_of_the_positive_ones():
    value = np.array([0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 1000.0])
    assert winsorised(value, 0.75).tolist() == [0, 0, 1, 2, 3, 4, 4]
    assert winsorised(value, 1.0).tolist() == value.tolist()
    assert winsorised(np.zeros(3), 0.9).tolist() == [0, 0, 0]


def test_the_target_is_capped_as_the_settings_say(history):
    capped = SETTINGS.model_copy(update={"model": SETTINGS.model.model_copy(update={"winsorise": 0.9})})
    value = history[0].labels["network_value"].to_numpy()
    assert target(history[0].labels, capped).max() == np.quantile(value[value > 0], 0.9)


def random_outcome(customers, seed, noise=1.0):
    """Values of which predictions are the mean, scattered in the same way everywhere, some of them zero."""
    random = np.random.default_rng(seed)
    predicted = random.lognormal(3, 1.5, customers)
    positive = random.random(customers) < 0.8
    value = predicted * random.lognormal(-(noise**2) / 2, noise, customers) * positive / 0.8
    log_odds = random.normal(-3, 2, customers)
    at_top = random.random(customers) < 1 / (1 + np.exp(-(0.5 * log_odds - 1)))
    return Outcome(predicted, log_odds, value, at_top)


def test_the_latest_window_sets_the_level(history, heads):
    grown = with_value(history[-1], history[-1].labels["network_value"] * 3)
    found = fit([*history[:-1], grown], SETTINGS)
    assert found.predict_value(grown.features) == pytest.approx(3 * heads.predict_value(grown.features))


def test_a_cutoff_without_credit_leaves_intervals_defined():
    older, latest = random_outcome(500, 1), random_outcome(500, 2)
    found = calibrate([older, replace(latest, value=np.zeros(500))], SETTINGS)
    assert np.isfinite(found.interval.low + found.interval.high).all()


def test_where_most_values_are_zero_the_interval_is_narrower_elsewhere():
    predicted = np.repeat([1.0, 10.0], 5000)
    random = np.random.default_rng(1)
    value = np.concatenate((np.where(random.random(5000) < 0.95, 0, 20.0), random.lognormal(2, 1, 5000)))
    one = Outcome(predicted, predicted, value, predicted > 50)
    found = calibrate([one], SETTINGS)
    low, high = found.interval.bounds(predicted)
    inside = (value >= low) & (value <= high)
    assert inside[:5000].mean() >= 0.9
    assert 0.65 <= inside[5000:].mean() < 0.75
    assert inside.mean() >= 0.8


def test_the_probability_is_put_right():
    found = calibrate([random_outcome(20_000, seed) for seed in range(3)], SETTINGS)
    assert found.slope == pytest.approx(0.5, abs=0.05)
    assert found.intercept == pytest.approx(-1, abs=0.1)


def test_too_few_members_or_a_wrong_relation_leave_the_probability_alone():
    found = random_outcome(500, 1)
    few = replace(found, at_top=np.arange(500) < 9)
    assert (calibrate([few], SETTINGS).slope, calibrate([few], SETTINGS).intercept) == (1, 0)
    wrong = replace(found, log_odds=-found.log_odds)
    assert (calibrate([wrong], SETTINGS).slope, calibrate([wrong], SETTINGS).intercept) == (1, 0)


@pytest.mark.parametrize("seed", range(5))
def test_intervals_cover_what_they_promise_where_the_future_is_like_the_past(seed):
    known = [random_outcome(10_000, 10 * seed + i) for i in range(3)]
    future = random_outcome(20_000, 10 * seed + 9)
    found = calibrate(known, SETTINGS)
    predicted, (low, high) = future.predicted, found.interval.bounds(future.predicted)
    promised = SETTINGS.model.interval
    assert coverage(future.value, low, high) >= promised - 0.03
    assert (low <= predicted).all()
    assert (predicted <= high).all()
    for band in range(len(found.interval.low)):
        inside = np.searchsorted(found.interval.edges, predicted, side="right") == band
        assert coverage(future.value[inside], low[inside], high[inside]) >= promised - 0.15


@hypothesis_settings(max_examples=50)
@given(st.lists(st.sampled_from([1.0, 2.0, 2.5, 40.0]), min_size=1, max_size=40))
def test_every_prediction_has_an_interval_however_many_are_alike(predicted):
    predicted = np.array(predicted)
    one = Outcome(predicted, predicted, predicted + 1, predicted > 50)
    found = calibrate([one], SETTINGS).interval
    assert len(found.low) == len(found.high) == len(found.edges) + 1
    assert list(found.edges) == sorted(set(found.edges))
    low, high = found.bounds(np.array([1e-9, *predicted, 1e9]))
    assert (low <= high).all()
