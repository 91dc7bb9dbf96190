import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.features.tables.tables import Tables
from ripple.training.attribution import INFLUENCE_METHOD, LABEL_COLUMNS, network_value
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
    shuffled,
    tables,
)

IDS = "abcdef"
START, END = WINDOW
PAIRS = 12
PRODUCT = {"baseline": "product"}


def computed(dataset, window=WINDOW, **credit):
    frame = network_value(dataset, *window, credit_settings(**credit)).to_pandas()
    assert frame["customer_id"].is_monotonic_increasing
    return frame.set_index("customer_id")


def label(orders, interactions, customers=None, usage=None, **credit):
    customers = [joined(customer) for customer in IDS] if customers is None else customers
    return computed(tables(customers, orders, interactions, usage), **(PRODUCT | credit))


def pairs():
    """Customers, orders, contacts, usage: s00 buys and t00, whom s00 had reached, a day later; and so on."""
    numbers = range(PAIRS)
    names = [f"{role}{number:02d}" for role in "st" for number in numbers]
    orders = [order(f"s{number:02d}", 42 + 4 * number) for number in numbers]
    orders += [order(f"t{number:02d}", 43 + 4 * number) for number in numbers]
    contacts = [contact(f"s{number:02d}", f"t{number:02d}") for number in numbers]
    return [joined(name) for name in names], orders, contacts, [activity(name, 99) for name in names]


def of_pairs(orders=None, interactions=None, customers=None, usage=(), **credit):
    """The label of the pairs, with these rows for theirs or, for usage, besides them."""
    their_customers, their_orders, their_contacts, their_usage = pairs()
    return label(
        orders or their_orders,
        their_contacts if interactions is None else interactions,
        customers or their_customers,
        [*their_usage, *usage],
        **credit,
    )


def replaced(rows, name, column, value):
    """*rows*, with another value where the customer (of a contact: the target) is *name*."""
    key = "target_id" if "target_id" in rows[0] else "customer_id"
    return [row | {column: value} if row[key] == name else row for row in rows]


def test_who_moved_others_is_credited_with_what_they_paid():
    credited = of_pairs()
    sources = credited[credited.index.str.startswith("s")]
    # the later, the fewer are left to be compared with
    assert (sources["influence_value"] > 40).all()
    assert (sources["influence_value"][:8] > 60).all()
    assert (sources["influence_value"] <= 100).all()
    assert not credited.drop(sources.index)["influence_value"].any()
    assert sources["influenced_purchases"].tolist() == pytest.approx(
        sources["influenced_customers"].tolist(), abs=1e-5
    )
    pd.testing.assert_series_equal(credited["influence_value"], credited["one_step_value"], check_names=False)
    assert INFLUENCE_METHOD == "incremental credit"


def test_what_those_influenced_cause_in_turn_belongs_to_influence_value_alone():
    customers, orders, contacts, usage = pairs()
    customers += [joined("u00")]
    orders += [order("u00", 44, revenue=1000.0)]
    contacts += [contact("t00", "u00")]
    credited = label(orders, contacts, customers, [*usage, activity("u00", 99)])
    assert credited.loc["t00", "one_step_value"] > 500
    assert credited.loc["s00", "influence_value"] > 300 + credited.loc["s00", "one_step_value"]
    assert credited.loc["s00", "one_step_value"] <= 100
    assert credited.loc["s00", "influenced_customers"] <= 1
    assert credited["one_step_value"].sum() <= 100 * PAIRS + 1000


def test_value_is_what_the_influenced_paid_in_the_window_refunds_subtracted():
    _, orders, _, _ = pairs()
    plain = of_pairs().loc["s03", "influence_value"]

    def with_order(on, revenue):
        return of_pairs([*orders, order("t03", on, "p", revenue)]).loc["s03", "influence_value"]

    # t03 is in sight for another while
    assert with_order(98, 50.0) == pytest.approx(1.5 * plain, rel=0.02)
    assert with_order(98, -40.0) == pytest.approx(0.6 * plain, rel=0.02)
    assert with_order(98, -100.0) == 0
    assert with_order(100.001, 50.0) == pytest.approx(plain)


def test_what_a_referral_explains_is_not_credited_again_as_influence():
    _, _, contacts, _ = pairs()
    credited = of_pairs(interactions=[*contacts, referral("t09", "t03")])
    assert (
        credited.loc["s03", ["influence_value", "influenced_purchases", "influenced_customers"]].tolist()
        == [0] * 3
    )
    assert credited.loc["t09", "referral_value"] == 100
    assert credited.loc["s04", "influence_value"] > 0
    # the referral had run out by then
    credited = of_pairs(interactions=[*contacts, referral("t09", "t03")], referral_days=50)
    assert credited.loc["s03", "influence_value"] > 60
    assert not credited["referral_value"].any()


def test_a_chain_passes_through_who_was_referred():
    customers, orders, contacts, usage = pairs()
    customers += [joined("u00")]
    orders += [order("u00", 44, revenue=1000.0)]
    contacts += [contact("t00", "u00"), referral("t09", "t00")]
    credited = label(orders, contacts, customers, [*usage, activity("u00", 99)])
    assert credited.loc["s00", "one_step_value"] == 0
    assert credited.loc["s00", "influence_value"] > 300


@pytest.mark.parametrize("on", [55, 56])
def test_a_contact_at_the_adoption_or_later_explains_nothing(on):
    _, _, contacts, _ = pairs()
    credited = of_pairs(interactions=replaced(contacts, "t03", "occurred_at", day(on)))
    assert credited.loc["s03", "network_value"] == 0
    assert credited.loc["s04", "network_value"] > 0
    credited = of_pairs(interactions=replaced(contacts, "t03", "occurred_at", day(54.999)))
    assert credited.loc["s03", "network_value"] > 0


def test_contacts_after_the_fact_credit_nobody():
    _, _, contacts, _ = pairs()
    late = [row | {"occurred_at": day(99)} for row in contacts]
    assert not of_pairs(interactions=late)["network_value"].any()


def test_who_bought_at_the_same_moment_or_another_product_or_too_long_ago_moved_nobody():
    _, orders, _, _ = pairs()
    for changed in (
        replaced(orders, "s03", "ordered_at", day(55)),
        replaced(orders, "s03", "product", "q"),
        [*orders, order("s03", 25)],
    ):
        credited = of_pairs(changed, window_days=29)
        assert credited.loc["s03", "network_value"] == 0
        assert credited.loc["s04", "network_value"] > 0


def test_weight_null_is_one_and_so_is_no_weight():
    customers, orders, contacts, usage = pairs()
    plain = of_pairs()
    ones = of_pairs(interactions=[row | {"weight": 1.0} for row in contacts])
    pd.testing.assert_frame_equal(plain, ones, check_exact=True)
    dataset = tables(customers, orders, contacts, usage)
    bare = Tables({**dataset.tables, "interactions": dataset["interactions"].drop("weight")})
    pd.testing.assert_frame_equal(plain, computed(bare, **PRODUCT), check_exact=True)


def test_who_reached_the_adopter_more_has_more_of_the_credit():
    customers, orders, contacts, usage = pairs()
    customers += [joined("rival")]
    orders += [order("rival", 54)]
    usage += [activity("rival", 99)]

    def ratio(*more):
        credited = label(orders, [*contacts, *more], customers, usage, expansion=False)["one_step_value"]
        return credited["rival"] / credited["s03"]

    assert ratio(contact("rival", "t03")) == pytest.approx(1, rel=0.1)
    # half the effect for a quarter of the contact
    assert ratio(contact("rival", "t03", weight=0.25)) == pytest.approx(0.5, rel=0.1)
    assert ratio(*[contact("rival", "t03")] * 4) == pytest.approx(2, rel=0.2)
    assert ratio(contact("rival", "t03", weight=0.0)) == 0


def test_all_kinds_but_referral_count_alike():
    _, _, contacts, _ = pairs()
    kinds = ("follow", "answer", "gossip")
    credited = of_pairs(interactions=[row | {"kind": kinds[i % 3]} for i, row in enumerate(contacts)])
    pd.testing.assert_frame_equal(credited, of_pairs(), check_exact=True)
    only_referrals = of_pairs(interactions=[row | {"kind": "referral"} for row in contacts])
    assert not only_referrals["influence_value"].any()
    assert only_referrals["referral_value"].sum() == 100 * PAIRS


def test_nobody_influences_themselves():
    customers, orders, contacts, _ = pairs()
    with_selves = [*contacts, *(contact(row["customer_id"], row["customer_id"], 9) for row in customers)]
    without = of_pairs(usage=[activity(row["customer_id"], 9) for row in customers])
    pd.testing.assert_frame_equal(of_pairs(interactions=with_selves), without, check_exact=True)
    assert len(orders) == 2 * PAIRS


@pytest.mark.parametrize(("on", "inside"), [(40, False), (40.001, True), (100, True), (100.001, False)])
def test_the_window_leaves_its_start_out_and_holds_its_end(on, inside):
    _, orders, contacts, _ = pairs()
    customers = [*pairs()[0], joined("a"), joined("b"), joined("c"), joined("x"), joined("y")]
    orders += [order("a", 39), order("b", on, "p", 7.0), order("c", on, "q", 9.0)]
    contacts += [contact("a", "b"), referral("a", "c")]
    credited = of_pairs(orders, contacts, customers, [activity(name, 99.5) for name in "abcxy"])
    assert (credited.loc["a", "influence_value"] > 0) == inside
    assert credited.loc["a", "referral_value"] == 9 * inside
    assert credited.loc[["b", "c"], "direct_value"].tolist() == [7 * inside, 9 * inside]


def test_everybody_who_had_joined_has_a_row_and_a_newcomer_takes_a_share_without_one():
    customers, orders, contacts, usage = pairs()
    customers += [joined("newcomer", 45), joined("start", 40), joined("before", 39.999)]
    orders += [order("newcomer", 54)]
    contacts += [contact("newcomer", "t03", 53)]
    credited = label(orders, contacts, shuffled(customers, 1), [*usage, activity("newcomer", 99)])
    assert list(credited.columns) == list(LABEL_COLUMNS)
    assert list(credited.index) == sorted([*(row["customer_id"] for row in pairs()[0]), "before"])
    assert not credited.loc["before"].any()
    assert 0 < credited.loc["s03", "influence_value"] < 0.8 * of_pairs().loc["s03", "influence_value"]


def test_a_referrer_is_credited_with_what_the_referred_customer_spends():
    orders = [order("b", 50, "p", 70.0), order("b", 60, "q", 30.0), order("b", 61, "q", 5.0)]
    credited = label(orders, [referral("a", "b")])
    assert credited.loc["a"].to_dict() == dict.fromkeys(LABEL_COLUMNS, 0.0) | {
        "network_value": 105.0,
        "referral_value": 105.0,
        "influenced_purchases": 3.0,
        "influenced_customers": pytest.approx(1.0),
    }
    assert credited.loc["b", "direct_value"] == 105.0


def test_a_referral_counts_for_referral_days_after_the_join():
    customers = [joined("a"), joined("b", 30.0)]
    orders = [order("b", 80, "p", 1.0), order("b", 80.001, "p", 10.0), order("b", 81, "q", 100.0)]
    credited = label(orders, [referral("a", "b", 30)], customers, referral_days=50)
    assert credited.loc["a", "network_value"] == 1.0


def test_a_refund_of_what_was_bought_before_is_nobodys_doing():
    orders = [order("b", 20), order("b", 50, "p", -100.0), order("b", 55, "q", 30.0)]
    credited = label(orders, [referral("a", "b")])
    assert credited.loc["a", ["referral_value", "influenced_purchases"]].tolist() == [30, 1]
    assert credited.loc["b", "direct_value"] == -70


@pytest.mark.parametrize("seed", [40, 41])
def test_what_lies_after_the_end_changes_nothing(seed):
    rows = contagion(seed)
    rows[2].append(referral("c01", "c02", 101))
    rows[0].append(joined("late", 101, segment="red", seats=3.0, trial=True))
    rows[2].append(referral("c03", "late", 101))
    moments = ("joined_at", "ordered_at", "occurred_at")
    past = [[row for row in table if max(row[key] for key in moments if key in row) <= END] for table in rows]
    assert all(len(a) > len(b) for a, b in zip(rows, past, strict=True))
    whole, of_past = (computed(tables(*given), lookback_days=20) for given in (rows, past))
    assert of_past["influence_value"].sum() > 100
    pd.testing.assert_frame_equal(whole, of_past, check_exact=True)


def test_what_is_not_known_yet_changes_nothing():
    customers, orders, interactions, usage = contagion(42)
    past = (
        [row for row in customers if row["joined_at"] < END],
        [row for row in orders if max(row["ordered_at"], row["known_at"]) < END],
        [row for row in interactions if max(row["occurred_at"], row["known_at"]) < END],
        [row for row in usage if row["occurred_at"] < END],
    )
    blind = computed(tables(customers, orders, interactions, usage).before(END))
    pd.testing.assert_frame_equal(blind, computed(tables(*past)), check_exact=True)
    assert blind["influence_value"].sum() != computed(tables(*contagion(42)))["influence_value"].sum()


@pytest.mark.parametrize("seed", [50, 51])
def test_names_and_the_order_of_rows_do_not_matter(seed):
    rows = contagion(seed)
    plain = computed(tables(*rows), lookback_days=15, controls=4)
    again = computed(tables(*rows), lookback_days=15, controls=4)
    pd.testing.assert_frame_equal(plain, again, check_exact=True)
    columns = ("customer_id", "source_id", "target_id")
    names = shuffled([row["customer_id"] for row in rows[0]], 1)
    other = {name: f"x{place:03d}" for place, name in enumerate(names)}
    renamed = [
        shuffled([row | {key: other[row[key]] for key in columns if key in row} for row in table], 2 + place)
        for place, table in enumerate(rows)
    ]
    credited = computed(tables(*renamed), lookback_days=15, controls=4)
    credited = credited.loc[[other[name] for name in plain.index]].set_axis(plain.index)
    pd.testing.assert_frame_equal(plain, credited, rtol=1e-9, atol=1e-9)
    assert plain["influence_value"].sum() > 100


@settings(max_examples=8, derandomize=True)
@given(
    st.integers(100, 10_000),
    st.integers(6, 16),
    st.sampled_from(["product", "strata", "model", "joined"]),
    st.booleans(),
    st.sampled_from([0, 20, 180]),
)
def test_one_step_no_more_is_credited_than_the_value_of_the_adoptions(
    seed, crowd, baseline, expansion, lookback
):
    rows = contagion(seed, crowd)
    credited = computed(tables(*rows), baseline=baseline, expansion=expansion, lookback_days=lookback)
    paid = {}
    for row in rows[1]:
        if START < row["ordered_at"] <= END:
            key = row["customer_id"], row["product"]
            paid[key] = paid.get(key, 0.0) + row["revenue"]
    customer_value = sum(max(value, 0.0) for value in paid.values())
    assert (credited.drop(columns="direct_value") >= 0).all(axis=None)
    assert credited["one_step_value"].sum() <= customer_value + 1e-4
    assert (credited["one_step_value"] <= credited["influence_value"] + 1e-4).all()
    assert (credited["influenced_customers"] <= credited["influenced_purchases"] + len(rows[0])).all()
    assert credited["network_value"].tolist() == pytest.approx(
        (credited["referral_value"] + credited["influence_value"]).tolist()
    )
