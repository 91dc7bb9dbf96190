import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.errors import InputError
from ripple.settings import Cutoffs, Settings
from ripple.training.examples.cutoffs import schedule

START = datetime(2023, 1, 1)


def chosen(horizon=60, step=30, history=90, evaluate=2):
    return Settings(
        horizon_days=horizon, cutoffs=Cutoffs(step_days=step, history_days=history, evaluate=evaluate)
    )


def after(days):
    return START + timedelta(days=days)


plans = st.fixed_dictionaries(
    {
        "horizon": st.integers(1, 200),
        "step": st.integers(1, 200),
        "history": st.integers(1, 200),
        "evaluate": st.integers(1, 8),
    }
)


def shortest(plan):
    """The least days of data that a schedule can be made for, day by day."""
    return next(days for days in range(1, 1000) if possible(days, plan))


def possible(days, plan):
    last = days - plan["horizon"]
    teaching = last - plan["step"] * -(-plan["horizon"] // plan["step"])
    return teaching >= plan["history"]


def test_the_grid_goes_back_from_the_last_closed_cutoff_in_equal_steps():
    plan = schedule(START, after(300), chosen())
    assert plan.grid == tuple(after(days) for days in (90, 120, 150, 180, 210, 240))
    assert plan.evaluation == (after(210), after(240))
    assert plan.all == list(plan.grid)
    assert plan.training_for(after(210)) == [after(days) for days in (90, 120, 150)]
    assert plan.training_for(after(300)) == list(plan.grid)


def test_fewer_cutoffs_evaluate_where_there_are_no_more():
    plan = schedule(START, after(300), chosen(evaluate=50))
    assert plan.evaluation == tuple(after(days) for days in (150, 180, 210, 240))


@given(plans, st.integers(0, 700))
def test_no_training_window_reaches_past_the_cutoff_it_is_used_at(plan, extra):
    end = after(shortest(plan) + extra)
    cutoffs = schedule(START, end, chosen(**plan))
    assert 1 <= len(cutoffs.evaluation) <= plan["evaluate"]
    for cutoff in cutoffs.evaluation:
        training_cutoffs = cutoffs.training_for(cutoff)
        assert training_cutoffs
        assert all(training_cutoff + cutoffs.horizon <= cutoff for training_cutoff in training_cutoffs)
        assert cutoff + cutoffs.horizon <= end
    assert all(cutoff - START >= timedelta(days=plan["history"]) for cutoff in cutoffs.grid)
    assert cutoffs.grid[-1] + cutoffs.horizon == end
    steps = {later - earlier for earlier, later in zip(cutoffs.grid, cutoffs.grid[1:], strict=False)}
    assert steps <= {timedelta(days=plan["step"])}


@given(plans)
def test_too_short_a_history_names_the_minimum_that_is_enough(plan):
    least = shortest(plan)
    with pytest.raises(InputError, match="Too little history") as refused:
        schedule(START, after(least - 1), chosen(**plan))
    named = re.search(r"so (\d+) days of data in all", str(refused.value))
    assert named
    assert int(named[1]) == least
    assert schedule(START, after(least), chosen(**plan)).evaluation


def test_a_very_short_history_is_refused_the_same_way():
    with pytest.raises(
        InputError, match=r"begin on 2023-01-01.*history_days = 90.*horizon of 60.*so 210 days"
    ):
        schedule(START, after(20), chosen())


def test_given_dates_evaluate_in_order_and_once():
    dates = (after(201.5), after(150), after(201.5))
    plan = schedule(START, after(300), chosen(evaluate=dates))
    assert plan.evaluation == (after(150), after(201.5))
    assert plan.training_for(after(201.5)) == [after(90), after(120)]
    assert plan.all == sorted({*plan.grid, after(201.5)})


def test_a_window_still_open_is_refused_with_the_date_it_closes():
    with pytest.raises(InputError, match=r"cutoff 2023-08-30 closes on 2023-10-29.*of 2023-08-29 or before"):
        schedule(START, after(300), chosen(evaluate=(after(150), after(241))))
    assert schedule(START, after(300), chosen(evaluate=(after(240),))).evaluation == (after(240),)


def test_a_date_before_anything_is_learnt_is_refused_with_the_first_that_serves():
    with pytest.raises(InputError, match=r"At cutoff 2023-05-30 nothing.*Choose a cutoff of 2023-05-31"):
        schedule(START, after(300), chosen(evaluate=(after(149),)))
    assert schedule(START, after(300), chosen(evaluate=(after(150),))).evaluation == (after(150),)


@pytest.mark.parametrize("nobody", [0, -1, ()])
def test_without_an_evaluation_cutoff_there_is_no_schedule(nobody):
    with pytest.raises(InputError, match="at least one cutoff is needed for evaluation"):
        schedule(START, after(300), chosen(evaluate=nobody))
