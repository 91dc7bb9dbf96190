"""The events of each day, and the period that they cover: its first day, its end, and a thin tail."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from ripple.errors import InputError
from ripple.features.tables.contract import CONTRACT, EVENT_TABLES
from ripple.features.tables.tables import Tables, union
from ripple.features.validation.rules import FIRST_TIME, LAST_TIME

MIN_GAP_DAYS = 90
"""The number of days without any event beyond which a few rows are strays."""
MAX_STRAY_SHARE = 0.01
"""The share of all rows that strays make up at most."""
THIN_SHARE = 0.1
"""The share of the median number of events a day below which days are thin."""
MIN_THIN_DAYS = 7
"""The number of days that a tail of thin days has at least; a weekend is none."""


def events_by_day(tables: Tables) -> Counter[date]:
    """The number of events of each day, but for those at a time that nothing can have happened at."""
    dated = [
        tables[name]
        .filter(tables[name][column].between(FIRST_TIME, LAST_TIME))
        .select(day=lambda t, c=column: t[c].date())
        for name in EVENT_TABLES
        if name in tables and (column := CONTRACT[name].time)
    ]
    if not dated:
        return Counter()
    days = union(dated)
    counted = days.group_by("day").aggregate(rows=days.count()).to_pyarrow()
    return Counter(dict(zip(counted["day"].to_pylist(), counted["rows"].to_pylist(), strict=True)))


def period(days: Counter[date], unreadable: Iterable[object]) -> tuple[datetime, datetime]:
    """The day of the first event and the day after the last, stray rows far away apart.

    Rows are stray when they make up less than 1 % of all and lie beyond more than 90 days without any event.

    Raises:
        InputError: there is no event; the message lists the findings *unreadable*.
    """
    if not days:
        details = "".join(f"\n  {finding}" for finding in unreadable)
        columns = ", ".join(f"{name}.{CONTRACT[name].time}" for name in EVENT_TABLES)
        raise InputError(
            f"The tables hold no event with a time: nothing can be learnt from them. Expected one in "
            f"{columns}.{details}"
        )
    counts = sorted(days.items())
    first, last = _edge(counts[::-1]), _edge(counts)
    return datetime.combine(first, time()), datetime.combine(last, time()) + timedelta(days=1)


def _edge(counts: list[tuple[date, int]]) -> date:
    """The last day reached from the first before a gap behind which only stray rows lie."""
    total = sum(count for _, count in counts)
    last, reached = counts[0][0], 0
    for day, count in counts:
        if abs((day - last).days) > MIN_GAP_DAYS and reached > (1 - MAX_STRAY_SHARE) * total:
            break
        last, reached = day, reached + count
    return last


def thin_tail(days: Counter[date], start: datetime, end: datetime) -> str | None:
    """A line about the last days of the period, if they hold far fewer events than days before, else None."""
    every_day = [start.date() + timedelta(days=number) for number in range((end - start).days)]
    counts = [days[day] for day in every_day]
    usual = statistics.median(counts or [0])
    # a week at a time, so that neither a weekend ends the dense days nor a single odd day prolongs them
    dense = [
        last
        for last in range(len(counts))
        if sum(counts[max(last - 6, 0) : last + 1]) >= 7 * THIN_SHARE * usual
    ]
    if not usual or not dense:
        return None
    last_dense = next(last for last in range(dense[-1], -1, -1) if counts[last] >= THIN_SHARE * usual)
    tail = counts[last_dense + 1 :]
    if len(tail) < MIN_THIN_DAYS:
        return None
    rows = sum(tail)
    return (
        f"the last {len(tail)} days hold {rows:,} event{'s' * (rows != 1)}, {rows / len(tail):.1f} a day "
        f"against {usual:,.0f} on a median day; if the data end before them, set "
        f"until = {every_day[last_dense] + timedelta(days=1)}"
    )
