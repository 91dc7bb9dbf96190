"""A proposal reads a company's own tables as the contract's, and says what it cannot know."""

from __future__ import annotations

import pandas as pd

from examples.recipes import make
from ripple.features.dataset import open_dataset
from ripple.features.profiling.propose import propose
from ripple.features.tables.sources import find
from ripple.features.validation import checks
from ripple.settings import load
from tests.support.oracles import feature_frames, mapped_company
from tests.support.proposals import DAYS, PEOPLE, company, opened, proposed, required_rows

NOT_TOLD = {
    "amplitude": "one table of events of all kinds: which are purchases, or sign-ups, no name says",
    "ga4": "the same, with items in lists of structs, and links that name who shared them",
    "segment.orders": "products are a list in one column",
    "segment.usage": "people who are not logged in are found by another table",
    "discourse.interactions": "replies are counted by topic, likes are type 2",
    "github.usage": "which pages of GitHub are use of the product",
    "workspace.usage": "one kind of event is a share, not use",
    "workspace.interactions": "who was shared with is the second of a list; some invitations are referrals",
}
"""What recipes map by knowledge that neither names nor values hold."""
MIN_RIGHT, MIN_RIGHT_OF_ALL = 0.9, 0.55


def test_nine_tables_of_ten_of_the_recipes_are_right_without_an_edit():
    right, told = {}, set()
    for name in make.RECIPES:
        folder = make.HERE / name
        expected = open_dataset(folder, load(folder))
        settings, _ = proposed(folder)
        complete = {"customers", "orders"} <= set(settings.tables)
        proposal = open_dataset(folder, settings) if complete else None
        for table in expected.tables.tables:
            key = f"{name}.{table}"
            right[key] = (
                proposal is not None
                and table in proposal.tables
                and required_rows(proposal, table) == required_rows(expected, table)
            )
            if not {name, key} & set(NOT_TOLD):
                told.add(key)
    assert sum(right[key] for key in told) >= MIN_RIGHT * len(told), {key for key in told if not right[key]}
    assert sum(right.values()) >= MIN_RIGHT_OF_ALL * len(right)


def test_tables_of_every_source_are_found(store):
    data = store(company())
    dataset, report = checks.check(data, proposed(data)[0])
    assert report.violations == []
    assert report.rows == {
        "customers": 60,
        "orders": 216,
        "usage": 300,
        "interactions": 90,
        "feedback": 80,
    }
    assert dataset.attributes == ["industry"]
    frames = company()
    account = dict(zip(frames["users"].id, frames["users"].account_id, strict=True))
    events = frames["events"]
    assert required_rows(dataset, "usage") == sorted(
        (account[user], moment.to_pydatetime(), event)
        for user, event, moment in events.itertuples(index=False)
    )
    lines = frames["invoice_lines"].merge(
        frames["invoices"].query("status == 'paid'"), left_on="invoice_id", right_on="id"
    )
    assert required_rows(dataset, "orders") == sorted(
        (row.account, row.paid_at.to_pydatetime(), row.sku, row.amount_cents / 100)
        for row in lines.itertuples()
    )
    shares = frames["document_shares"]
    assert {
        (account[owner], account[viewer])
        for owner, viewer, _ in shares.itertuples(index=False)
        if account[owner] != account[viewer]
    } == {(source, target) for source, target, _, _ in required_rows(dataset, "interactions")}


def test_tables_of_other_names_and_units_are_found(tmp_path):
    frames = mapped_company.contract()
    data = feature_frames.write(mapped_company.theirs(frames), tmp_path / "data")
    dataset = opened(data)
    expected = open_dataset(data, mapped_company.SETTINGS)
    assert required_rows(dataset, "customers") == required_rows(expected, "customers")
    assert required_rows(dataset, "interactions") == required_rows(expected, "interactions")
    lower = [(who, at, feature.lower()) for who, at, feature in required_rows(dataset, "usage")]
    assert sorted(lower) == required_rows(expected, "usage")
    # their zone and which way round the rates are cannot be known
    bought = [(row[0], row[2], row[3] < 0) for row in required_rows(dataset, "orders")]
    assert sorted(bought) == sorted((row[0], row[2], row[3] < 0) for row in required_rows(expected, "orders"))


def test_the_contract_s_own_names_need_nothing(tmp_path):
    folder = feature_frames.write(feature_frames.random(), tmp_path / "data")
    with find(folder).open() as place:
        proposal = propose(place)
    assert not proposal.is_needed
    assert set(proposal.unchanged) == {table.name for table in proposal.tables}


def test_what_is_not_there_is_asked_for(tmp_path):
    frames = {"notes": pd.DataFrame({"text": ["a b", "c d"]})}
    _, text = proposed(feature_frames.write(frames, tmp_path / "data"))
    for table in ("customers", "orders", "usage, interactions"):
        assert f"# ? {table}:" in text


def test_customers_are_whoever_ordered_where_no_table_has_them(tmp_path):
    orders = pd.DataFrame(
        {
            "customer_email": [f"{person}@example.org" for person in PEOPLE],
            "order_date": [DAYS[number % 60] for number in range(120)],
            "product": ["a", "b"] * 60,
            "total": [number + 0.5 for number in range(120)],
        }
    )
    twice = pd.concat([orders, orders.assign(order_date=DAYS[-1])])
    events = twice[["customer_email", "order_date"]].assign(action="look")
    folder = feature_frames.write({"orders": twice, "events": events}, tmp_path / "data")
    assert len(required_rows(opened(folder), "customers")) == 120
