"""Customers have attributes, users a customer since some time, currencies a rate, features a tier."""

from __future__ import annotations

import pandas as pd
import pytest

from ripple.features.profiling.lookups import (
    base_currency,
    find_catalog,
    find_customers,
    find_members,
    find_rates,
)
from tests.support.oracles import feature_frames
from tests.support.proposals import ACCOUNTS, DAYS, PEOPLE, Looking, company, opened


def test_attributes_are_columns_with_few_values_that_name_nobody(look: Looking) -> None:
    frames = company()
    frames["accounts"] = frames["accounts"].assign(
        name=[f"firm {n}" for n in range(60)],
        email=ACCOUNTS,
        seats=list(range(60)),
        country=["NO", "SE"] * 30,
    )
    _, _, entities = look(frames)
    part = find_customers(entities, None)
    assert part is not None
    assert set(part.columns) == {"customer_id", "joined_at", "industry", "country", "seats"}


def test_users_who_moved_belong_to_their_first_customer_from_the_beginning(tmp_path) -> None:
    frames = company()
    frames["memberships"] = pd.DataFrame(
        {
            "user_id": [*PEOPLE, *PEOPLE[:10]],
            "account_id": [*ACCOUNTS, *ACCOUNTS, *ACCOUNTS[20:30]],
            "created_at": [DAYS[0]] * 120 + [DAYS[30]] * 10,
        }
    )
    frames["users"] = frames["users"][["id"]]
    usage = opened(feature_frames.write(frames, tmp_path / "data")).tables["usage"].to_pandas()
    events = frames["events"]
    moved = events[events.user_id.isin(PEOPLE[:10])]
    first, second = moved[moved.timestamp < DAYS[30]], moved[moved.timestamp >= DAYS[30]]
    counts = usage.groupby("customer_id").size()
    assert len(usage) == len(events)
    for number in range(10):
        stayed = (first.user_id == PEOPLE[number]).sum() + (events.user_id == PEOPLE[number + 60]).sum()
        came = (second.user_id == PEOPLE[number]).sum()
        others = events.user_id.isin([PEOPLE[number + 20], PEOPLE[number + 80]]).sum()
        assert counts.get(ACCOUNTS[number], 0) == stayed
        assert counts.get(ACCOUNTS[number + 20], 0) == came + others


def test_users_have_one_customer_where_each_has_a_row(look: Looking) -> None:
    _, _, entities = look(company())
    part = find_members(entities)
    assert part is not None
    assert set(part.columns) == {"user_id", "customer_id"}


@pytest.mark.parametrize(
    ("rates", "sql"), [([1.0, 1.1, 0.0068], ""), ([1.0, 0.92, 147.0], "1 / CAST({0} AS DOUBLE)")]
)
def test_rates_are_told_from_their_inverse(look: Looking, rates, sql) -> None:
    frame = pd.DataFrame({"iso_code": ["USD", "EUR", "JPY"], "start_date": DAYS[0], "rate": rates})
    (table,), _, _ = look({"exchange_rates": frame})
    assert base_currency(table) == "USD"
    part = find_rates(table, "USD")
    assert part is not None
    assert part.columns["rate"].sql == sql


def test_a_catalog_has_tiers(look: Looking) -> None:
    frame = pd.DataFrame({"name": ["export", "edit", "view"], "is_advanced": [True, False, False]})
    (table,), _, _ = look({"features": frame})
    part = find_catalog(table)
    assert part is not None
    assert part.columns["tier"].sql == "CASE WHEN {0} = true THEN 'advanced' ELSE 'core' END"


@pytest.mark.parametrize("wide", [True, False])
def test_attributes_that_change_are_a_table(tmp_path, wide) -> None:
    frames = company()
    sizes, plans = (["small", "large"] * 60), (["free", "free", "pro"] * 40)
    since = [DAYS[0]] * 60 + [DAYS[30]] * 60
    frames["account_traits"] = pd.DataFrame(
        {"account_id": ACCOUNTS * 2, "size_band": sizes, "plan_tier": plans, "valid_from": since}
    )
    expected = frames["account_traits"].melt(["account_id", "valid_from"])
    if not wide:
        frames["account_traits"] = expected.rename(columns={"variable": "trait"})
    dataset = opened(feature_frames.write(frames, tmp_path / "data"))
    for moment in (DAYS[10], DAYS[40]):
        held = expected[expected.valid_from < moment].groupby(["account_id", "variable"]).value.last()
        found = dataset.attributes_before(moment.to_pydatetime()).to_pandas().set_index("customer_id")
        for name in ("size_band", "plan_tier"):
            assert found[name].dropna().to_dict() == held.xs(name, level="variable").to_dict()


def test_guests_belong_to_a_customer_of_their_own(look: Looking) -> None:
    frames = company()
    frames["memberships"] = pd.DataFrame(
        {
            "user_id": [*PEOPLE, *PEOPLE[:10]],
            "account_id": [*ACCOUNTS, *ACCOUNTS, *ACCOUNTS[20:30]],
            "role": ["member"] * 120 + ["guest"] * 10,
        }
    )
    frames["users"] = frames["users"][["id"]]
    _, _, entities = look(frames)
    part = find_members(entities)
    assert part is not None
    assert [condition.sql for condition in part.where] == ["({0} IS NULL OR {0} <> 'guest')"]
