import math

import pandas as pd
import pytest

from ripple.training.attribution import network_value
from ripple.training.attribution.credited_pairs import COLUMNS, credited_pairs
from ripple.training.attribution.label import attribute_window
from tests.support.event_tables import (
    WINDOW,
    contact,
    contagion,
    credit_settings,
    day,
    joined,
    order,
    referral,
    tables,
)


@pytest.mark.parametrize("seed", range(3))
def test_pairs_add_up_to_the_label(seed):
    dataset = tables(*contagion(seed))
    label = network_value(dataset, *WINDOW, credit_settings()).to_pandas().set_index("customer_id")
    pairs = credited_pairs(dataset, *WINDOW, credit_settings(), list(label.index))
    for referred, column in ((True, "referral_value"), (False, "one_step_value")):
        by_source = pairs[pairs["referred"] == referred].groupby("source_id")["value"].sum()
        assert by_source.sum() > 0
        pd.testing.assert_series_equal(
            by_source.reindex(label.index, fill_value=0.0), label[column], check_names=False, atol=1e-5
        )
    # some orders are free, and nobody is credited with them
    assert (pairs["value"] > 0).all()


def test_a_pair_has_the_probability_of_at_least_one_cause():
    dataset = tables(*contagion(0))
    history, attributions = attribute_window(dataset, *WINDOW, credit_settings())
    ids, adoptions = history.customer_ids.to_pylist(), history.adoptions
    none: dict[tuple[str, str], list[float]] = {}
    for adoption, source, probability in zip(
        attributions.adoption, attributions.source, attributions.probability, strict=True
    ):
        if not adoptions.referred[adoption]:
            pair = ids[source], ids[adoptions.customer[adoption]]
            none.setdefault(pair, []).append(1 - probability)
    pairs = credited_pairs(dataset, *WINDOW, credit_settings(), ids)
    influenced = pairs[~pairs["referred"].astype(bool)]
    assert (
        max(len(none[pair]) for pair in zip(influenced["source_id"], influenced["target_id"], strict=True))
        > 1
    )
    for source, target, probability in influenced[["source_id", "target_id", "probability"]].itertuples(
        index=False
    ):
        assert probability == pytest.approx(1 - math.prod(none[source, target]), rel=1e-6)


def test_pairs_are_those_of_the_given_sources_by_value():
    dataset = tables(*contagion(1))
    everybody = credited_pairs(dataset, *WINDOW, credit_settings(), [f"c{i:02d}" for i in range(30)])
    one = everybody["source_id"].value_counts().index[0]
    pairs = credited_pairs(dataset, *WINDOW, credit_settings(), [one])
    assert set(pairs["source_id"]) == {one}
    assert pairs["value"].is_monotonic_decreasing
    assert pairs["probability"].between(0, 1).all()


def test_a_referred_customer_is_paired_with_what_they_spent():
    customers = [joined("a"), joined("b", 45)]
    dataset = tables(customers, [order("b", 50, revenue=70)], [referral("a", "b", 45), contact("b", "a")])
    pairs = credited_pairs(dataset, *WINDOW, credit_settings(), ["a", "b"])
    assert pairs.to_dict("records") == [
        {
            "source_id": "a",
            "target_id": "b",
            "referred": True,
            "probability": 1.0,
            "value": 70.0,
            "product": "p",
            "adopted_at": day(45),
            "adoptions": 1,
            "contact": "referral",
            "contact_at": day(45),
            "contacts": 1,
        }
    ]


@pytest.mark.parametrize("seed", range(2))
def test_the_evidence_of_a_pair_is_an_order_of_the_target_after_a_contact_of_the_source(seed):
    dataset = tables(*contagion(seed))
    orders, interactions = dataset["orders"].to_pandas(), dataset["interactions"].to_pandas()
    everybody = dataset["customers"].to_pandas()["customer_id"].tolist()
    pairs = credited_pairs(dataset, *WINDOW, credit_settings(), everybody)
    influenced = pairs[~pairs["referred"].astype(bool)]
    assert len(influenced) > 10
    first = orders.groupby(["customer_id", "product"])["ordered_at"].min()
    for row in influenced.to_dict("records"):
        adopted = row["adopted_at"]
        assert abs(first[row["target_id"], row["product"]] - adopted) <= pd.Timedelta(seconds=1)
        assert WINDOW[0] < adopted <= WINDOW[1]
        assert first[row["source_id"], row["product"]] < adopted
        before = interactions[
            (interactions["source_id"] == row["source_id"])
            & (interactions["target_id"] == row["target_id"])
            & (interactions["occurred_at"] <= adopted)
        ].sort_values(["occurred_at", "kind"])
        assert row["contacts"] == len(before) > 0
        assert (row["contact"], row["contact_at"]) == tuple(before.iloc[-1][["kind", "occurred_at"]])


def test_pairs_are_those_of_the_given_targets_too():
    dataset = tables(*contagion(1))
    everybody = credited_pairs(dataset, *WINDOW, credit_settings(), [f"c{i:02d}" for i in range(30)])
    one = everybody["target_id"].value_counts().index[0]
    pairs = credited_pairs(dataset, *WINDOW, credit_settings(), [], [one])
    expected = everybody[everybody["target_id"] == one].reset_index(drop=True)
    pd.testing.assert_frame_equal(pairs, expected)


def test_pairs_go_by_source_then_the_highest_value_then_target():
    customers = [joined("a"), *(joined(name, 45) for name in "bcdef")]
    spent = {"b": 70, "c": 90, "d": 70, "f": 10}
    orders = [order(name, 50, revenue=revenue) for name, revenue in spent.items()]
    referrals = [referral("a", name, 45) for name in "dcb"] + [referral("e", "f", 46)]
    pairs = credited_pairs(tables(customers, orders, referrals), *WINDOW, credit_settings(), ["e", "a"])
    assert list(zip(pairs["source_id"], pairs["target_id"], strict=True)) == [
        *(("a", "c"), ("a", "b"), ("a", "d"), ("e", "f"))
    ]


def test_without_interactions_nobody_influenced_anybody():
    pairs = credited_pairs(tables([joined("a")], [order("a", 50)]), *WINDOW, credit_settings(), ["a"])
    assert pairs.empty
    assert tuple(pairs.columns) == COLUMNS
