"""A table of all events is split by what the events are: purchases, refunds, two people, use, arrivals."""

from __future__ import annotations

import pandas as pd
import pytest

from ripple.features.profiling.splits import event_field, views_of
from tests.support.oracles import feature_frames
from tests.support.proposals import ACCOUNTS, DAYS, PEOPLE, Looking, opened, proposed, required_rows

NAMES = ("open board", "export", "plan purchased", "purchase refunded", "signed up", "document shared")


def events(rows: int = 360) -> pd.DataFrame:
    """Events of all kinds, each with the columns that go with its kind."""
    frame = pd.DataFrame(
        {
            "event_id": [f"event-{number:06d}" for number in range(rows)],
            "user_id": [PEOPLE[number % 120] for number in range(rows)],
            "account_id": [ACCOUNTS[number % 60] for number in range(rows)],
            "event_name": [NAMES[number // 7 % 6] for number in range(rows)],
            "timestamp": [DAYS[number % 60] + pd.Timedelta(minutes=number) for number in range(rows)],
        }
    )
    paid = frame.event_name.isin(["plan purchased", "purchase refunded"])
    shared = frame.event_name == "document shared"
    return frame.assign(
        product=pd.Series([f"plan {number % 3}" for number in range(rows)]).where(paid),
        amount=pd.Series([19.5 + number % 5 for number in range(rows)]).where(paid),
        recipient_user_id=pd.Series([PEOPLE[(number + 1) % 120] for number in range(rows)]).where(shared),
    )


def accounts() -> pd.DataFrame:
    """The customers."""
    return pd.DataFrame({"id": ACCOUNTS, "created_at": DAYS[0]})


def test_every_event_has_one_role(look: Looking) -> None:
    frame = events()
    tables, links, entities = look({"accounts": accounts(), "events": frame})
    entities, looked_at = views_of(links, entities, "duckdb")
    rows = {
        table.name: set(table.sample.rows.column("event_id").to_pylist())
        for table in looked_at
        if table.source == "events"
    }
    assert set(rows) == {
        "use of events",
        "events plan purchased",
        "events purchase refunded",
        "events document shared",
    }
    assert sum(map(len, rows.values())) == len(set().union(*rows.values()))
    kept = frame[frame.event_name != "signed up"]
    assert set().union(*rows.values()) == set(kept.event_id)
    assert {table.source for table in looked_at} == {table.name for table in tables}


def test_each_role_is_read_as_its_table(tmp_path) -> None:
    frame = events()
    data = feature_frames.write({"accounts": accounts(), "events": frame}, tmp_path / "data")
    dataset = opened(data)
    used = frame[frame.event_name.isin(["open board", "export"])]
    assert required_rows(dataset, "usage") == sorted(
        (row.account_id, row.timestamp.to_pydatetime(), row.event_name) for row in used.itertuples()
    )
    paid = frame[frame.amount.notnull()]
    signs = paid.event_name.map({"plan purchased": 1, "purchase refunded": -1})
    assert required_rows(dataset, "orders") == sorted(
        (row.account_id, row.timestamp.to_pydatetime(), row.product, row.amount * sign)
        for row, sign in zip(paid.itertuples(), signs, strict=True)
    )
    account = dict(zip(frame.user_id, frame.account_id, strict=True))
    shared = frame[frame.event_name == "document shared"]
    assert required_rows(dataset, "interactions") == sorted(
        (row.account_id, account[row.recipient_user_id], row.timestamp.to_pydatetime(), "share")
        for row in shared.itertuples()
    )


def test_customers_are_those_of_the_events_where_no_table_has_them(tmp_path) -> None:
    frame = events().drop(columns="account_id")
    dataset = opened(feature_frames.write({"events": frame}, tmp_path / "data"))
    first = frame.groupby("user_id").timestamp.min()
    assert required_rows(dataset, "customers") == sorted(
        (user, moment.to_pydatetime()) for user, moment in first.items()
    )


def test_rows_that_come_twice_count_once(tmp_path) -> None:
    frame = events()
    twice = pd.concat([frame, frame.iloc[50:60]])
    data = feature_frames.write({"accounts": accounts(), "events": twice}, tmp_path / "data")
    once = feature_frames.write({"accounts": accounts(), "events": frame}, tmp_path / "once")
    for table in ("orders", "usage", "interactions"):
        assert required_rows(opened(data), table) == required_rows(opened(once), table)


@pytest.mark.parametrize("name", ["invoice viewed", "checkout started", "payment failed", "order updated"])
def test_an_event_on_the_way_to_a_purchase_is_none(look: Looking, name) -> None:
    frame = events().replace({"event_name": {"plan purchased": name, "purchase refunded": name}})
    _, links, entities = look({"accounts": accounts(), "events": frame})
    _, looked_at = views_of(links, entities, "duckdb")
    assert {table.view.event for table in looked_at if table.view} == {"", "document shared"}


def test_only_columns_with_a_few_names_are_those_of_events(look: Looking) -> None:
    frame = events().assign(event_name=[f"event {number}" for number in range(360)])
    (_, table), _, _ = look({"accounts": accounts(), "events": frame})
    assert event_field(table) is None


def test_events_of_use_alone_stay_one_table(tmp_path) -> None:
    frame = events().assign(event_name=["look", "edit"] * 180, amount=None, recipient_user_id=None)
    settings, _ = proposed(feature_frames.write({"accounts": accounts(), "events": frame}, tmp_path / "data"))
    (part,) = settings.tables["usage"]
    assert part.from_ == "events"
    assert part.where is None
