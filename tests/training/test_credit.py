import itertools
import random
from datetime import datetime, timedelta

import ibis
import pandas as pd
import pyarrow as pa
import pytest

from features.tables import Tables
from settings import Credit, Settings
from tests.training import reference_credit
from training.credit import LABEL_COLUMNS, network_value

IDS = "abcdef"
CROWD = "abcdefghijkl"
REVENUES = (-20.0, 0.0, 12.5, 40.0, 99.99, 250.0)
TIME = pa.timestamp("us")
SCHEMAS = {
    "customers": pa.schema({"customer_id": pa.string(), "joined_at": TIME}),
    "orders": pa.schema(
        {
            "customer_id": pa.string(),
            "ordered_at": TIME,
            "product": pa.string(),
            "revenue": pa.float64(),
            "known_at": TIME,
        }
    ),
    "interactions": pa.schema(
        {
            "source_id": pa.string(),
            "target_id": pa.string(),
            "occurred_at": TIME,
            "kind": pa.string(),
            "weight": pa.float64(),
            "known_at": TIME,
        }
    ),
}


def day(number):
    return datetime(2025, 1, 1) + timedelta(days=number)


START, END = day(40), day(100)


def joined(customer, on=0.0):
    return {"customer_id": customer, "joined_at": day(on)}


def order(customer, on, product="p", revenue=100.0, known=None):
    return {
        "customer_id": customer,
        "ordered_at": day(on),
        "product": product,
        "revenue": revenue,
        "known_at": day(on if known is None else known),
    }


def reach(source, target, on=10.0, kind="follow", weight=None, known=None):
    return {
        "source_id": source,
        "target_id": target,
        "occurred_at": day(on),
        "kind": kind,
        "weight": weight,
        "known_at": day(on if known is None else known),
    }


def referral(source, target, on=0.0):
    return reach(source, target, on, "referral")


def tables(customers, orders, interactions):
    rows = {"customers": customers, "orders": orders, "interactions": interactions}
    return Tables(
        {
            name: ibis.memtable(pa.Table.from_pylist(rows[name], schema))
            for name, schema in SCHEMAS.items()
            if rows[name] is not None
        }
    )


def label(orders, interactions, customers=None, credit=None, start=START, end=END):
    customers = [joined(customer) for customer in IDS] if customers is None else customers
    found = tables(customers, orders, interactions)
    return computed(found, start, end, credit or Credit())


def computed(found, start, end, credit):
    expression = network_value(found, start, end, Settings(credit=credit))
    return expression.to_pyarrow().to_pandas().set_index("customer_id")


def random_dataset(seed):
    """A few customers, times at half days so that many coincide, refunds, late news, odd weights."""
    pick = random.Random(seed)

    def half_day():
        return pick.randint(0, 240) / 2

    def known():
        return half_day() if pick.random() < 0.2 else None

    customers = [joined(customer, half_day() / 3) for customer in CROWD]
    orders = [
        order(pick.choice(CROWD), half_day(), pick.choice("pqr"), pick.choice(REVENUES), known())
        for _ in range(pick.randint(20, 60))
    ]
    interactions = [
        reach(
            pick.choice(CROWD),
            pick.choice(CROWD),
            half_day(),
            pick.choice(["follow", "answer"]),
            pick.choice([None, 0.0, 0.5, 3.0]),
            known(),
        )
        for _ in range(pick.randint(50, 500))
    ]
    referred = pick.sample(CROWD, 5)
    referrals = [referral(source, target) for source, target in itertools.pairwise(referred)]
    credit = Credit(
        window_days=pick.choice([10, 40, 112]),
        half_life_days=pick.choice([5.3, 30.1]),
        referral_days=pick.choice([5, 50, 365]),
    )
    return customers, orders, interactions + referrals, credit


@pytest.mark.parametrize("seed", range(15))
def test_the_label_is_that_of_the_slow_reference(seed):
    *dataset, credit = random_dataset(seed)
    found = computed(tables(*dataset), START, END, credit)
    expected = reference_credit.network_value(*dataset, START, END, credit)
    assert list(found.index) == sorted(expected)
    assert list(found.columns) == list(LABEL_COLUMNS)
    for customer, row in expected.items():
        assert found.loc[customer].to_dict() == pytest.approx(row, rel=1e-9, abs=1e-9), customer


def test_random_datasets_hold_every_case():
    shared, referred, both, refunded = 0, 0, 0, 0
    for seed in range(15):
        *dataset, credit = random_dataset(seed)
        rows = reference_credit.network_value(*dataset, START, END, credit).values()
        shared += any(0.01 < row["influenced_purchases"] % 1 < 0.99 for row in rows)
        referred += any(row["referral_value"] > 0 for row in rows)
        both += any(row["referral_value"] > 0 and row["influence_value"] > 0 for row in rows)
        refunded += any(row["direct_value"] < 0 for row in rows)
    assert min(shared, referred, both, refunded) >= 7


@pytest.mark.parametrize("seed", range(15, 21))
def test_no_more_is_credited_than_adopters_and_referred_customers_paid(seed):
    *dataset, credit = random_dataset(seed)
    found = computed(tables(*dataset), START, END, credit)
    bought = reference_credit.purchases_inside(dataset[1], START, END)
    paid = sum(max(sum(row["revenue"] for row in rows), 0.0) for rows in bought.values())
    assert (found[["network_value", "referral_value", "influence_value"]] >= 0).all(axis=None)
    assert found["network_value"].sum() <= paid + 1e-4


@pytest.mark.parametrize("seed", range(21, 27))
def test_what_is_not_known_yet_changes_nothing(seed):
    *dataset, credit = random_dataset(seed)
    customers, orders, interactions = dataset
    past = (
        [row for row in customers if row["joined_at"] < END],
        [row for row in orders if max(row["ordered_at"], row["known_at"]) < END],
        [row for row in interactions if max(row["occurred_at"], row["known_at"]) < END],
    )
    assert past != (customers, orders, interactions)
    blind = computed(tables(*dataset).before(END), START, END, credit)
    pd.testing.assert_frame_equal(blind, computed(tables(*past), START, END, credit), check_exact=True)


def test_a_referrer_is_credited_with_what_the_referred_customer_spends():
    found = label(
        [order("b", 50, "p", 70.0), order("b", 60, "q", 30.0), order("b", 61, "q", 5.0)],
        [referral("a", "b")],
    )
    assert found.loc["a"].to_dict() == {
        "network_value": 105.0,
        "referral_value": 105.0,
        "influence_value": 0.0,
        "direct_value": 0.0,
        "influenced_purchases": 3.0,
        "influenced_customers": pytest.approx(1.0),
    }
    assert found.loc["b", "direct_value"] == 105.0


def test_a_referral_counts_for_referral_days_after_the_join():
    customers = [joined("a"), joined("b", 30.0)]
    orders = [order("b", 80, "p", 1.0), order("b", 80.001, "p", 10.0), order("b", 81, "q", 100.0)]
    found = label(orders, [referral("a", "b", 30)], customers, Credit(referral_days=50))
    assert found.loc["a", "network_value"] == 1.0


def test_two_who_reached_the_adopter_share_by_weight_and_recency():
    orders = [order("a", 30), order("b", 30), order("c", 50)]
    found = label(orders, [reach("a", "c", 20, weight=3.0), reach("b", "c", 20)])
    assert found.loc["a", "influence_value"] == pytest.approx(75, rel=1e-4)
    assert found.loc["b", "influence_value"] == pytest.approx(25, rel=1e-4)
    assert found["influenced_purchases"].sum() == pytest.approx(1.0, abs=1e-6)

    # one half-life older: half the pull
    found = label(orders, [reach("a", "c", 15), reach("b", "c", 45)], credit=Credit(half_life_days=30))
    assert found.loc["a", "influence_value"] == pytest.approx(100 / 3, rel=1e-4)

    orders = [order("a", 15), order("b", 45), order("c", 50)]
    found = label(orders, [reach("a", "c", 2), reach("b", "c", 2)], credit=Credit(half_life_days=30))
    assert found.loc["b", "influence_value"] == pytest.approx(200 / 3, rel=1e-4)


def test_many_interactions_make_a_stronger_tie():
    orders = [order("a", 30), order("b", 30), order("c", 50)]
    found = label(orders, [reach("a", "c", 20, "answer"), reach("a", "c", 20), reach("b", "c", 20)])
    assert found.loc["a", "influence_value"] == pytest.approx(200 / 3, rel=1e-4)


def test_without_weights_every_interaction_weighs_one():
    orders = [order("a", 30), order("b", 30), order("c", 50)]
    found = tables([joined(customer) for customer in "abc"], orders, [reach("a", "c"), reach("b", "c")])
    bare = Tables({**found.tables, "interactions": found["interactions"].drop("weight")})
    assert list(computed(bare, START, END, Credit())["influence_value"]) == [50.0, 50.0, 0.0]


def test_influence_needs_an_earlier_adoption_of_the_same_product_within_the_window():
    ties = [reach(source, "f") for source in "abcd"]
    orders = [
        order("a", 19.5),  # too long ago
        order("b", 50),  # at the same moment
        order("c", 30, "q"),  # another product
        order("d", 20),  # just in time
        order("e", 30),  # no tie
        order("f", 50),
    ]
    found = label(orders, ties, credit=Credit(window_days=30))
    assert found["influence_value"].to_dict() == dict.fromkeys(IDS, 0.0) | {"d": 100.0}


def test_a_tie_seen_at_the_adoption_or_later_explains_nothing():
    orders = [order("a", 30), order("b", 50)]
    assert label(orders, [reach("a", "b", 50), reach("a", "b", 60)])["network_value"].sum() == 0
    assert label(orders, [reach("a", "b", 49.999)]).loc["a", "network_value"] == 100


def test_only_the_first_purchase_of_a_product_is_influenced_and_brings_what_follows_in_the_window():
    orders = [order("a", 5), order("b", 20), order("b", 50), order("c", 50), order("c", 60), order("c", 101)]
    found = label(orders, [reach("a", "b", 1), reach("a", "c", 1)])
    assert found.loc["a", "influence_value"] == 200
    assert found.loc["a", "influenced_purchases"] == 1
    assert found.loc["a", "influenced_customers"] == pytest.approx(1)


def test_what_a_referral_explains_is_not_credited_again_as_influence():
    customers = [joined("a"), joined("b"), joined("c", 30)]
    orders = [order("b", 20), order("b", 20, "q"), order("c", 50), order("c", 90, "q", 7.0)]
    found = label(orders, [referral("a", "c", 30), reach("b", "c", 35)], customers, Credit(referral_days=30))
    assert found.loc["a", ["referral_value", "influence_value"]].tolist() == [100, 0]
    # the referral had run out by then
    assert found.loc["b", ["referral_value", "influence_value"]].tolist() == [0, 7]

    orders[-1] = order("c", 60, "q", 7.0)  # its last moment
    found = label(orders, [referral("a", "c", 30), reach("b", "c", 35)], customers, Credit(referral_days=30))
    assert found["network_value"].tolist() == [107, 0, 0]


def test_a_refund_is_nobodys_doing():
    orders = [order("b", 20), order("b", 50, "p", -100.0), order("b", 55, "q", 30.0)]
    found = label(orders, [referral("a", "b")])
    assert found.loc["a", ["referral_value", "influenced_purchases"]].tolist() == [30, 1]
    assert found.loc["b", "direct_value"] == -70

    orders = [order("a", 30), order("b", 50), order("b", 60, "p", -40.0)]
    assert label(orders, [reach("a", "b")]).loc["a", "influence_value"] == 60
    orders[-1]["revenue"] = -100.0
    assert label(orders, [reach("a", "b")]).loc["a", "influence_value"] == 0


def test_nobody_influences_themselves():
    orders = [order("a", 30), order("a", 50), order("a", 55, "q")]
    found = label(orders, [reach("a", "a")])
    assert found["network_value"].sum() == 0
    assert found.loc["a", "direct_value"] == 200


@pytest.mark.parametrize(("on", "inside"), [(40, False), (40.001, True), (100, True), (100.001, False)])
def test_the_window_leaves_its_start_out_and_holds_its_end(on, inside):
    orders = [order("a", 30), order("b", on), order("c", on, "q")]
    found = label(orders, [reach("a", "b"), referral("a", "c")])
    assert found.loc["a", "influence_value"] == 100 * inside
    assert found.loc["a", "referral_value"] == 100 * inside
    assert found["direct_value"].sum() == 200 * inside


def test_who_adopted_at_the_start_is_not_influenced_afterwards():
    orders = [order("a", 30), order("b", 40), order("b", 50)]
    assert label(orders, [reach("a", "b")])["network_value"].sum() == 0


def test_everybody_alive_at_the_start_has_a_row_and_nobody_else():
    customers = [joined("b", 39.999), joined("a", 0), joined("c", 40), joined("d", 50)]
    orders = [order("d", 45), order("a", 50), order("b", 50, "q")]
    found = label(orders, [reach("d", "a"), reach("a", "b")], customers)
    assert list(found.index) == ["a", "b"]
    assert list(found["direct_value"]) == [100, 100]
    assert not found[["network_value", "influenced_purchases", "influenced_customers"]].any(axis=None)


def test_who_joined_later_takes_their_share_and_has_no_row():
    customers = [joined("a"), joined("b"), joined("c", 45)]
    orders = [order("a", 44), order("c", 46), order("b", 50)]
    found = label(orders, [reach("a", "b"), reach("c", "b", 47)], customers)
    assert list(found.index) == ["a", "b"]
    assert 0 < found.loc["a", "network_value"] < 50


def test_without_interactions_nobody_is_credited():
    found = label([order("a", 50)], None)
    assert list(found.columns) == list(LABEL_COLUMNS)
    assert found["direct_value"].sum() == 100
    assert not found.drop(columns="direct_value").any(axis=None)


def test_late_news_of_the_window_is_not_seen_from_its_end():
    orders = [order("a", 30), order("b", 50, known=120), order("c", 60)]
    ties = [reach("a", "b"), reach("a", "c", 10, known=130)]
    found = tables([joined(customer) for customer in "abc"], orders, ties)
    assert computed(found, START, END, Credit()).loc["a", "network_value"] == 200
    assert computed(found.before(END), START, END, Credit()).loc["a", "network_value"] == 0
