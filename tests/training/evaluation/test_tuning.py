from dataclasses import replace

import numpy as np
import pytest

from ripple.errors import InputError
from ripple.settings import Model
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.tuning import INTEGER_RANGES, REAL_RANGES, tune
from tests.support import synthetic_examples
from tests.support.synthetic_examples import SETTINGS

# fitted in no time
QUICK = Model(trees=60, learning_rate=0.1)


@pytest.fixture(scope="module")
def examples():
    return synthetic_examples.history(customers=200)


@pytest.fixture
def backtester(examples, tmp_path):
    settings = SETTINGS.model_copy(update={"home": tmp_path, "model": QUICK})
    return RollingOriginBacktester(examples, synthetic_examples.plan(), settings)


def test_the_first_trial_is_the_present_parameters_and_the_best_is_chosen(backtester):
    settings, trials = tune(backtester, 4, "data")
    assert trials[0].parameters == {name: getattr(QUICK, name) for name in (*INTEGER_RANGES, *REAL_RANGES)}
    best = max(trials, key=lambda trial: trial.capture or 0.0)
    assert settings.model == Model(**best.parameters)
    assert settings.model_copy(update={"model": QUICK}) == backtester.settings
    for trial in trials:
        for name, (low, high, _) in (INTEGER_RANGES | REAL_RANGES).items():
            assert low <= trial.parameters[name] <= high


def test_a_search_goes_on_where_it_stopped_and_says_so(backtester, progress, caplog):
    _, first = tune(backtester, 2, "data")
    caplog.clear()
    _, more = tune(backtester, 3, "data")
    said = progress()
    assert more[:2] == first
    assert len(more) == 3
    assert len(said) == 1
    assert said[0].startswith("trial 3 of 3: ")
    assert tune(backtester, 3, "data")[1] == more


def test_other_data_begin_a_search_of_their_own(backtester):
    _, first = tune(backtester, 1, "data")
    _, other = tune(backtester, 1, "other data")
    assert [trial.number for trial in first] == [trial.number for trial in other] == [0]


def test_tuning_uses_only_what_had_closed_by_the_first_evaluation_cutoff(backtester, examples, tmp_path):
    plan = synthetic_examples.plan()
    later = {
        cutoff: replace(one, labels=one.labels.sample(frac=1, random_state=1).set_index(one.labels.index))
        if cutoff + plan.horizon > plan.evaluation[0]
        else one
        for cutoff, one in examples.items()
    }
    assert any(not one.labels.equals(examples[cutoff].labels) for cutoff, one in later.items())
    elsewhere = backtester.settings.model_copy(update={"home": tmp_path / "elsewhere"})
    altered = replace(backtester, examples=later, settings=elsewhere)
    assert tune(altered, 2, "data") == (
        tune(backtester, 2, "data")[0].model_copy(update={"home": elsewhere.home}),
        tune(backtester, 2, "data")[1],
    )


def test_too_little_history_to_tune_on_is_an_error(backtester):
    plan = synthetic_examples.plan()
    short = replace(backtester, schedule=replace(plan, evaluation=plan.grid[2:]))
    with pytest.raises(InputError, match=r"nothing to tune on.+Bring more history"):
        tune(short, 1, "data")


def test_trials_that_fall_behind_are_given_up(backtester):
    _, trials = tune(backtester, 12, "data")
    given_up = [trial for trial in trials if trial.capture is None]
    assert all(np.isfinite(trial.capture) for trial in trials if trial not in given_up)
    assert given_up
    assert trials.index(given_up[0]) >= 5
