"""The ground truth of a simulated world: the value of its customers to each other, which no table shows.

A window is (T, T+H]. Values are in the dataset's currency and exact, from recorded clocks and ties; times are
whole seconds, as in the tables.

**Influence value** of customer u, leave-one-out. All that happened up to T stays; every influence clock of u
that would ring after T is deleted, whenever u adopted. Descendants of u after T then adopt later or never, by
first passage over the remaining clocks. The value is the sum over other customers and products of the revenue
in the window with u minus that without u. Payments keep their delays after the adoption they follow: one that
comes later moves them all, and loses those that fall after T+H or after the customer leaves. Values do not
add up to the total influence: of two customers in one chain, each has the value of all that follows both, and
of two who would replace each other, neither has any.

**One-step value**: the same, of those adoptions alone whose immediate cause is u's adoption.

**Adoptions**: the number in the window that would have come after it or never.

**Total influence**: revenue in the window minus what it would be if *all* influence clocks ringing after T
were deleted.

**Referral value** of u: revenue in the window from the customers u referred, within `referral_days` of
their joining; refunds are netted, and no customer's product counts below zero. It is a record and no
difference with and without u: who would have joined anyway is not part of these worlds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
import pandas as pd

from ripple.arrays import Bools, Floats, Ints, sums
from ripple.simulation.diffusion.leave_one_out import without_each_customer, without_influence
from ripple.simulation.diffusion.payments import counterfactual_revenue
from ripple.simulation.diffusion.realisation import History
from ripple.simulation.world.calendar import SECONDS_PER_DAY, Window, whole_seconds
from ripple.simulation.world.columns import customer_ids

REFERRAL_DAYS = 365.0
"""The number of days after joining that a referrer is credited with (Kumar, Petersen & Leone 2007)."""


def leave_one_out(history: History, start: datetime, end: datetime) -> pd.DataFrame:
    """`influence_value`, `one_step_value` and `adoptions` in (start, end] of each customer.

    One row per customer who had joined before *start*, zeros included, indexed and ordered by `customer_id`.

    Raises:
        ValueError: the window reaches out of the simulated months.
    """
    window = history.calendar.window(start, end)
    without = without_each_customer(history, window)
    loss = _revenue_loss(history, without.adoption, without.day, window)
    missing = ~window.contains(without.day)
    per_customer: dict[str, Floats | Ints] = {
        "influence_value": sums(without.customer, loss, history.population.size),
        "one_step_value": sums(without.customer, loss * without.direct, history.population.size),
        "adoptions": np.bincount(without.customer[missing], minlength=history.population.size),
    }
    return _table(history, per_customer, window.before(history.population.joined))


def total_influence(history: History, start: datetime, end: datetime) -> float:
    """Revenue in (start, end] that would be missing if no influence clock rang after *start*.

    Raises:
        ValueError: the window reaches out of the simulated months.
    """
    window = history.calendar.window(start, end)
    return float(_revenue_loss(history, *without_influence(history, window), window).sum())


def revenue(history: History, start: datetime, end: datetime) -> float:
    """Revenue in (start, end], refunds subtracted.

    Raises:
        ValueError: the window reaches out of the simulated months.
    """
    inside = history.calendar.window(start, end).contains(history.payments.days(history.adoptions))
    return float(history.payments.revenue[inside].sum())


def referral_value(
    history: History, start: datetime, end: datetime, referral_days: float = REFERRAL_DAYS
) -> pd.DataFrame:
    """`referral_value` in (start, end] of each customer; rows as in `leave_one_out`.

    Raises:
        ValueError: the window reaches out of the simulated months.
    """
    window = history.calendar.window(start, end)
    payments, adoptions, population = history.payments, history.adoptions, history.population
    day = payments.days(adoptions)
    joined = population.joined[adoptions.customer[payments.adoption]]
    early = whole_seconds(day) - whole_seconds(joined) <= referral_days * SECONDS_PER_DAY
    paid = sums(payments.adoption, payments.revenue * (early & window.contains(day)), adoptions.size)
    spent = sums(adoptions.customer, np.maximum(paid, 0.0), population.size)
    credit = sums(history.referrals.source, spent[history.referrals.target], population.size)
    return _table(history, {"referral_value": credit}, window.before(population.joined))


def traits(history: History) -> pd.DataFrame:
    """`power`, `expertise`, `voice` and `ties`, the number of customers they may influence, of everybody.

    Indexed and ordered by `customer_id`. No table shows them.
    """
    population, ties = history.population, history.ties
    per_customer: dict[str, Floats | Ints] = {
        "power": population.power,
        "expertise": population.expertise,
        "voice": population.voice,
        "ties": np.bincount(ties.source[ties.opens < ties.closes], minlength=population.size),
    }
    return _table(history, per_customer, np.ones(population.size, dtype=np.bool_))


def _revenue_loss(history: History, adoption: Ints, day: Floats, window: Window) -> Floats:
    """Revenue in *window* of each *adoption*, minus what it would be if it came on *day*."""
    payments, adoptions, population = history.payments, history.adoptions, history.population
    factual, counterfactual = (
        counterfactual_revenue(payments, adoptions, population, adoption, on, window)
        for on in (adoptions.day[adoption], day)
    )
    return factual - counterfactual


def _table(history: History, columns: Mapping[str, Floats | Ints], rows: Bools) -> pd.DataFrame:
    ids = customer_ids(np.arange(history.population.size)).to_pylist()
    return pd.DataFrame(columns, pd.Index(ids, name="customer_id"))[rows].sort_index()
