"""What a play does in a simulated world: the same world with and without it, and so its true effect.

All that a play could do to anybody is drawn once, for every customer, whoever is treated afterwards. So any
two assignments share their random numbers: revenue under one minus revenue under the other is the effect,
customer by customer, with no error. If nobody is treated, the world is the one without a play, bit by bit.

*Voice* of f: while the play lasts, each tie of a treated customer passes on each product that they have with
f − 1 times the probability of one adoption, by clocks that start with the play and end with it. What this
brings about goes on along all ties, as everything does. Where nobody influences anybody, that is nothing.
*Spend* of f: each order of a treated customer in the play is paid f times. *Use* changes the usage table
alone, and voice the interactions too: see `tables.repeated_events`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ripple.arrays import Bools, Floats, Ints, sums
from ripple.simulation.diffusion.clocks import Clocks, transmission_probability
from ripple.simulation.diffusion.first_passage import Adoptions, spread_adoptions
from ripple.simulation.diffusion.payments import Payments, draw_amounts, schedule_orders
from ripple.simulation.diffusion.realisation import History, Play, Played, RandomStreams
from ripple.simulation.world.calendar import SECONDS_PER_DAY
from ripple.simulation.world.columns import customer_ids
from ripple.simulation.world.delays import Delays

NEVER = -1
"""The index of an adoption that does not happen."""


@dataclass(frozen=True)
class PotentialOutcomes:
    """A world in which nobody is treated, and all that a play could add to it."""

    history: History
    play: Play
    extra: Clocks
    """The influence clocks that a play starts, of all customers; only those of the treated ring."""
    unpaid: Payments
    """What the play could make payable: orders that came too late, and those of adoptions that never came.
    `adoption` is product × customers + customer."""

    @classmethod
    def draw(cls, history: History, play: Play) -> PotentialOutcomes:
        """Draw all that *play* could do to anybody in *history*.

        Raises:
            ValueError: the play reaches out of the simulated months, or there is one in *history* already.
        """
        if history.played is not None:
            raise ValueError("There is a play in this world already: start from the world without it.")
        begins, ends = _days(history, play)
        clocks_rng, payments_rng = RandomStreams.of(history.seed).plays.spawn(3)[:2]
        extra = _extra_clocks(history, play, begins, ends, clocks_rng)
        return cls(history, play, extra, _unpaid(history, payments_rng))

    def treat(self, treated: Bools) -> History:
        """The world in which the play is done to the customers of this mask."""
        history, clocks = self.history, self.history.clocks
        rings = treated[history.ties.source[self.extra.tie]]
        if rings.any():
            clocks = _merged(clocks, self.extra.where(rings))
        adoptions = spread_adoptions(clocks, history.ties) if rings.any() else history.adoptions
        payments = self._payments(adoptions, treated)
        return replace(
            history,
            clocks=clocks,
            adoptions=adoptions,
            payments=payments,
            played=Played(self.play, treated),
        )

    def treat_ids(self, ids: Collection[str]) -> History:
        """The world in which the play is done to the customers with these *ids*.

        Raises:
            ValueError: there is no customer with one of them.
        """
        known = customer_ids(np.arange(self.history.population.size))
        missing = sorted(set(ids) - set(known.to_pylist()))
        if missing:
            raise ValueError(f"No customer {missing[0]} in this world ({len(missing)} of {len(ids)} ids).")
        return self.treat(pc.is_in(known, pa.array(list(ids), pa.string())).to_numpy(zero_copy_only=False))

    def _payments(self, adoptions: Adoptions, treated: Bools) -> Payments:
        history, population = self.history, self.history.population
        index = np.full(history.clocks.background.size, NEVER)
        index[_pair(adoptions, population.size)] = np.arange(adoptions.size)

        paid = history.payments
        paid = replace(paid, adoption=index[_pair(history.adoptions, population.size)[paid.adoption]])
        new = replace(self.unpaid, adoption=index[self.unpaid.adoption])
        new = _where(new, new.adoption != NEVER)
        ordered = adoptions.day[new.adoption] + new.order_delay
        active = ordered < population.active_until[adoptions.customer[new.adoption]]
        refunds_in_time = (new.refund_delay == 0) | (ordered + new.refund_delay < history.calendar.days)
        new = _where(new, active & refunds_in_time)
        payments = Payments(
            *(
                np.concatenate((getattr(paid, name), getattr(new, name)))
                for name in Payments.__dataclass_fields__
            )
        )
        payments = replace(payments, revenue=self._spent(payments, adoptions, treated))
        return _where(payments, np.argsort(payments.days(adoptions), kind="stable"))

    def _spent(self, payments: Payments, adoptions: Adoptions, treated: Bools) -> Floats:
        if self.play.spend == 1.0:
            return payments.revenue
        begins, ends = _days(self.history, self.play)
        ordered = adoptions.day[payments.adoption] + payments.order_delay
        raised = treated[adoptions.customer[payments.adoption]] & (ordered >= begins) & (ordered < ends)
        return np.where(raised, np.round(payments.revenue * self.play.spend, 2), payments.revenue)


def revenue_by_customer(history: History, start: datetime, end: datetime) -> pd.Series[float]:
    """Revenue in (start, end] of each customer, refunds subtracted, indexed and ordered by `customer_id`.

    Raises:
        ValueError: the window reaches out of the simulated months.
    """
    payments, adoptions = history.payments, history.adoptions
    inside = history.calendar.window(start, end).contains(payments.days(adoptions))
    customer = adoptions.customer[payments.adoption[inside]]
    values = sums(customer, payments.revenue[inside], history.population.size)
    ids = customer_ids(np.arange(history.population.size)).to_pylist()
    return pd.Series(values, pd.Index(ids, name="customer_id"), name="revenue").sort_index()


def true_effects(
    with_play: History, without: History, start: datetime, end: datetime, audience: Collection[str]
) -> pd.Series[float]:
    """What a play added to revenue in (start, end], in all: `own` of the treated, `audience` and `others`.

    Args:
        with_play: the world with the play.
        without: the same world without it, or with it done to others.
        start, end: the window.
        audience: the customers who count as audience unless they are treated.

    Raises:
        ValueError: nothing was played, or the window reaches out of the simulated months.
    """
    if with_play.played is None:
        raise ValueError("No play in this world, so nothing has an effect.")
    added = revenue_by_customer(with_play, start, end) - revenue_by_customer(without, start, end)
    ids = customer_ids(np.arange(with_play.population.size)).to_pylist()
    treated = pd.Series(with_play.played.treated, ids)
    own = treated.reindex(added.index).to_numpy(dtype=bool)
    reached = added.index.isin(list(audience)) & ~own
    return pd.Series(
        {
            "own": float(added[own].sum()),
            "audience": float(added[reached].sum()),
            "others": float(added[~own & ~reached].sum()),
        }
    )


def _days(history: History, play: Play) -> tuple[float, float]:
    """First day of the play, and the first after it."""
    begins = (play.start - history.calendar.start).total_seconds() / SECONDS_PER_DAY
    if not begins >= 0 or begins + play.days > history.calendar.days:
        raise ValueError(
            f"A play from {play.start} for {play.days:g} days reaches out of the {history.calendar.days} "
            f"simulated days from {history.calendar.start}."
        )
    return begins, begins + play.days


def _extra_clocks(
    history: History, play: Play, begins: float, ends: float, rng: np.random.Generator
) -> Clocks:
    world, ties, shape = history.world, history.ties, history.clocks.background.shape
    probability = transmission_probability(world, history.population, ties)
    probability = np.minimum((play.voice - 1) * probability, 1.0)
    opens, closes = np.maximum(ties.opens, begins), np.minimum(ties.closes, ends)
    product, tie = np.nonzero((rng.random((shape[0], ties.size)) < probability) & (opens < closes))
    delay = Delays(world.delay_days, world.delay_tail).draw(np.zeros(tie.size), rng)
    return Clocks(history.clocks.background, product, tie, delay, opens[tie], closes[tie])


def _merged(clocks: Clocks, extra: Clocks) -> Clocks:
    """The influence clocks of both, ordered by product, then tie."""
    columns = {
        name: np.concatenate((getattr(clocks, name), getattr(extra, name)))
        for name in ("product", "tie", "delay", "opens", "closes")
    }
    order = np.lexsort((columns["tie"], columns["product"]))
    return replace(clocks, **{name: column[order] for name, column in columns.items()})


def _unpaid(history: History, rng: np.random.Generator) -> Payments:
    population, products, adoptions = history.population, history.products, history.adoptions
    # as the payments of the world without a play were drawn: some orders came too late to be paid
    adoption, order_delay = schedule_orders(
        adoptions, population, history.calendar, RandomStreams.of(history.seed).payments
    )
    late = adoptions.day[adoption] + order_delay >= population.active_until[adoptions.customer[adoption]]
    late_pair = _pair(adoptions, population.size)[adoption[late]]

    product, customer = np.divmod(np.arange(history.clocks.background.size), population.size)
    every = Adoptions(customer, product, np.zeros(product.size), np.full(product.size, NEVER))
    never = np.ones(product.size, dtype=bool)
    never[_pair(adoptions, population.size)] = False
    adoption, delay = schedule_orders(every.where(never), population, history.calendar, rng)
    pair = np.concatenate((late_pair, np.flatnonzero(never)[adoption]))
    delay = np.concatenate((order_delay[late], delay))
    return draw_amounts(pair, delay, every, population, products, np.inf, rng)


def _pair(adoptions: Adoptions, customers: int) -> Ints:
    """product × customers + customer of each adoption."""
    return adoptions.product * customers + adoptions.customer


def _where(payments: Payments, entries: Bools | Ints) -> Payments:
    return Payments(*(getattr(payments, name)[entries] for name in Payments.__dataclass_fields__))
