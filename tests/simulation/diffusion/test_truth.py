"""Truth against brute force: the whole world run again without a customer, and all revenue added up anew."""

import heapq
from dataclasses import dataclass, replace
from datetime import timedelta
from math import inf

import numpy as np
import pandas as pd
import pytest

from ripple.simulation.diffusion.realisation import History, simulate_history
from ripple.simulation.diffusion.truth import leave_one_out, referral_value, revenue, total_influence, traits
from ripple.simulation.tables.assembly import tables
from ripple.simulation.world.calendar import END, Calendar
from ripple.simulation.world.referrals import Referrals
from ripple.simulation.world.worlds import WORLDS

CUSTOMERS, MONTHS = 200, 24
START, STOP = END - timedelta(days=230), END - timedelta(days=50)
NOBODY, EVERYBODY = -1, -2
DENSE = replace(WORLDS["misspecified"], influence=0.2, inside_share=0.95)
"""Beside the worlds that are offered: long chains, loops, and many who can stand in for each other."""


@dataclass
class Replay:
    """A slow, clear run of a history from its recorded clocks, without somebody's influence after START."""

    history: History

    def __post_init__(self):
        history = self.history
        seconds = [(moment - history.calendar.start).total_seconds() for moment in (START, STOP)]
        self.start, self.stop = seconds
        self.background = [
            [(day, v) for v, day in enumerate(row) if day < inf] for row in history.clocks.background.tolist()
        ]
        ties, clocks = history.ties, history.clocks
        self.clocks = {}
        for product, tie, delay in zip(
            clocks.product.tolist(), clocks.tie.tolist(), clocks.delay.tolist(), strict=True
        ):
            self.clocks.setdefault((product, int(ties.source[tie])), []).append(
                (int(ties.target[tie]), delay, float(ties.opens[tie]), float(ties.closes[tie]))
            )
        adoptions, payments = history.adoptions, history.payments
        self.payments_of = [
            (
                (int(adoptions.product[a]), int(adoptions.customer[a])),
                float(payments.order_delay[i]),
                float(payments.refund_delay[i]),
                round(float(payments.revenue[i]) * 100),
                float(history.population.active_until[adoptions.customer[a]]),
            )
            for i, a in enumerate(payments.adoption.tolist())
        ]

    def second(self, day):
        return day * 86_400 // 1

    def inside(self, day):
        return day < inf and self.start < self.second(day) <= self.stop

    def adoptions(self, absent):
        """(product, customer) → day."""
        at = {}
        for product, own in enumerate(self.background):
            queue = list(own)
            heapq.heapify(queue)
            while queue:
                day, v = heapq.heappop(queue)
                if (product, v) in at:
                    continue
                at[product, v] = day
                for target, delay, opens, closes in self.clocks.get((product, v), ()):
                    rings = max(day, opens) + delay
                    deleted = absent in (v, EVERYBODY) and self.second(rings) > self.start
                    if rings < closes and not deleted:
                        heapq.heappush(queue, (rings, target))
        return at

    def cents(self, at):
        """(product, customer) → revenue in the window."""
        paid = {}
        for key, order_delay, refund_delay, cents, active_until in self.payments_of:
            ordered = at.get(key, inf) + order_delay
            if ordered < active_until and self.inside(ordered + refund_delay):
                paid[key] = paid.get(key, 0) + cents
        return paid


@pytest.fixture(scope="module", params=[*WORLDS, "dense"])
def world(request):
    return request.param


@pytest.fixture(scope="module")
def small(world):
    return simulate_history(WORLDS.get(world, DENSE), CUSTOMERS, Calendar(MONTHS), 5)


@pytest.fixture(scope="module")
def replay(small):
    return Replay(small)


def test_every_leave_one_out_value_equals_running_the_world_again(world, small, replay):
    now = replay.adoptions(NOBODY)
    assert now == {
        (p, v): at
        for p, v, at in zip(
            small.adoptions.product, small.adoptions.customer, small.adoptions.day, strict=True
        )
    }
    with_all, parent = replay.cents(now), {}
    for p, v, cause in zip(
        small.adoptions.product, small.adoptions.customer, small.adoptions.cause, strict=True
    ):
        parent[p, v] = cause
    values = leave_one_out(small, START, STOP)
    for u in range(CUSTOMERS):
        then = replay.adoptions(u)
        without = replay.cents(then)
        lost = {key: with_all.get(key, 0) - without.get(key, 0) for key in with_all | without}
        assert all(lost[p, v] == 0 for p, v in lost if v == u)
        expected = (
            sum(lost.values()) / 100,
            sum(cents for key, cents in lost.items() if parent[key] == u) / 100,
            sum(replay.inside(day) and not replay.inside(then.get(key, inf)) for key, day in now.items()),
        )
        if small.calendar.start + timedelta(days=small.population.joined[u]) < START:
            assert values.loc[f"c{u:06}"].tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9)
        else:
            assert f"c{u:06}" not in values.index
    if world == "dense":
        assert (values.influence_value > values.one_step_value).sum() > 30, "too few chains to test anything"
        assert ((values.influence_value > 0) & (values.adoptions == 0)).sum() > 5, "too few delays"


def test_total_influence_equals_running_the_world_again(small, replay):
    with_all, without_any = (
        sum(replay.cents(replay.adoptions(absent)).values()) for absent in (NOBODY, EVERYBODY)
    )
    assert total_influence(small, START, STOP) == pytest.approx(
        (with_all - without_any) / 100, rel=1e-9, abs=1e-9
    )
    assert revenue(small, START, STOP) == pytest.approx(with_all / 100, rel=1e-9)


def test_revenue_and_referral_value_can_be_read_off_the_tables(small):
    dataset = {name: table.to_pandas() for name, table in tables(small).items()}
    orders = dataset["orders"].query("@START < ordered_at <= @STOP")
    assert revenue(small, START, STOP) == pytest.approx(orders.revenue.sum(), rel=1e-9)

    referrals = (
        dataset["interactions"]
        .query("kind == 'referral'")
        .merge(dataset["customers"], left_on="target_id", right_on="customer_id")
    )
    spent = orders.merge(
        referrals[["source_id", "target_id", "joined_at"]], left_on="customer_id", right_on="target_id"
    )
    early = spent[spent.ordered_at - spent.joined_at <= timedelta(days=365)]
    by_product = early.groupby(["source_id", "target_id", "product"]).revenue.sum().clip(lower=0)
    eligible = dataset["customers"].query("joined_at < @START").customer_id.sort_values()
    expected = by_product.groupby("source_id").sum().reindex(eligible, fill_value=0.0)
    values = referral_value(small, START, STOP).referral_value
    assert values.index.tolist() == eligible.tolist()
    assert values.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9, abs=1e-9)


def test_a_referral_counts_for_its_days_only_and_its_refunds_cost_nobody_anything(by_hand, day):
    """Customers 1 and 2, brought in by 0, joined on day -1; 2 gets back more than they paid in the window."""
    history = by_hand([np.inf, 150.0, 101.0], [])
    history = replace(
        history,
        referrals=Referrals(np.array([0, 0]), np.array([1, 2])),
        payments=replace(history.payments, revenue=np.array([100.0, -30.0])),
    )
    value = [
        referral_value(history, day(100), day(200), referral_days=days).referral_value.tolist()
        for days in (151.1, 151.0, 150.9)
    ]
    assert value == [[100.0, 0.0, 0.0], [100.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


def test_network_value_is_zero_where_nobody_influences_or_refers_anybody():
    history = simulate_history(WORLDS["none"], 2_000, Calendar(24), 3)
    assert (leave_one_out(history, START, STOP) == 0).all(axis=None)
    assert total_influence(history, START, STOP) == 0
    assert (referral_value(history, START, STOP) == 0).all(axis=None)


def test_the_window_leaves_out_its_start_and_holds_its_end_to_the_second(by_hand, day):
    """Each of four pairs: the source adopts on day 50, the target half a second around an edge."""
    second = 1 / 86_400
    moments = [100 + second / 2, 100 + 1.5 * second, 200 + second / 2, 200 + 1.5 * second]
    history = by_hand(
        [50.0] * 4 + [np.inf] * 4, [(u, 4 + u, moment - 50.0) for u, moment in enumerate(moments)]
    )
    values = leave_one_out(history, day(100), day(200))
    assert values.influence_value.tolist() == [0.0, 100.0, 100.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert values.adoptions.tolist() == [0, 1, 1, 0, 0, 0, 0, 0]
    assert revenue(history, day(100), day(200)) == total_influence(history, day(100), day(200)) == 200.0


def test_in_a_chain_network_value_is_all_that_lies_behind_a_customer(by_hand, day):
    history = by_hand([101.0, np.inf, np.inf], [(0, 1, 5.0), (1, 2, 5.0)])
    values = leave_one_out(history, day(100), day(200))
    assert values.influence_value.tolist() == [200.0, 100.0, 0.0]
    assert values.one_step_value.tolist() == [100.0, 100.0, 0.0]
    assert values.adoptions.tolist() == [2, 1, 0]
    assert total_influence(history, day(100), day(200)) == 200.0


def test_an_adoption_delayed_inside_the_window_is_not_lost(by_hand, day):
    history = by_hand([50.0, 120.0], [(0, 1, 60.0)])
    values = leave_one_out(history, day(100), day(200))
    assert values.influence_value.tolist() == [0.0, 0.0]
    assert values.adoptions.tolist() == [0, 0]
    assert leave_one_out(history, day(100), day(115)).influence_value.tolist() == [100.0, 0.0]


def test_rows_are_those_who_had_joined_in_the_order_of_their_ids(history):
    population, window = history.population, history.calendar.window(START, STOP)
    joined = [f"c{v:06}" for v in np.flatnonzero(window.before(population.joined))]
    for table in (leave_one_out(history, START, STOP), referral_value(history, START, STOP)):
        assert table.index.tolist() == joined
        assert table.index.name == "customer_id"
    assert len(traits(history)) == population.size


def test_truth_is_the_same_every_time(history):
    again = simulate_history(WORLDS["default"], history.population.size, history.calendar, 7)
    pd.testing.assert_frame_equal(leave_one_out(history, START, STOP), leave_one_out(again, START, STOP))


def test_traits_are_what_the_world_is_made_of(history):
    values = traits(history)
    assert values.columns.tolist() == ["power", "expertise", "voice", "ties"]
    assert np.array_equal(values.power, history.population.power)
    met = history.ties.opens < history.ties.closes
    assert values.ties.sum() == met.sum() > 0.8 * met.size


def test_power_and_ties_together_foretell_influence_better_than_either(history):
    value = leave_one_out(history, START, STOP).influence_value
    known = traits(history).loc[value.index]
    both = known.ties * np.exp(0.7 * known.power)
    foretells = [value.corr(trait, method="spearman") for trait in (both, known.ties, known.power)]
    assert foretells[0] > max(foretells[1:])


@pytest.mark.parametrize("truth", [leave_one_out, total_influence, referral_value, revenue])
def test_windows_beyond_the_simulation_are_refused(history, truth):
    with pytest.raises(ValueError, match="the first and last moment of the simulation"):
        truth(history, START, END + timedelta(days=1))
