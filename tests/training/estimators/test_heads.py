import os
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ripple.errors import InputError
from ripple.training.estimators.calibration import calibrate
from ripple.training.estimators.heads import fit, fit_value, is_monotone
from ripple.training.estimators.held_out import predict_held_out
from ripple.training.examples.feature_sequence import Rows
from tests.support import synthetic_examples
from tests.support.checkout import ROOT
from tests.support.synthetic_examples import RISING, SETTINGS

FIT = """
import sys
from tests.support.synthetic_examples import SETTINGS, history
from ripple.training.estimators.heads import fit
few = SETTINGS.model_copy(update={"model": SETTINGS.model.model_copy(update={"trees": 20})})
heads = fit(list(history(1000).values()), few)
boosters = (heads.value.booster, heads.top, *heads.ranges.boosters)
sys.stdout.write("".join(booster.model_to_string() for booster in boosters))
"""


@pytest.fixture(scope="module")
def history():
    return list(synthetic_examples.history().values())


@pytest.fixture(scope="module")
def heads(history):
    return fit(history, SETTINGS)


def text(heads):
    boosters = (heads.value.booster, heads.top, *heads.ranges.boosters)
    return "".join(booster.model_to_string() for booster in boosters)


def with_value(examples, value):
    return replace(examples, labels=examples.labels.assign(network_value=value))


def test_the_same_examples_give_the_same_bytes(history, heads):
    assert text(fit(history, SETTINGS)) == text(heads)
    other = SETTINGS.model_copy(update={"seed": 8})
    assert text(fit(history, other)) != text(heads)


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
    gain = dict(zip(heads.names, heads.value.booster.feature_importance("gain"), strict=True))
    assert all(gain[name] > 0 for name in RISING)


def test_credit_earned_in_the_past_is_monotone_and_own_behaviour_is_not():
    assert all(is_monotone(name) for name in RISING)
    assert not any(is_monotone(name) for name in ("total_revenue", "out_degree", "days_since_last_order"))


def test_features_that_say_nothing_are_no_obstacle(history):
    useless = [replace(one, rows=Rows.of(one.features[["constant", "undefined"]])) for one in history]
    fitted = fit(useless, SETTINGS)
    assert np.ptp(fitted.predict_value(useless[0].features)) == 0
    calibration = calibrate([predict_held_out(fitted, useless[-1], SETTINGS)], SETTINGS)
    assert calibration.value_range.edges == ()
    mean = useless[-1].labels["network_value"].mean()
    assert fitted.predict_value(useless[-1].features)[0] == pytest.approx(mean)


def test_nobody_credited_with_anything_is_an_error_and_not_fitted(history):
    nothing = [with_value(one, 0.0) for one in history]
    with pytest.raises(InputError, match=r"Every label is zero.*interactions hold referrals"):
        fit(nothing, SETTINGS)


def test_the_value_head_alone_is_the_same(history, heads):
    alone = fit_value(history, SETTINGS)
    assert alone.booster.model_to_string() == heads.value.booster.model_to_string()
    assert alone.scale == heads.value.scale


def test_cutoffs_without_credit_teach_nothing(history, heads):
    silent = with_value(
        synthetic_examples.examples(synthetic_examples.START - timedelta(days=30), seed=99), 0.0
    )
    assert text(fit([silent, *history], SETTINGS)) == text(heads)


def test_a_currency_of_half_the_value_changes_only_the_scale(history, heads):
    doubled = fit([with_value(one, one.labels["network_value"] * 2) for one in history], SETTINGS)
    assert text(doubled) == text(heads)
    assert doubled.value.scale == 2 * heads.value.scale


def test_one_enormous_value_does_not_break_the_others(history):
    latest = history[-1]
    value = latest.labels["network_value"].to_numpy().copy()
    highest = value.argmax()
    value[highest] = 5e6
    fitted = fit([*history[:-1], with_value(latest, value)], SETTINGS)
    predicted = fitted.predict_value(history[0].features)
    assert np.isfinite(predicted).all()
    assert (predicted > 0).all()
    realised = history[0].labels["network_value"].to_numpy()
    assert realised[np.argsort(-predicted)[:30]].mean() > 1.5 * realised.mean()
    # the customer was the best before and is the best now: membership knows ranks alone
    assert fitted.top.model_to_string() == fit(history, SETTINGS).top.model_to_string()


def test_the_latest_window_sets_the_level(history, heads):
    grown = with_value(history[-1], history[-1].labels["network_value"] * 3)
    fitted = fit([*history[:-1], grown], SETTINGS)
    assert fitted.predict_value(grown.features) == pytest.approx(3 * heads.predict_value(grown.features))
