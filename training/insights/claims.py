"""The figures that are quoted about influential customers, measured in this data.

Each is a total over a group of customers ÷ another total, so that a few large customers count for what they
are. Who belongs to a group was known when the period began in which is measured what they did: chosen by what
they did in it, luck would pass for influence. Intervals are by bootstrap over customers (Efron 1979); they do
not cover how influence is credited.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ripple.models.batch_scoring import top_count
from ripple.training.evaluation import metrics
from ripple.training.evaluation.bootstrap import bounded
from ripple.training.insights.periods import Period

Name = Literal["revenue", "value", "purchases", "engaged", "followers", "advanced"]
FEWEST = 10
"""Customers of a group below which nothing is said of it."""
ROUNDS = 400
TOP_SPENDERS, TOP_ENGAGED = 0.02, 0.1
LONG_DAYS = 548
"""The 18 months of one of the figures."""
NO_USAGE = "there is no usage table, so nobody’s engagement is known"
NO_TIERS = "usage and a catalog with tiers are needed to tell who uses advanced features"


@dataclass(frozen=True)
class Measured:
    """A figure with its 95 % interval, of a group of so many customers; nan where it is undefined."""

    figure: float
    low: float
    high: float
    customers: int


@dataclass(frozen=True)
class Claim:
    """One quoted figure beside what is found here.

    Attributes:
        quoted: what is quoted, from and to; the same twice where it is one number.
        found: None where it cannot be measured, and then `why_not` says why.
        period: in which it was measured; None where there is none.
        beside: the same figure of other groups, by what they are.
    """

    name: Name
    quoted: tuple[float, float]
    found: Measured | None
    period: Period | None = None
    why_not: str = ""
    beside: Mapping[str, float] = field(default_factory=dict)


def ratio(numerator: np.ndarray, denominator: np.ndarray, seed: int) -> Measured:
    """Σ numerator ÷ Σ denominator over a group of customers, one entry each."""
    return _measured(
        lambda times: _over((numerator * times).sum(), (denominator * times).sum()), len(numerator), seed
    )


def mean(value: np.ndarray, seed: int) -> Measured:
    """Mean *value* of a group of customers."""
    return ratio(value, np.ones(len(value)), seed)


def times_the_average(value: np.ndarray, group: np.ndarray, seed: int) -> Measured:
    """Mean *value* of a *group* (a mask) ÷ mean value of all customers, the group included."""

    def statistic(times: np.ndarray) -> float:
        inside = times * group
        of_all = _over((value * times).sum(), times.sum())
        return _over(_over((value * inside).sum(), inside.sum()), of_all)

    return _measured(statistic, len(value), seed, int(group.sum()))


def share_of_the_top(value: np.ndarray, share: float, seed: int) -> Measured:
    """Share of all *value* held by the top *share* of customers by it, who are chosen anew in every draw."""
    order = np.argsort(-value, kind="stable")

    def statistic(times: np.ndarray) -> float:
        places = top_count(share, int(times.sum()))
        return _over(metrics.held(order, value, times, places), (value * times).sum())

    return _measured(statistic, len(value), seed, top_count(share, len(value)))


def claims(
    short: Period, expected: np.ndarray, long: Period | None, top_share: float, seed: int
) -> tuple[Claim, ...]:
    """All quoted figures, in a period as long as the horizon and, where they need one, of 18 months.

    Args:
        expected: network value of each customer as foreseen when the short period began.
        top_share: of customers by that value: the influential.
    """
    influential = metrics.top(expected, top_share)
    return (
        _revenue(short, expected, seed),
        _per_own("value", (3.0, 5.0), short, influential, top_share, seed),
        _per_own("purchases", (8.0, 8.0), short, influential, top_share, seed),
        _engaged(short, seed),
        _followers(long, seed),
        _advanced(long or short, seed),
    )


def _revenue(period: Period, expected: np.ndarray, seed: int) -> Claim:
    picked = metrics.top(expected, TOP_SPENDERS)
    total = period.spent.sum()
    return _told(
        "revenue",
        (0.3, 0.3),
        period,
        share_of_the_top(period.spent, TOP_SPENDERS, seed),
        "nobody bought anything in the period",
        {
            "spent by the same share of customers with the highest foreseen network value": _over(
                period.spent[picked].sum(), total
            ),
            "credited to them, from what others spent": _over(period.brought[picked].sum(), total),
        },
    )


def _per_own(
    name: Literal["value", "purchases"],
    quoted: tuple[float, float],
    period: Period,
    influential: np.ndarray,
    top_share: float,
    seed: int,
) -> Claim:
    """What others did because of the influential ÷ what they did themselves."""
    credited, own = {
        "value": (period.brought, period.spent),
        "purchases": (period.purchases, period.orders),
    }[name]
    best = metrics.top(period.brought, top_share)
    return _told(
        name,
        quoted,
        period,
        ratio(credited[influential], own[influential], seed),
        "the customers foreseen to be the most influential bought nothing themselves in the period",
        {
            "with hindsight, of those who turned out to bring most": _over(
                credited[best].sum(), own[best].sum()
            ),
            "of all customers": _over(credited.sum(), own.sum()),
        },
    )


def _engaged(period: Period, seed: int) -> Claim:
    if period.engagement is None:
        return Claim("engaged", (2.4, 2.4), None, period, NO_USAGE)
    group = metrics.top(period.engagement, TOP_ENGAGED)
    return _told(
        "engaged",
        (2.4, 2.4),
        period,
        times_the_average(period.brought, group, seed),
        "nobody was credited with revenue of others in the period",
    )


def _followers(period: Period | None, seed: int) -> Claim:
    if period is None:
        return Claim(
            "followers", (6.0, 6.0), None, None, "the data do not reach over 18 months after a cutoff"
        )
    if period.engagement is None:
        return Claim("followers", (6.0, 6.0), None, period, NO_USAGE)
    group = metrics.top(period.engagement, TOP_ENGAGED)
    return _told(
        "followers",
        (6.0, 6.0),
        period,
        mean(period.influenced[group], seed),
        "",
        {"of all customers": float(period.influenced.mean())},
    )


def _advanced(period: Period, seed: int) -> Claim:
    if period.advanced is None:
        return Claim("advanced", (11.0, 11.0), None, period, NO_TIERS)
    return _told(
        "advanced",
        (11.0, 11.0),
        period,
        mean(period.influenced[period.advanced], seed),
        "",
        {
            "of all other customers": _over(
                period.influenced[~period.advanced].sum(), (~period.advanced).sum()
            )
        },
    )


def _told(
    name: Name,
    quoted: tuple[float, float],
    period: Period,
    found: Measured,
    undefined: str,
    beside: Mapping[str, float] | None = None,
) -> Claim:
    """The claim, unless the group is too small or its figure undefined."""
    if found.customers < FEWEST:
        few = f"the group has {found.customers} customers, and of fewer than {FEWEST} nothing can be said"
        return Claim(name, quoted, None, period, few)
    if not math.isfinite(found.figure):
        return Claim(name, quoted, None, period, undefined)
    known = {what: figure for what, figure in (beside or {}).items() if math.isfinite(figure)}
    return Claim(name, quoted, found, period, "", known)


def _measured(
    statistic: Callable[[np.ndarray], float], customers: int, seed: int, group: int | None = None
) -> Measured:
    if not customers:
        return Measured(math.nan, math.nan, math.nan, 0)
    everybody = np.ones(customers, dtype=np.int64)
    found = bounded(statistic, everybody, metrics.draws(customers, seed, ROUNDS))
    return Measured(*found, customers if group is None else group)


def _over(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else math.nan
