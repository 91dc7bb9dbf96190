"""The figures that are quoted about influential customers, measured in this data.

Each is a total over a group of customers ÷ another total, so that a few large customers count for what they
are. Membership of a group was known when the period began in which its effect is measured: a group chosen by
its effect in the period itself would show luck as influence. Intervals are by bootstrap over customers
(Efron 1979); they do not cover how influence is credited.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ripple.models.batch_scoring import top_count
from ripple.training.evaluation.bootstrap import estimate_with_bounds, value_held
from ripple.training.evaluation.metrics import ratio
from ripple.training.examples.membership import top_mask
from ripple.training.insights.periods import Period

Name = Literal["revenue", "value", "purchases", "engaged", "followers", "advanced"]
MIN_CUSTOMERS = 10
"""The number of customers of a group below which no figure is given for it."""
TOP_SPENDERS, TOP_ENGAGED = 0.02, 0.1
LONG_DAYS = 548
"""The 18 months of one of the figures, in days."""
NO_USAGE = "there is no usage table, so nobody’s engagement is known"
BY_PURCHASES = "others who bought something because of one of them"
NO_TIERS = "usage and a catalog with tiers are needed to know who uses advanced features"


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval, of a group of so many customers; nan where it is undefined."""

    figure: float
    low: float
    high: float
    customers: int


@dataclass(frozen=True)
class Claim:
    """One quoted figure and its estimate from this data.

    Attributes:
        quoted: what is quoted, from and to; the same twice where it is one number.
        estimate: None where it cannot be measured, and then `why_not` says why.
        period: in which it was measured; None where there is none.
        comparisons: the same figure of other groups, by what they are.
        placebo_share: up to this share of the figure may be due to chance, where it is not of network value.
    """

    name: Name
    quoted: tuple[float, float]
    estimate: Estimate | None
    period: Period | None = None
    why_not: str = ""
    comparisons: Mapping[str, float] = field(default_factory=dict)
    placebo_share: float | None = None


def ratio_of_totals(numerator: np.ndarray, denominator: np.ndarray, seed: int) -> Estimate:
    """Σ numerator ÷ Σ denominator over a group of customers, one entry each."""
    return _estimate(
        lambda counts: ratio((numerator * counts).sum(), (denominator * counts).sum()), len(numerator), seed
    )


def mean(value: np.ndarray, seed: int) -> Estimate:
    """Mean *value* of a group of customers."""
    return ratio_of_totals(value, np.ones(len(value)), seed)


def times_the_average(value: np.ndarray, group: np.ndarray, seed: int) -> Estimate:
    """Mean *value* of a *group* (a mask) ÷ mean value of all customers, the group included."""

    def statistic(counts: np.ndarray) -> float:
        inside = counts * group
        overall = ratio((value * counts).sum(), counts.sum())
        return ratio(ratio((value * inside).sum(), inside.sum()), overall)

    return _estimate(statistic, len(value), seed, int(group.sum()))


def share_of_the_top(value: np.ndarray, share: float, seed: int) -> Estimate:
    """Share of all *value* held by the top *share* of customers, who are chosen again in every resample."""
    order = np.argsort(-value, kind="stable")

    def statistic(counts: np.ndarray) -> float:
        places = top_count(share, int(counts.sum()))
        return ratio(value_held(order, value, counts, places), (value * counts).sum())

    return _estimate(statistic, len(value), seed, top_count(share, len(value)))


def claims(
    short: Period, expected: np.ndarray, long: Period | None, top_share: float, seed: int
) -> tuple[Claim, ...]:
    """All quoted figures, in a period as long as the horizon and, where they need one, of 18 months.

    Args:
        expected: network value of each customer as predicted when the short period began.
        top_share: of customers by that value: the influential.
    """
    influential = top_mask(expected, top_share)
    return (
        _revenue(short, expected, seed),
        _credited_per_own("value", (3.0, 5.0), short, influential, top_share, seed),
        _credited_per_own("purchases", (8.0, 8.0), short, influential, top_share, seed),
        _engaged(short, seed),
        _followers(long, seed),
        _advanced(long or short, seed),
    )


def _revenue(period: Period, expected: np.ndarray, seed: int) -> Claim:
    predicted_top = top_mask(expected, TOP_SPENDERS)
    total = period.direct_value.sum()
    return _claim(
        "revenue",
        (0.3, 0.3),
        period,
        share_of_the_top(period.direct_value, TOP_SPENDERS, seed),
        "nobody bought anything in the period",
        {
            "spent by the same share of customers with the highest predicted network value": ratio(
                period.direct_value[predicted_top].sum(), total
            ),
            "credited to them, from what others spent": ratio(
                period.network_value[predicted_top].sum(), total
            ),
        },
    )


def _credited_per_own(
    name: Literal["value", "purchases"],
    quoted: tuple[float, float],
    period: Period,
    influential: np.ndarray,
    top_share: float,
    seed: int,
) -> Claim:
    """The value or purchases credited to the influential ÷ their own."""
    credited, own = {
        "value": (period.network_value, period.direct_value),
        "purchases": (period.influenced_purchases, period.orders),
    }[name]
    realised_top = top_mask(period.network_value, top_share)
    return _claim(
        name,
        quoted,
        period,
        ratio_of_totals(credited[influential], own[influential], seed),
        "the customers predicted to be the most influential bought nothing themselves in the period",
        {
            "with hindsight, of those who turned out to bring most": ratio(
                credited[realised_top].sum(), own[realised_top].sum()
            ),
            "of all customers": ratio(credited.sum(), own.sum()),
        },
    )


def _engaged(period: Period, seed: int) -> Claim:
    if period.engagement is None:
        return Claim("engaged", (2.4, 2.4), None, period, NO_USAGE)
    group = top_mask(period.engagement, TOP_ENGAGED)
    return _claim(
        "engaged",
        (2.4, 2.4),
        period,
        times_the_average(period.network_value, group, seed),
        "nobody was credited with revenue of others in the period",
    )


def _followers(period: Period | None, seed: int) -> Claim:
    if period is None:
        return Claim(
            "followers", (6.0, 6.0), None, None, "the data do not reach over 18 months after a cutoff"
        )
    if period.engagement is None or period.influenced_adopters is None:
        return Claim("followers", (6.0, 6.0), None, period, NO_USAGE)
    group = top_mask(period.engagement, TOP_ENGAGED)
    return _adopters("followers", (6.0, 6.0), period, period.influenced_adopters, group, seed)


def _advanced(period: Period, seed: int) -> Claim:
    if period.advanced is None or period.influenced_adopters is None:
        return Claim("advanced", (11.0, 11.0), None, period, NO_TIERS)
    return _adopters("advanced", (11.0, 11.0), period, period.influenced_adopters, period.advanced, seed)


def _adopters(
    name: Literal["followers", "advanced"],
    quoted: tuple[float, float],
    period: Period,
    adopters: np.ndarray,
    group: np.ndarray,
    seed: int,
) -> Claim:
    """The mean number of others whom the members of a *group* (a mask) moved to use a feature."""
    claim = _claim(
        name,
        quoted,
        period,
        mean(adopters[group], seed),
        "",
        {
            "of all other customers": ratio(adopters[~group].sum(), (~group).sum()),
            BY_PURCHASES: ratio(period.influenced_customers[group].sum(), group.sum()),
        },
    )
    if period.feature_adoptions is None:
        return claim
    return replace(claim, placebo_share=period.feature_adoptions.placebo_share)


def _claim(
    name: Name,
    quoted: tuple[float, float],
    period: Period,
    estimate: Estimate,
    why_undefined: str,
    comparisons: Mapping[str, float] | None = None,
) -> Claim:
    """The claim, without its estimate if the group is too small or the figure undefined."""
    if estimate.customers < MIN_CUSTOMERS:
        size = f"{estimate.customers} customer{'' if estimate.customers == 1 else 's'}"
        few = f"the group has {size}, and of fewer than {MIN_CUSTOMERS} nothing can be said"
        return Claim(name, quoted, None, period, few)
    if not math.isfinite(estimate.figure):
        return Claim(name, quoted, None, period, why_undefined)
    defined = {group: figure for group, figure in (comparisons or {}).items() if math.isfinite(figure)}
    return Claim(name, quoted, estimate, period, "", defined)


def _estimate(
    statistic: Callable[[np.ndarray], float], customers: int, seed: int, group: int | None = None
) -> Estimate:
    if not customers:
        return Estimate(math.nan, math.nan, math.nan, 0)
    return Estimate(*estimate_with_bounds(statistic, customers, seed), customers if group is None else group)
