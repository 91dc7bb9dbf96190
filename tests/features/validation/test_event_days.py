"""The period that events cover, and a thin tail at its end."""

from collections import Counter
from datetime import date, datetime, timedelta

import pytest

from ripple.errors import InputError
from ripple.features.validation.event_days import events_by_day, period, thin_tail

FIRST = date(2024, 1, 1)
LAST = FIRST + timedelta(days=199)


def dense(daily=100, days=200):
    return Counter({FIRST + timedelta(days=number): daily for number in range(days)})


def tail_of(days):
    return thin_tail(days, *period(days, []))


def test_the_period_runs_from_the_first_day_to_the_end_of_the_last():
    assert period(dense(), []) == (
        datetime(2024, 1, 1),
        datetime.combine(LAST, datetime.min.time()) + timedelta(1),
    )


def test_without_events_the_columns_are_named():
    with pytest.raises(InputError, match=r"Expected one in orders.ordered_at, usage.occurred_at"):
        period(Counter(), [])


def test_times_at_which_nothing_can_have_happened_do_not_count(frames, opened):
    frames["feedback"].loc[0, "occurred_at"] = datetime(9999, 12, 31)
    days = events_by_day(opened(frames).tables)
    assert days.total() == 5 + 240 + 4 + 3 - 1
    assert max(days) == date(2024, 6, 29)


@pytest.mark.parametrize(
    ("stray", "rows", "tail"),
    [({40: 21}, 21, 40), ({20: 5, 40: 21}, 26, 40), ({10: 3, 11: 2}, 5, 11)],
)
def test_a_few_rows_dated_ahead_are_a_tail_and_the_line_ends_the_data_before_them(stray, rows, tail):
    days = dense() + Counter({LAST + timedelta(days=ahead): number for ahead, number in stray.items()})
    line = tail_of(days)
    assert line.startswith(f"the last {tail} days hold {rows} events, {rows / tail:.1f} a day against 100 on")
    assert line.endswith(f"until = {LAST + timedelta(days=1)}")


@pytest.mark.parametrize(
    "days",
    [
        dense(),
        dense() + Counter({LAST + timedelta(days=6): 3}),
        dense(daily=1),
        # three events a month
        Counter({FIRST + timedelta(days=10 * number): 1 for number in range(20)}),
        # growing a hundredfold, and shrinking by half
        Counter({FIRST + timedelta(days=number): 1 + number for number in range(200)}),
        Counter({FIRST + timedelta(days=number): 400 - number for number in range(200)}),
        # nobody works at weekends
        Counter({day: 100 for day in dense() if day.weekday() < 5}),
    ],
)
def test_data_without_such_rows_have_no_thin_tail(days):
    assert tail_of(days) is None
