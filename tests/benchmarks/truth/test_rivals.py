"""Attributions to those who touched an adoption, and PageRank, worked out by hand."""

from __future__ import annotations

from datetime import datetime, timedelta

import ibis
import pandas as pd
import pytest

from benchmarks.truth import rivals
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution import decayed_credit
from ripple.training.examples.examples import frame

START = datetime(2025, 1, 1)
END = START + timedelta(days=180)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


@pytest.fixture(scope="module")
def tables() -> Tables:
    """Two touched d's purchase; others met d too late, bought it too early or too late, or never."""
    bought = {"first": -20, "last": -5, "late": -4, "long_ago": -150, "d": 10, "after": 20, "referred": 30}
    contacts = [
        ("first", "d", 1),
        ("first", "d", 2),
        ("last", "d", 3),
        ("late", "d", 11),
        ("long_ago", "d", 1),
    ]
    contacts += [("after", "d", 1), ("idle", "d", 1), ("last", "referred", 29), ("last", "after", 21)]
    customers = pd.DataFrame({"customer_id": [*bought, "idle"], "joined_at": day(-300)})
    customers.loc[customers["customer_id"] == "referred", "joined_at"] = day(-10)
    orders = pd.DataFrame(
        {"customer_id": list(bought), "ordered_at": list(map(day, bought.values())), "product": "p"}
    ).assign(revenue=100.0)
    interactions = pd.DataFrame(contacts, columns=["source_id", "target_id", "occurred_at"])
    interactions = interactions.assign(
        occurred_at=interactions["occurred_at"].map(day), kind="mention", weight=1.0
    )
    interactions.loc[len(interactions)] = ["idle", "referred", day(-10), "referral", 1.0]
    by_name = {"customers": customers, "orders": orders, "interactions": interactions}
    return Tables({name: ibis.memtable(table) for name, table in by_name.items()})


def test_equal_split_and_last_touch_by_hand(tables: Tables) -> None:
    attributions = rivals.touch_attributions(tables, START, END, Settings())
    assert attributions["equal split"].to_dict() == {"first": 50.0, "last": 50.0}
    assert attributions["last touch"].to_dict() == {"last": 100.0}


def test_attributions_to_touches_add_up_to_what_time_decay_shares(tables: Tables) -> None:
    contacts = tables["interactions"].filter(tables["interactions"].kind != "referral")
    unreferred = Tables(tables.tables | {"interactions": contacts})
    decayed = frame(decayed_credit(unreferred, START, END, Settings()))["influence_value"]
    for influence in rivals.touch_attributions(unreferred, START, END, Settings()).values():
        assert influence.sum() == pytest.approx(decayed.sum()) == pytest.approx(200.0)


def test_page_rank_flows_to_the_source() -> None:
    pair = pd.DataFrame({"source_id": ["a"], "target_id": ["b"], "weight": [2.0]})
    # b = (1 − .85·b)/2, for what a holds goes to everybody
    assert rivals.page_rank(pair).to_dict() == pytest.approx({"a": 1 - 1 / 2.85, "b": 1 / 2.85})
    votes = [("a", "c", 3.0), ("b", "c", 1.0), ("a", "c", 3.0)]
    split = rivals.page_rank(pd.DataFrame(votes, columns=["source_id", "target_id", "weight"]))
    assert split.sum() == pytest.approx(1.0)
    assert (split["a"] - split["c"]) / (split["b"] - split["c"]) == pytest.approx(6.0)
