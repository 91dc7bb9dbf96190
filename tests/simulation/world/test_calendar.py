import tomllib
from datetime import date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from ripple.simulation.world.calendar import END, Calendar, settings_toml


@pytest.mark.parametrize(("months", "days"), [(6, 183), (12, 365), (36, 1096)])
def test_months_are_rounded_to_whole_days_before_the_end(months, days):
    calendar = Calendar(months)
    assert calendar.days == days
    assert calendar.start == END - timedelta(days=days) == datetime(2026, 1, 1) - timedelta(days=days)


def test_timestamps_are_microseconds_without_a_zone_at_whole_seconds():
    calendar = Calendar(12)
    stamps = calendar.timestamps(np.array([-1.0, 0.0, 0.5, 1.00001]))
    assert stamps.type == pa.timestamp("us")
    assert stamps.to_pylist() == [
        calendar.start + offset
        for offset in (
            timedelta(days=-1),
            timedelta(),
            timedelta(hours=12),
            timedelta(days=1),
        )
    ]


def test_no_timestamp_reaches_the_end():
    calendar = Calendar(12)
    beyond = np.array([calendar.days - 1e-12, calendar.days, calendar.days + 9.0])
    assert max(calendar.timestamps(beyond).to_pylist()) == END - timedelta(seconds=1)


def test_settings_say_the_currency_the_end_and_that_it_is_simulated():
    text = settings_toml(36)
    assert tomllib.loads(text) == {"currency": "USD", "until": date(2026, 1, 1), "simulated": True}
    assert "36 months" in text


def test_a_window_leaves_out_its_start_and_holds_its_end_to_the_second_of_the_tables():
    calendar = Calendar(12)
    window = calendar.window(calendar.start + timedelta(days=10), calendar.start + timedelta(days=20))
    second = 1 / 86_400
    days = np.array([10 - second / 2, 10.0, 10 + second / 2, 10 + 1.5 * second, 20.0, 20 + second / 2])
    late = np.array([20 + 1.5 * second, np.inf])
    assert window.before(days).tolist() == [True, False, False, False, False, False]
    assert window.contains(days).tolist() == [False, False, False, True, True, True]
    assert window.contains(late).tolist() == [False, False]
    assert window.after_start(days).tolist() == window.contains(days).tolist()
    assert window.after_start(late).tolist() == [True, True]
    assert window.first_day == pytest.approx(10 + second)


def test_a_window_ends_at_the_end_of_the_simulation_at_the_latest():
    calendar = Calendar(12)
    whole = calendar.window(calendar.start, END)
    assert whole.contains(np.array([1e-4, calendar.days - 1e-4])).all()
    second = timedelta(seconds=1)
    for start, end in [
        (calendar.start - second, END),
        (calendar.start, END + second),
        (END - second, END - second),
    ]:
        with pytest.raises(ValueError, match="expected 2025-01-01 00:00:00 <= start < end <= 2026-01-01"):
            calendar.window(start, end)
