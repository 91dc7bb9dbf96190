import itertools

import numpy as np
import pytest

from ripple.training.attribution.adoptions import read_history
from tests.support.event_tables import (
    WINDOW,
    activity,
    contact,
    credit_settings,
    joined,
    order,
    referral,
    tables,
)


def read(customers, orders, *rest, **credit):
    return read_history(tables(customers, orders, *rest), *WINDOW, credit_settings(**credit).credit)


def test_an_adoption_is_the_first_order_and_its_value_what_was_paid_in_the_window():
    orders = [order("b", 30, "q", 5.0), order("b", 50, "q", 7.0), order("b", 60, "q", -2.0)]
    orders += [order("a", 45, "p", 9.0), order("a", 46, "p", -20.0), order("a", 101, "q")]
    adoptions = read([joined("a", 1), joined("b", 2)], orders).adoptions
    # of a then b, as they joined in this order; days count from the window's start on day 40
    assert adoptions.customer.tolist() == [0, 1]
    assert adoptions.product.tolist() == [0, 1]
    assert adoptions.day.tolist() == [5, -10]
    assert adoptions.value.tolist() == [0, 5]


def test_customers_are_observed_until_their_last_event_and_a_mean_gap():
    customers = [joined("a", 30), joined("b", 31), joined("c", 32)]
    history = read(
        customers, [order("a", 50)], [contact("b", "c", 41), contact("b", "c", 51)], [activity("a", 60)]
    )
    # a: events on days 50 and 60 after joining on day 30; b: two contacts; c: only contacted by others
    assert history.observed_until.tolist() == [20 + 30 / 2, 11 + 20 / 2, -np.inf]
    assert history.joined.tolist() == [-10, -9, -8]
    assert history.window_length == 60


def test_cases_begin_with_the_lookback_and_end_with_the_window():
    customers = [joined(name) for name in "abcd"]
    orders = [order(name, day) for name, day in zip("abcd", (20, 35, 36, 100), strict=True)]
    history = read(customers, orders, lookback_days=5)
    assert history.estimation_start == -5
    assert history.adoptions.day[history.cases].tolist() == [-4, 60]
    # a day before the first adoption, where the lookback reaches beyond it
    assert read(customers, orders, lookback_days=500).estimation_start == -21


def test_adoptions_soon_after_a_referral_are_marked():
    customers = [joined("a"), joined("b", 20), joined("c", 21)]
    orders = [order("b", 45, "p"), order("b", 71, "q"), order("c", 45, "p")]
    history = read(customers, orders, [referral("a", "b", 20)], referral_days=50)
    assert history.adoptions.referred.tolist() == [True, False, False]


def test_attributes_have_levels_and_a_name_is_none():
    customers = [
        joined(
            f"c{i:02d}", i / 100, seats=None if i == 0 else float(i), plan="x" if i % 2 else None, name=str(i)
        )
        for i in range(51)
    ]
    levels = read(customers, []).attribute_levels
    assert levels.shape == (51, 2)
    assert levels[[0, 1, 10, 11, 25, 50], 0].tolist() == [0, 1, 1, 2, 3, 5]
    assert levels[:2, 1].tolist() == [0, 1]


def test_adoptions_are_found_by_customer_and_product(sample):
    history, names, products = sample.history, sample.names, sample.products
    pairs = list(itertools.product(range(history.customer_count), range(history.product_count)))
    index = history.adoption_index(*(np.array(column) for column in zip(*pairs, strict=True)))
    adopted = [
        (names[customer], products[product]) in sample.reference.adopted for customer, product in pairs
    ]
    assert [i >= 0 for i in index] == adopted
    assert sorted(index[index >= 0]) == list(range(history.adoptions.size))


def test_adoptions_can_be_moved_to_other_days(sample):
    adoptions = sample.history.adoptions
    moved = sample.history.with_adoption_days(adoptions.day + 1)
    assert np.array_equal(moved.adoptions.day, adoptions.day + 1)
    assert np.array_equal(moved.adoptions.customer, adoptions.customer)
    assert moved.cases.size != sample.history.cases.size


@pytest.mark.parametrize("name", ["joined", "observed_until"])
def test_customers_are_those_of_the_reference(sample, name):
    expected = getattr(sample.reference, name)
    assert getattr(sample.history, name).tolist() == pytest.approx([expected[name] for name in sample.names])


def test_a_customer_with_one_event_is_observed_for_as_long_again():
    assert read([joined("a", 30)], [order("a", 50)]).observed_until.tolist() == [10 + 20]


@pytest.mark.parametrize(("on", "referred"), [(80.0, True), (80.5, False)])
def test_an_adoption_is_a_referral_up_to_the_day_until_which_one_is_credited(on, referred):
    """So no adoption is credited both as a referral and as influence."""
    history = read(
        [joined("a"), joined("b", 30)], [order("b", on)], [referral("a", "b", 30)], referral_days=50
    )
    assert history.adoptions.referred.tolist() == [referred]


def test_orders_of_customers_who_are_not_there_are_no_adoptions():
    history = read([joined("a"), joined("late", 101)], [order("a", 50), order("x", 51), order("late", 60)])
    assert history.adoptions.customer.tolist() == [0]


def test_what_was_not_adopted_has_no_index():
    history = read([joined("a"), joined("b", 1)], [order("a", 50, "p"), order("b", 51, "q")])
    customer, product = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert history.adoption_index(customer, product).tolist() == [0, -1, -1, 1]
    only = read([joined("a")], [order("a", 50, "p"), order("x", 50, "q")])
    assert only.adoption_index(np.zeros(2, dtype=np.int64), np.arange(2)).tolist() == [0, -1]
    nobody = read([joined("a")], [order("x", 50, "p")])
    assert nobody.adoption_index(np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)).tolist() == [-1]


def test_without_attributes_there_are_no_levels():
    assert read([joined("a"), joined("b")], []).attribute_levels.shape == (2, 0)
