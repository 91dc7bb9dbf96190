"""A proposal reads a company's own tables as the contract's, and says what it cannot know."""

from __future__ import annotations

import tomllib
from importlib import import_module

import pandas as pd
import pytest

from examples.recipes import make
from examples.recipes.world import World
from ripple.features.dataset import open_dataset
from ripple.features.profiling.propose import propose
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.sources import find
from ripple.features.validation import checks
from ripple.settings import Settings, load
from tests.support.oracles import feature_frames, mapped_company
from tests.support.oracles.dataset_sources import write_sqlite
from tests.support.proposals import DAYS, PEOPLE, company, opened, proposed, required_rows, right_tables

EXPORTS = (
    *("mixpanel", "woocommerce", "chargebee", "mattermost"),
    *("snowplow", "zendesk", "django_app"),
    *("posthog", "gumroad"),
)
"""Exports that were written after the proposal, and measured before it was changed for them.

By line, 5 of 14 tables, 5 of 12 and 2 of 7 were right at first.
"""
NOT_TOLD = {
    "ga4.interactions": "who shared a link stands in the address of a page, in a list of names and values",
    "discourse.interactions": "like is type 2, and a reply names the number of a post in its topic",
    "github.usage": "whether issues and reviews are use of the product, and comments are not",
}
"""What recipes map by knowledge that neither names nor values hold: each is asked for instead."""
MIN_RIGHT = 0.9


def test_nine_tables_of_ten_of_the_recipes_are_right_without_an_edit():
    right, asked = {}, {}
    for name in make.RECIPES:
        folder = make.HERE / name
        settings, text = proposed(folder)
        found = right_tables(folder, settings, load(folder))
        right |= {f"{name}.{table}": is_right for table, is_right in found.items()}
        asked |= {f"{name}.{table}": f"# ? {table}: " in text for table in found}
    wrong = {key for key, is_right in right.items() if not is_right}
    assert wrong <= set(NOT_TOLD)
    assert len(right) == 36
    assert sum(right.values()) >= MIN_RIGHT * len(right)
    assert all(asked[key] for key in NOT_TOLD)


@pytest.mark.parametrize("name", EXPORTS)
def test_tables_of_further_exports_are_right_without_an_edit(tmp_path, name):
    export = import_module(f"tests.support.exports.{name}")
    export.write(World(seed=3, size=120), tmp_path)
    expected = Settings(**tomllib.loads(export.SETTINGS))
    right = right_tables(tmp_path, proposed(tmp_path)[0], expected)
    assert right == dict.fromkeys(expected.tables.keys() & set(CONTRACT), True)


def test_ids_are_made_alike_where_they_are_not(tmp_path):
    plain = required_rows(opened(feature_frames.write(company(), tmp_path / "plain")), "usage")
    frames = company()
    frames["events"]["user_id"] = [
        f" {user.upper()}" if place % 3 else user for place, user in enumerate(frames["events"].user_id)
    ]
    settings, _ = proposed(feature_frames.write(frames, tmp_path / "data"))
    assert (settings.ids.trim, settings.ids.case) == (True, "lower")
    assert required_rows(open_dataset(tmp_path / "data", settings), "usage") == plain


def test_ids_that_are_alike_stay_as_they_are(tmp_path):
    settings, _ = proposed(feature_frames.write(company(), tmp_path / "data"))
    assert (settings.ids.trim, settings.ids.case) == (False, None)


def test_local_times_are_of_the_zone_that_a_column_has(tmp_path):
    frames = company()
    frames["events"] = frames["events"].assign(
        timestamp=[f"{moment:%Y-%m-%d %H:%M:%S}" for moment in frames["events"].timestamp],
        timezone="Asia/Tokyo",
    )
    plain = required_rows(opened(feature_frames.write(company(), tmp_path / "plain")), "usage")
    rows = required_rows(opened(feature_frames.write(frames, tmp_path / "data")), "usage")
    assert rows == sorted((who, at - pd.Timedelta(hours=9), feature) for who, at, feature in plain)


def test_times_with_a_zone_of_their_own_need_none(tmp_path):
    frames = company()
    frames["events"] = frames["events"].assign(
        timestamp=[f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in frames["events"].timestamp],
        timezone="Asia/Tokyo",
    )
    plain = required_rows(opened(feature_frames.write(company(), tmp_path / "plain")), "usage")
    assert required_rows(opened(feature_frames.write(frames, tmp_path / "data")), "usage") == plain


def test_lists_are_asked_for_where_no_sql_is_proposed_for_them(tmp_path):
    frames = company()
    frames["invoices"]["taxes"] = '[{"rate": 25}, {"rate": 15}]'
    _, text = proposed(str(write_sqlite(frames, tmp_path / "data.sqlite")))
    assert "# ? invoices: taxes is a list" in text


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
    for table in ("customers", "orders", "interactions"):
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


def test_flags_of_customers_are_asked_about_and_leave_nobody_out(tmp_path):
    frames = company()
    accounts = frames["accounts"]
    frames["accounts"] = accounts.assign(is_test=[n < 3 for n in range(len(accounts))])
    settings, text = proposed(feature_frames.write(frames, tmp_path / "data"))
    assert '# ? customers: should some be left out? where = "is_test = false"' in text
    (customers,) = settings.tables["customers"]
    assert customers.where is None
