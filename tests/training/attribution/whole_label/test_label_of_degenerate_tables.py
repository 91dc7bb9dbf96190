"""The label of tables that are empty, nearly so, or have too much of one thing."""

import pandas as pd
import pytest

from ripple.training.attribution import LABEL_COLUMNS, network_value
from tests.support.event_tables import (
    WINDOW,
    activity,
    contact,
    contagion,
    credit_settings,
    day,
    joined,
    order,
    referral,
    tables,
)

BASELINES = ("product", "joined")
CROWD = [f"c{number:02d}" for number in range(12)]


@pytest.fixture(params=BASELINES)
def label(request):
    """The label of tables, by each baseline."""

    def compute(customers, orders, interactions, usage=None, window=WINDOW, **credit):
        customers = [joined(name) if isinstance(name, str) else name for name in customers]
        credited = network_value(
            tables(customers, orders, interactions, usage),
            *window,
            credit_settings(baseline=request.param, **credit),
        )
        frame = credited.to_pandas().set_index("customer_id")
        assert list(frame.columns) == list(LABEL_COLUMNS)
        assert frame.notna().all(axis=None)
        return frame

    return compute


def influenced(frame):
    return frame.drop(columns="direct_value").any(axis=None)


def ring(on=10.0, **more):
    """Everybody reaches the next two."""
    return [
        contact(CROWD[i], CROWD[(i + step) % len(CROWD)], on, **more)
        for i in range(len(CROWD))
        for step in (1, 2)
    ]


def alive():
    return [activity(name, 99) for name in CROWD]


def one_by_one(revenue=100.0):
    return [order(name, 42 + 4 * place, revenue=revenue) for place, name in enumerate(CROWD)]


@pytest.mark.parametrize("interactions", [None, []], ids=["no table", "empty table"])
def test_without_interactions_nobody_is_credited(label, interactions):
    credited = label(CROWD, one_by_one(), interactions, alive())
    assert credited["direct_value"].sum() == 1200
    assert not influenced(credited)


def test_only_referrals_give_referral_value_alone(label):
    credited = label(CROWD, one_by_one(), [referral(CROWD[0], name) for name in CROWD[1:]], alive())
    assert credited.loc["c00", ["network_value", "referral_value", "influence_value"]].tolist() == [
        1100,
        1100,
        0,
    ]
    assert not influenced(credited.drop("c00"))


def test_everybody_who_buys_at_the_same_moment_moves_nobody(label):
    credited = label(CROWD, [order(name, 40.5) for name in CROWD], ring(), alive())
    assert credited["direct_value"].sum() == 1200
    assert not influenced(credited)


def test_everybody_buys_on_the_first_day(label):
    orders = [order(name, 40 + place / 20) for place, name in enumerate(CROWD, 1)]
    credited = label(CROWD, orders, ring(), alive())
    assert credited["one_step_value"].sum() <= 1100


def test_who_had_reached_everybody_and_bought_first_cannot_be_distinguished_by_times(label):
    orders = [order("c00", 41), *(order(name, 42 + 4 * i) for i, name in enumerate(CROWD[1:]))]
    contacts = [contact("c00", name) for name in CROWD[1:]]
    credited = label(CROWD, orders, contacts, alive())
    # at no moment is there anybody whom c00 had not reached
    assert not credited["influence_value"].any()


def test_contacts_after_the_fact_credit_nobody(label):
    assert not influenced(label(CROWD, one_by_one(), ring(99), alive()))


def test_contacts_without_weight_credit_nobody(label):
    assert not influenced(label(CROWD, one_by_one(), ring(weight=0.0), alive()))


def test_adoptions_of_free_products_have_no_value(label):
    credited = label(CROWD, one_by_one(0.0), ring(), alive())
    values = ["network_value", "referral_value", "influence_value", "one_step_value", "direct_value"]
    assert not credited[values].any(axis=None)


@pytest.mark.parametrize("on", [20, 110])
def test_no_orders_in_the_window(label, on):
    credited = label(CROWD, [order(name, on) for name in CROWD], ring(), alive())
    assert not credited.any(axis=None)


def test_no_orders_at_all(label):
    assert not label(CROWD, [], ring(), alive()).any(axis=None)
    assert not label(CROWD, [], ring()).any(axis=None)


def test_a_window_before_any_data(label):
    credited = label(CROWD, one_by_one(), ring(), alive(), (day(-100), day(-50)))
    assert not len(credited)


def test_a_window_that_begins_before_any_data(label):
    credited = label(CROWD, one_by_one(), ring(), alive(), (day(-100), day(100)))
    assert not len(credited)


def test_nobody_has_joined(label):
    assert not len(label([], [], []))


def test_one_customer_alone(label):
    credited = label(["a"], [order("a", 50)], [])
    assert credited.loc["a", "direct_value"] == 100
    assert not influenced(credited)


def test_two_customers_have_nobody_to_be_compared_with(label):
    credited = label(
        ["a", "b"],
        [order("a", 45), order("b", 50)],
        [contact("a", "b")],
        [activity("a", 99), activity("b", 99)],
    )
    assert not credited["influence_value"].any()


def test_an_adoption_before_the_join_counts_from_its_day(label):
    """It happens where the date of an account is that of its last renewal."""
    customers = [joined("c00", 30), *CROWD[1:]]
    orders = [order("c00", 5), *one_by_one()[1:]]
    credited = label(customers, orders, ring(35.0), alive())
    assert credited["direct_value"].sum() == 1100
    assert credited["one_step_value"].sum() <= 1100
    newcomer = label([joined("c00", 50), *CROWD[1:]], [order("c00", 45), *one_by_one()[1:]], ring(), alive())
    assert "c00" not in newcomer.index


def test_orders_and_contacts_of_strangers_are_left_out(label):
    plain = label(CROWD, one_by_one(), ring(), alive())
    orders = [*one_by_one(), order("stranger", 45)]
    contacts = [
        *ring(),
        contact("stranger", "c03", 44),
        contact("c03", "stranger", 99),
        referral("c01", "stranger"),
    ]
    credited = label(CROWD, orders, contacts, [*alive(), activity("c03", 99)])
    columns = ["direct_value", "referral_value"]
    pd.testing.assert_frame_equal(credited[columns], plain[columns])
    assert "stranger" not in credited.index


def test_a_referral_of_somebody_who_joins_after_the_window_is_nobody_elses(label):
    customers = [*CROWD, joined("late", 105)]
    plain = label(CROWD, one_by_one(), ring(), alive())
    credited = label(customers, one_by_one(), [*ring(), referral("c01", "late", 105)], alive())
    pd.testing.assert_frame_equal(credited, plain)


def test_attributes_that_say_nothing_change_nothing(label):
    def with_attributes(**attributes):
        customers = [
            joined(name) | {key: value(place) for key, value in attributes.items()}
            for place, name in enumerate(CROWD)
        ]
        return label(customers, one_by_one(), ring(), alive())

    plain = with_attributes()
    credited = with_attributes(same=lambda _: "x", none=lambda _: None, number=lambda _: 1.0)
    pd.testing.assert_frame_equal(credited, plain, rtol=1e-6)


def test_a_name_is_no_attribute():
    rows = contagion(60, 60)
    named = [row | {"name": row["customer_id"]} for row in rows[0]]
    plain, credited = (
        network_value(tables(customers, *rows[1:]), *WINDOW, credit_settings(lookback_days=15)).to_pandas()
        for customers in (rows[0], named)
    )
    assert plain["influence_value"].sum() > 100
    pd.testing.assert_frame_equal(credited, plain)
