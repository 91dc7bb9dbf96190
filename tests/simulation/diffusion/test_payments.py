from dataclasses import replace

import numpy as np
import pytest

from ripple.simulation.diffusion.payments import Payments, counterfactual_revenue


def test_every_adoption_is_paid_for_when_it_happens(history):
    payments, adoptions = history.payments, history.adoptions
    first = payments.adoption[(payments.order_delay == 0) & (payments.refund_delay == 0)]
    assert np.array_equal(np.sort(first), np.arange(adoptions.size))
    assert (np.diff(payments.days(adoptions)) >= 0).all()


def test_only_refunds_have_a_distance_from_their_order(history):
    payments = history.payments
    assert ((payments.revenue < 0) == (payments.refund_delay > 0)).all()
    assert payments.refund_delay[payments.revenue < 0].min() >= 1
    assert payments.refund_delay.max() <= 20


@pytest.fixture
def ledger(by_hand):
    """Two who adopt on day 10 and leave on day 100; the first pays, renews twice and takes the last back."""
    history = by_hand([10.0, 10.0], [], active_until=100.0)
    payments = Payments(
        np.array([0, 1, 0, 0, 0]),
        np.array([0.0, 0.0, 30.0, 60.0, 60.0]),
        np.array([0.0, 0.0, 0.0, 0.0, 15.0]),
        np.array([1.0, 50.0, 2.0, 4.0, -3.0]),
        np.zeros(5),
    )
    return replace(history, payments=payments)


@pytest.mark.parametrize(
    ("at", "value"),
    [
        (10.0, 1 + 2 + 4 - 3),  # days 10, 40, 70, 85
        (26.0, 1 + 2 + 4),  # the refund of day 101 is after the window
        (39.9, 1 + 2 + 4),
        (40.1, 1 + 2),  # the last order would have been on day 100, when they leave
        (99.0, 1),
        (99.9, 1),
        (np.inf, 0),
    ],
)
def test_payments_keep_their_distance_and_end_with_the_customer(ledger, day, at, value):
    window = ledger.calendar.window(day(5), day(100))
    both = counterfactual_revenue(
        ledger.payments,
        ledger.adoptions,
        ledger.population,
        np.array([0, 1]),
        np.array([at, 10.0]),
        window,
    )
    assert both.tolist() == [value, 50.0]


def test_a_refund_goes_with_its_order(ledger, day):
    later = ledger.calendar.window(day(5), day(120))
    value = [
        counterfactual_revenue(
            ledger.payments, ledger.adoptions, ledger.population, np.array([0]), np.array([at]), later
        ).item()
        for at in (39.0, 41.0)
    ]
    assert value == [1 + 2 + 4 - 3, 1 + 2]
