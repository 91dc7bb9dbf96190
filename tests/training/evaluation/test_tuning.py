from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from ripple.errors import InputError
from ripple.settings import Model
from ripple.training.estimators import distillation
from ripple.training.evaluation import bootstrap, metrics, tuning
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.bootstrap import ROUNDS
from ripple.training.evaluation.tuning import (
    INTEGER_RANGES,
    MAX_CUTOFFS,
    REAL_RANGES,
    TOP_SHARE_MULTIPLES,
    tune,
    validate_tunable,
)
from tests.support import synthetic_examples
from tests.support.synthetic_examples import SETTINGS

CUSTOMERS = 200
# fitted in no time
QUICK = Model(trees=60, learning_rate=0.1)


@pytest.fixture(scope="module")
def examples():
    return synthetic_examples.history(customers=CUSTOMERS)


@pytest.fixture
def backtester(examples, tmp_path):
    settings = SETTINGS.model_copy(update={"home": tmp_path, "model": QUICK})
    return RollingOriginBacktester(examples, synthetic_examples.plan(), settings)


def with_model(backtester, **changed):
    model = backtester.settings.model.model_copy(update=changed)
    return backtester.with_settings(backtester.settings.model_copy(update={"model": model}))


def captures_of_resamples(backtester, cutoffs):
    """Mean capture over cutoffs and shares in each resample, by repeating rows and sorting them."""
    seed, share = backtester.settings.seed, backtester.settings.top_share
    held_out = [backtester.held_out_predictions(cutoff) for cutoff in cutoffs]
    generator, captures = np.random.default_rng(seed), []
    for _ in range(ROUNDS):
        drawn = np.sort(generator.integers(0, CUSTOMERS, CUSTOMERS))
        captures.append(
            np.mean(
                [
                    metrics.capture(one.predicted[drawn], one.realised[drawn], multiple * share)
                    for one in held_out
                    for multiple in TOP_SHARE_MULTIPLES
                ]
            )
        )
    return np.array(captures)


def test_the_first_trial_is_the_present_parameters(backtester):
    settings, search = tune(backtester, 4, "data")
    assert [trial.number for trial in search.trials] == [1, 2, 3, 4]
    present = {name: getattr(QUICK, name) for name in (*INTEGER_RANGES, *REAL_RANGES)}
    assert search.trials[0].parameters == present
    assert search.best == max(search.trials, key=lambda trial: trial.capture or 0.0).number
    assert settings.model_copy(update={"model": QUICK}) == backtester.settings
    for trial in search.trials:
        for name, (low, high, _) in (INTEGER_RANGES | REAL_RANGES).items():
            assert low <= trial.parameters[name] <= high


@pytest.mark.parametrize(("bounds", "adopted"), [(bootstrap.BOUNDS, False), ((0.4, 0.6), True)])
def test_the_best_trial_is_used_only_if_its_paired_interval_is_above_zero(
    backtester, examples, monkeypatch, bounds, adopted
):
    """Few customers show the best trial to be better only where little certainty is asked for."""
    monkeypatch.setattr(bootstrap, "BOUNDS", bounds)
    monkeypatch.setattr(distillation, "LINEAR_WEIGHT", 0.0)
    plan, present = synthetic_examples.plan(), with_model(backtester, trees=1, leaves=2)
    closed = [cutoff for cutoff in examples if cutoff + plan.horizon <= plan.evaluation[0]]
    cutoffs = [cutoff for cutoff in closed if plan.training_for(cutoff)][-MAX_CUTOFFS:]
    settings, search = tune(present, 4, "data")
    winner = search.trials[search.best - 1]
    best = with_model(present, **winner.parameters)
    difference = captures_of_resamples(best, cutoffs) - captures_of_resamples(present, cutoffs)
    assert (search.low, search.high) == pytest.approx(tuple(np.quantile(difference, bounds)))
    assert search.difference == pytest.approx(winner.capture - search.trials[0].capture)
    assert search.difference > 0
    assert search.adopted == (search.low > 0) == adopted
    assert settings.model == (best if adopted else present).settings.model
    assert f"{search.low:+.3f} to {search.high:+.3f}" in search.text


def test_fewer_trials_than_are_stored_are_those_that_ended_first(backtester):
    _, more = tune(backtester, 3, "data")
    _, fewer = tune(backtester, 2, "data")
    assert fewer.trials == more.trials[:2]
    alone, search = tune(backtester, 1, "data")
    assert (alone, search.best, search.adopted) == (backtester.settings, 1, False)


def test_a_search_goes_on_where_it_stopped_and_says_so(backtester, progress, caplog):
    _, first = tune(backtester, 2, "data")
    caplog.clear()
    _, more = tune(backtester, 3, "data")
    said = progress()
    assert more.trials[:2] == first.trials
    assert len(more.trials) == 3
    assert said[0].startswith("trial 3 of 3: ")
    assert said[1:] == [more.text]
    assert tune(backtester, 3, "data")[1] == more


def test_other_data_begin_a_search_of_their_own(backtester):
    _, first = tune(backtester, 1, "data")
    _, other = tune(backtester, 1, "other data")
    assert [trial.number for trial in first.trials] == [trial.number for trial in other.trials] == [1]


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


def test_a_schedule_without_anything_to_tune_on_is_refused_before_any_label(monkeypatch):
    plan = synthetic_examples.plan()
    validate_tunable(plan)
    with pytest.raises(InputError, match=r"nothing to tune on.+Bring more history"):
        validate_tunable(replace(plan, evaluation=plan.grid[2:]))
    monkeypatch.setattr(tuning, "require", partial(raise_error, InputError("This needs the extra tune")))
    with pytest.raises(InputError, match="extra tune"):
        validate_tunable(plan)


def raise_error(error, *_):
    raise error


def test_trials_that_fall_behind_are_given_up(backtester):
    trials = tune(backtester, 12, "data")[1].trials
    given_up = [trial for trial in trials if trial.capture is None]
    assert all(np.isfinite(trial.capture) for trial in trials if trial not in given_up)
    assert given_up
    assert trials.index(given_up[0]) >= 5
