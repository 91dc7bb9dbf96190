from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ripple.simulation.diffusion import payments
from ripple.simulation.diffusion.expectation import expected_leave_one_out, resampled_after
from ripple.simulation.diffusion.realisation import simulate_history
from ripple.simulation.diffusion.truth import leave_one_out
from ripple.simulation.world.calendar import END, Calendar
from ripple.simulation.world.worlds import WORLDS

COPIES = 3_000
START, STOP = 110, 125
"""Days: fifteen, so that nobody renews inside the window."""
MEAN_PRICE = 100 * np.exp(0.15**2 / 2)


@pytest.fixture
def no_refunds(monkeypatch):
    monkeypatch.setattr(payments, "REFUND_SHARE", 0.0)


def survival(days, tail):
    return np.exp(-days / 20) if tail is None else (1 + days / (20 * (tail - 1))) ** -tail


@pytest.mark.usefixtures("no_refunds")
@pytest.mark.parametrize("tail", [None, 1.5])
def test_a_pair_equals_the_analytic_value(by_hand, day, tail):
    """Thousands of pairs: the source adopted on day 100; by day 110 the target, free to do so, had not."""
    transmission, hazard, length = 0.6, 0.02, STOP - START
    world = replace(WORLDS["default"], influence=transmission, delay_days=20.0, delay_tail=tail)
    history = by_hand(
        [100.0] * COPIES + [np.inf] * COPIES,
        [(u, COPIES + u, None) for u in range(COPIES)],
        world=world,
        daily_hazard=hazard,
    )
    pending = transmission * survival(10, tail)
    still_coming = pending / (1 - transmission + pending)
    rings = still_coming * (1 - survival(10 + length, tail) / survival(10, tail))
    expected = np.exp(-hazard * length) * rings
    expectation = expected_leave_one_out(history, day(START), day(STOP), redraws=4, seed=1)
    assert expectation.adoptions.iloc[:COPIES].mean() == pytest.approx(expected, abs=0.012)
    assert expectation.influence_value.iloc[:COPIES].mean() == pytest.approx(expected * MEAN_PRICE, abs=1.2)
    assert (expectation.iloc[COPIES:] == 0).all(axis=None)


@pytest.mark.usefixtures("no_refunds")
def test_a_chain_equals_the_analytic_value(by_hand, day):
    transmission, x = 0.6, (STOP - START) / 20
    world = replace(WORLDS["default"], influence=transmission, delay_days=20.0)
    first, second, third = (range(i * COPIES, (i + 1) * COPIES) for i in range(3))
    history = by_hand(
        [100.0] * COPIES + [np.inf] * 2 * COPIES,
        [(u, v, None) for u, v in [*zip(first, second, strict=True), *zip(second, third, strict=True)]],
        world=world,
    )
    pending = transmission * np.exp(-10 / 20)
    still_coming = pending / (1 - transmission + pending)
    one_step = still_coming * (1 - np.exp(-x))
    two_steps = still_coming * transmission * (1 - np.exp(-x) * (1 + x))
    expectation = expected_leave_one_out(history, day(START), day(STOP), redraws=4, seed=1)
    assert expectation.adoptions.iloc[first].mean() == pytest.approx(one_step + two_steps, abs=0.015)
    assert expectation.adoptions.iloc[second].mean() == pytest.approx(two_steps, abs=0.01)
    assert expectation.one_step_value.iloc[first].mean() == pytest.approx(one_step * MEAN_PRICE, abs=1.5)


@pytest.fixture(scope="module")
def window(history):
    return history.calendar.window(END - timedelta(days=180), END)


def test_a_redraw_keeps_what_had_happened_and_changes_what_comes(history, window, rng):
    other = resampled_after(history, window, rng)
    past, other_past = (
        pd.DataFrame({"customer": a.customer, "product": a.product, "at": a.day})[~window.after_start(a.day)]
        for a in (history.adoptions, other.adoptions)
    )
    pd.testing.assert_frame_equal(past.reset_index(drop=True), other_past.reset_index(drop=True))
    assert not np.intersect1d(
        other.adoptions.day, history.adoptions.day[window.after_start(history.adoptions.day)]
    ).size
    assert window.after_start(other.payments.days(other.adoptions)).all()


def test_what_came_is_one_of_the_courses_that_are_drawn():
    """Over many small worlds, the actual course ranks anywhere among its own redraws."""
    ranks = []
    for seed in range(60):
        history = simulate_history(WORLDS["misspecified"], 150, Calendar(12), seed)
        window = history.calendar.window(END - timedelta(days=150), END - timedelta(days=30))
        streams = np.random.default_rng(seed).spawn(4)
        counts = [
            window.contains(course.adoptions.day).sum()
            for course in (history, *(resampled_after(history, window, rng) for rng in streams))
        ]
        ranks.append(
            np.mean(counts[0] > np.array(counts[1:])) + np.mean(counts[0] == np.array(counts[1:])) / 2
        )
    assert np.mean(ranks) == pytest.approx(0.5, abs=3 * np.sqrt(1 / 12 / len(ranks)))


def test_the_expectation_predicts_another_realisation_better_than_this_one_does(history, window, rng):
    start, stop = END - timedelta(days=180), END
    expected = expected_leave_one_out(history, start, stop, redraws=20, seed=2).influence_value
    actual = leave_one_out(history, start, stop).influence_value
    other = leave_one_out(resampled_after(history, window, rng), start, stop).influence_value
    assert other.corr(expected, method="spearman") > other.corr(actual, method="spearman") + 0.05
    assert expected.sum() == pytest.approx(actual.sum(), rel=0.3)


def test_the_same_seed_gives_the_same_expectation_for_the_same_rows(by_hand, day):
    history = by_hand([100.0, np.inf, 105.0], [(0, 1, None), (2, 1, None)], daily_hazard=0.01)
    first, again, other = (
        expected_leave_one_out(history, day(START), day(300), redraws=30, seed=seed) for seed in (1, 1, 2)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first.equals(other)
    assert first.index.equals(leave_one_out(history, day(START), day(300)).index)


def test_nothing_is_expected_where_nobody_influences_anybody():
    history = simulate_history(WORLDS["none"], 300, Calendar(12), 1)
    expected = expected_leave_one_out(history, END - timedelta(days=180), END, redraws=2, seed=1)
    assert (expected == 0).all(axis=None)


def test_there_has_to_be_a_redraw(history):
    with pytest.raises(ValueError, match="redraws = 0: at least 1"):
        expected_leave_one_out(history, END - timedelta(days=180), END, redraws=0, seed=1)
