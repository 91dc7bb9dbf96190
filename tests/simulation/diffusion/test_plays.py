"""The same world with and without a play."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from pandas.testing import assert_series_equal

from ripple.simulation import (
    END,
    Play,
    PotentialOutcomes,
    expected_leave_one_out,
    revenue_by_customer,
    true_effects,
)
from ripple.simulation.diffusion.realisation import simulate_history
from ripple.simulation.tables import assembly
from ripple.simulation.world.columns import customer_ids
from ripple.simulation.world.worlds import WORLDS

START = END - timedelta(days=180)
DAYS = 90.0
LOUD = Play(START, DAYS, voice=4.0)
DEAR = Play(START, DAYS, spend=1.5)


@pytest.fixture(scope="module")
def treated(history):
    return np.random.default_rng(3).random(history.population.size) < 0.1


@pytest.fixture(scope="module")
def louder(history, treated):
    return PotentialOutcomes.draw(history, LOUD).treat(treated)


def days(history):
    """Day of adoption of each product by each customer; infinite for never."""
    day = np.full((history.products.size, history.population.size), np.inf)
    day[history.adoptions.product, history.adoptions.customer] = history.adoptions.day
    return day


def test_a_play_done_to_nobody_leaves_every_table(history, tables):
    play = Play(START, DAYS, voice=4.0, use=2.0, spend=1.5)
    nobody = PotentialOutcomes.draw(history, play).treat(np.zeros(history.population.size, dtype=bool))
    seen = assembly.tables(nobody)
    assert all(seen[name].equals(table) for name, table in tables.items())


def test_a_play_that_changes_nothing_leaves_every_payment(history, treated):
    same = PotentialOutcomes.draw(history, Play(START, DAYS)).treat(treated)
    assert_array_equal(same.adoptions.day, history.adoptions.day)
    assert_array_equal(same.payments.revenue, history.payments.revenue)


def test_voice_only_hastens_adoptions_and_only_after_the_start(history, louder):
    without, with_play = days(history), days(louder)
    changed = without != with_play
    assert changed.sum() > 50
    assert (with_play <= without).all()
    assert with_play[changed].min() > history.calendar.days - 180


def test_what_voice_changes_first_is_the_work_of_the_treated(history, louder, treated):
    """Whoever was moved by somebody untreated was moved by one whom the play had moved before."""
    before, after = days(history), days(louder)
    changed = before != after
    adoptions = louder.adoptions
    moved = changed[adoptions.product, adoptions.customer]
    cause, product = adoptions.cause[moved], adoptions.product[moved]
    assert (cause >= 0).all()
    assert (treated[cause] | changed[product, cause]).all()
    at_once = treated[cause] & ~changed[product, cause]
    assert adoptions.day[moved][at_once].max() < history.calendar.days - 180 + DAYS


def test_payments_of_adoptions_that_a_play_leaves_alone_stay(history, louder):
    """Common random numbers: only adoptions that move are paid otherwise."""
    same = days(history) == days(louder)

    def paid(world):
        adoptions, payments = world.adoptions, world.payments
        product, customer = (column[payments.adoption] for column in (adoptions.product, adoptions.customer))
        kept = same[product, customer]
        rows = np.stack([product, customer, payments.days(adoptions), payments.revenue])[:, kept]
        return rows[:, np.lexsort(rows)]

    assert_array_equal(paid(history), paid(louder))


def test_adoptions_that_a_play_hastens_are_paid_until_the_customer_leaves(history, louder):
    """About as many orders a day as of adoptions that came by themselves."""
    ordered = louder.payments.days(louder.adoptions)
    assert (ordered < louder.calendar.days).all()
    new = np.isinf(days(history))[louder.adoptions.product, louder.adoptions.customer]
    late = louder.adoptions.day > louder.calendar.days - 180
    orders = np.bincount(
        louder.payments.adoption[louder.payments.refund_delay == 0], minlength=louder.adoptions.size
    )
    assert (orders >= 1).all()
    assert orders[new].mean() == pytest.approx(orders[late & ~new].mean(), rel=0.25)


def test_effects_add_up_to_the_difference_of_the_two_worlds(history, louder, treated):
    audience = customer_ids(np.unique(history.ties.target[treated[history.ties.source]])).to_pylist()
    effects = true_effects(louder, history, START, END, audience)
    added = revenue_by_customer(louder, START, END).sum() - revenue_by_customer(history, START, END).sum()
    assert effects.sum() == pytest.approx(added)
    assert effects["audience"] > effects["others"] > 0
    before = (START - timedelta(days=180), START)
    assert_series_equal(revenue_by_customer(louder, *before), revenue_by_customer(history, *before))


def test_nobody_is_moved_where_nobody_influences_anybody(calendar, treated):
    history = simulate_history(WORLDS["none"], treated.size, calendar, 7)
    everybody = customer_ids(np.arange(treated.size)).to_pylist()
    for play in (LOUD, DEAR):
        effects = true_effects(
            PotentialOutcomes.draw(history, play).treat(treated), history, START, END, everybody
        )
        assert effects["audience"] == effects["others"] == 0
        assert (effects["own"] > 0) == (play is DEAR)


def test_spend_raises_what_the_treated_pay_while_the_play_lasts(history, treated):
    with_play = PotentialOutcomes.draw(history, DEAR).treat(treated)
    first = history.calendar.days - 180
    ordered = history.adoptions.day[history.payments.adoption] + history.payments.order_delay
    raised = treated[history.adoptions.customer[history.payments.adoption]]
    raised &= (ordered >= first) & (ordered < first + DAYS)
    expected = np.where(raised, np.round(history.payments.revenue * 1.5, 2), history.payments.revenue)
    assert_array_equal(with_play.payments.revenue, expected)


def test_the_same_customers_can_be_named_by_id(history, treated, louder):
    ids = customer_ids(np.flatnonzero(treated)).to_pylist()
    potential = PotentialOutcomes.draw(history, LOUD)
    assert_array_equal(potential.treat_ids(ids).payments.revenue, louder.payments.revenue)
    with pytest.raises(ValueError, match="No customer x1 in this world"):
        potential.treat_ids([*ids, "x1"])


def test_only_worlds_without_a_play_can_be_played_and_redrawn(history, louder):
    with pytest.raises(ValueError, match="a play in this world already"):
        PotentialOutcomes.draw(louder, LOUD)
    with pytest.raises(ValueError, match="without a play"):
        expected_leave_one_out(louder, START, END, 1, 0)
    with pytest.raises(ValueError, match="nothing has an effect"):
        true_effects(history, history, START, END, [])


@pytest.mark.parametrize("start", [datetime(2000, 1, 1), END - timedelta(days=10)])
def test_a_play_lies_inside_the_calendar(history, start):
    with pytest.raises(ValueError, match="reaches out of"):
        PotentialOutcomes.draw(history, Play(start, DAYS))


@pytest.mark.parametrize("wrong", [{"days": 0.0}, {"voice": 0.5}, {"use": 21.0}, {"spend": 0.0}])
def test_factors_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Play(**{"start": START, "days": DAYS, **wrong})
