"""The parts of total network value multiply to it, and are what happened in the window."""

from __future__ import annotations

import math
import random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.level.parts import FACTORS, WindowAmounts, rises, window_amounts
from ripple.training.attribution import network_value
from tests.support.event_tables import (
    WINDOW,
    Rows,
    activity,
    contact,
    contagion,
    credit_settings,
    joined,
    order,
    referral,
    tables,
)

START, END = WINDOW
PAIRS = 12
amounts_of_windows = st.lists(st.floats(1e-3, 1e9), min_size=5, max_size=5).map(
    lambda amounts: WindowAmounts(*amounts)
)


def amounts(customers: Rows, orders: Rows, interactions: Rows, usage: Rows) -> WindowAmounts:
    """The amounts of `WINDOW` by the label of these rows."""
    dataset, options = tables(customers, orders, interactions, usage), credit_settings()
    labels = network_value(dataset, *WINDOW, options).to_pandas().set_index("customer_id")
    return window_amounts(dataset.until(END), labels, *WINDOW, options)


def pairs() -> tuple[Rows, Rows, Rows, Rows]:
    """Each s buys, and the t whom s had reached a day later; r was referred, n had no contact."""
    names = [f"{role}{number:02d}" for role in "st" for number in range(PAIRS)]
    orders = [order(f"s{number:02d}", 42 + 4 * number) for number in range(PAIRS)]
    orders += [order(f"t{number:02d}", 43 + 4 * number, revenue=70.0) for number in range(PAIRS)]
    orders += [order("r", 50, "q", 30.0), order("r", 60, "q", 5.0), order("n", 55, "q", 1000.0)]
    contacts = [contact(f"s{number:02d}", f"t{number:02d}", 41) for number in range(PAIRS)]
    contacts += [contact("s00", "n", 20), contact("n", "s00", 101), contact("n", "n", 50)]
    customers = [joined(name) for name in (*names, "r", "n")]
    return customers, orders, [*contacts, referral("s00", "r")], [activity(name, 99) for name in names]


@pytest.fixture(scope="module")
def plain() -> WindowAmounts:
    """The amounts of `pairs`."""
    return amounts(*pairs())


def test_amounts_are_those_of_the_window(plain: WindowAmounts) -> None:
    assert plain.customers == 2 * PAIRS + 2
    # not those before and after the window, nor with oneself
    assert plain.contacts == PAIRS
    # whom somebody had reached who has the product, and both purchases of the referred customer
    assert plain.purchases == PAIRS + 2
    assert plain.revenue == pytest.approx(70.0 * PAIRS + 35.0)
    assert 35.0 < plain.credited < plain.revenue


@pytest.mark.parametrize("seed", range(3))
def test_the_product_of_the_factors_is_the_label_s_total(seed: int) -> None:
    rows = contagion(seed)
    label = network_value(tables(*rows), *WINDOW, credit_settings()).to_pandas()
    factors = amounts(*rows).factors()
    assert tuple(factors) == FACTORS
    assert math.prod(factors.values()) == pytest.approx(label["network_value"].sum())


@given(amounts_of_windows, amounts_of_windows)
def test_the_rises_of_the_factors_multiply_to_that_of_the_total(
    before: WindowAmounts, after: WindowAmounts
) -> None:
    assert math.prod(rises(before, after).values()) == pytest.approx(after.credited / before.credited)


@settings(max_examples=5)
@given(st.floats(0.01, 1000), st.randoms(use_true_random=False))
def test_only_revenue_per_purchase_is_in_currency_and_customers_may_be_in_any_order(
    plain: WindowAmounts, unit: float, shuffle: random.Random
) -> None:
    customers, orders, contacts, usage = pairs()
    converted = [row | {"revenue": row["revenue"] * unit} for row in orders]
    for rows in (customers, converted, contacts, usage):
        shuffle.shuffle(rows)
    changed = rises(plain, amounts(customers, converted, contacts, usage))
    expected = dict.fromkeys(FACTORS, 1.0) | {"revenue_per_purchase": unit}
    assert changed == pytest.approx(expected, rel=1e-4)


def test_after_an_amount_of_zero_a_factor_is_undefined() -> None:
    factors = WindowAmounts(10.0, 5.0, 0.0, 0.0, 0.0).factors()
    assert factors["purchases_per_contact"] == 0
    assert math.isnan(factors["revenue_per_purchase"])
    assert pd.Series(rises(WindowAmounts(1, 1, 1, 1, 1), WindowAmounts(2, 2, 2, 2, 2))).tolist() == [
        *(2.0, 1.0, 1.0, 1.0, 1.0)
    ]
