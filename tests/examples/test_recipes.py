"""Recipes: the exports of well-known products, mapped, are the tables that plain pandas makes of them."""

from __future__ import annotations

import gzip
import json
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from examples.recipes import make
from ripple.cli import app
from tests.support.oracles.feature_frames import features_at
from tests.support.recipe_tables import (
    ORDERS,
    TIES,
    USAGE,
    Rows,
    as_of,
    between_customers,
    checked,
    field,
    file,
    mapped,
    ordered,
    tuples,
)

AS_OF = datetime(2024, 12, 1)
MAX_BYTES = 300_000
KINDS = {
    "stripe": {"referral"},
    "shopify": {"referral"},
    "salesforce": {"referral", "partner"},
    "rewardful": {"referral"},
    "segment": {"share"},
    "amplitude": {"referral", "template"},
    "ga4": {"referral", "share"},
    "discourse": {"referral", "post", "answer", "share"},
    "github": {"referral", "review", "answer"},
    "workspace": {"referral", "invite", "share"},
}


def test_check_says_what_is_left_out(monkeypatch):
    monkeypatch.chdir(make.HERE)
    result = CliRunner().invoke(app, ["check", "workspace"])
    assert result.exit_code == 0
    internal = checked("workspace")[0].internal
    assert internal is not None
    assert f"left out: {internal.count().execute():,} interactions of two users" in result.output


@pytest.mark.parametrize("name", make.RECIPES)
def test_a_recipe_keeps_the_contract_and_its_features_compute(name):
    dataset, report = checked(name)
    assert report.findings == []
    assert min(report.rows.values()) > 0
    assert {"customers", "orders", "interactions"} <= set(report.rows)
    matrix = features_at(dataset, AS_OF)
    customers = dataset.tables["customers"].to_pandas()
    assert sorted(matrix.index) == sorted(customers[customers.joined_at < AS_OF].customer_id)
    assert len(matrix) > 150
    assert (matrix.revenue_90d > 0).sum() > 30
    if "usage" in report.rows:
        assert (matrix.active_days_90d > 0).sum() > 30
    assert {kind for *_, kind in mapped(name, "interactions", TIES)} == KINDS[name]
    for kind in KINDS[name]:
        reach = "referrals" if kind == "referral" else f"{dataset.settings.powers[kind]}_reach"
        assert (matrix[reach] > 0).sum() > 10


def test_the_files_are_what_the_script_writes(tmp_path, capsys):
    make.main([], tmp_path)
    for name in make.RECIPES:
        written = {path.relative_to(tmp_path / name): path for path in (tmp_path / name).rglob("*.*")}
        folder = make.HERE / name
        there = {path.relative_to(folder) for path in folder.rglob("*.*")}
        assert there == {*written, Path("ripple.toml")}
        assert sum((folder / path).stat().st_size for path in there) < MAX_BYTES
        for relative, path in written.items():
            if path.suffix == ".gz":
                assert gzip.decompress(path.read_bytes()) == gzip.decompress((folder / relative).read_bytes())
            elif path.suffix == ".csv":
                assert path.read_bytes() == (folder / relative).read_bytes()
            else:
                assert pq.read_table(path).equals(pq.read_table(folder / relative))


def test_stripe_amounts_are_in_minor_units_and_refunds_negative_at_the_rate_of_the_payment():
    invoices, lines = file("stripe", "invoices"), file("stripe", "invoice_line_items")
    lines["product"] = field(lines.price, "product")
    paid = lines.merge(invoices[invoices.status == "paid"], left_on="invoice_id", right_on="id")
    is_late = pd.to_datetime(paid.created, unit="s") >= "2024-07-19"
    late = paid.currency_x.map({"usd": 1 / 100, "eur": 1.12 / 100, "jpy": 0.007})
    paid["rate"] = late.where(
        is_late, paid.currency_x.map({"usd": 1 / 100, "eur": 1.08 / 100, "jpy": 0.0067})
    )
    refunds = file("stripe", "refunds").query("status == 'succeeded'")
    refunds = refunds.merge(paid, on="charge", suffixes=("_refund", ""))
    share = refunds.amount_refund * refunds.amount / refunds.total
    expected = pd.concat(
        [
            paid.assign(at=paid.created, revenue=paid.amount * paid.rate),
            refunds.assign(at=refunds.created_refund, revenue=-share * refunds.rate),
        ]
    ).rename(columns={"customer": "customer_id"})
    expected["ordered_at"] = pd.to_datetime(expected["at"], unit="s")
    assert (expected.revenue < 0).sum() > 20
    assert mapped("stripe", "orders", ORDERS) == tuples(expected, ORDERS)


def stripe_referrals(customers: pd.DataFrame) -> Rows:
    referrer = field(customers.metadata, "referred_by")
    ties = customers.assign(
        source_id=referrer,
        target_id=customers.id,
        occurred_at=pd.to_datetime(customers.created, unit="s"),
        kind="referral",
    )[referrer.notnull()]
    assert len(ties) > 30
    return tuples(ties, TIES)


def test_stripe_metadata_refers():
    assert mapped("stripe", "interactions", TIES) == stripe_referrals(file("stripe", "customers"))


def test_shopify_leaves_out_guests_and_tests_and_subtracts_discounts_and_refunds():
    orders = file("shopify", "order")
    orders = orders[orders.customer_id.notnull() & ~orders.test]
    orders["customer_id"] = orders.customer_id.astype("int64").astype(str)
    lines = file("shopify", "order_line").merge(orders, left_on="order_id", right_on="id")
    lines["product"] = lines.product_id.astype(str)
    sold = lines.assign(
        ordered_at=pd.to_datetime(lines.processed_at),
        revenue=lines.price * lines.quantity - lines.total_discount,
    )
    back = file("shopify", "order_line_refund").merge(
        file("shopify", "refund"), left_on="refund_id", right_on="id"
    )
    back = back.merge(lines, left_on="order_line_id", right_on="id_x", suffixes=("_refund", ""))
    back = back.assign(ordered_at=pd.to_datetime(back.processed_at_refund), revenue=-back.subtotal)
    expected = pd.concat([sold[ORDERS], back[ORDERS]])
    assert len(back) > 10
    assert mapped("shopify", "orders", ORDERS) == tuples(expected, ORDERS)

    codes = file("shopify", "metafield").set_index("value").owner_id.astype(str)
    used = file("shopify", "order_discount_code").merge(orders, left_on="order_id", right_on="id")
    ties = used.assign(
        source_id=used.code.map(codes),
        target_id=used.customer_id,
        occurred_at=pd.to_datetime(used.processed_at),
        kind="referral",
    )
    own = ties.source_id == ties.target_id
    assert own.sum() > 0
    assert mapped("shopify", "interactions", TIES) == tuples(ties[~own], TIES)


def test_salesforce_counts_deals_won_at_the_rate_of_their_day_and_partners_influence():
    deals = file("salesforce", "Opportunity")
    deals = deals[(deals.IsWon == 1) & (deals.IsDeleted == 0)]
    lines = file("salesforce", "OpportunityLineItem").merge(deals, left_on="OpportunityId", right_on="Id")
    late = lines.CloseDate >= "2024-07-01"
    rate = lines.CurrencyIsoCode_x.map({"USD": 1.0, "EUR": 0.92, "JPY": 150.0})
    rate = rate.where(~late, lines.CurrencyIsoCode_x.map({"USD": 1.0, "EUR": 0.9, "JPY": 160.0}))
    expected = lines.assign(
        customer_id=lines.AccountId,
        ordered_at=pd.to_datetime(lines.CloseDate),
        product=lines.ProductCode,
        revenue=lines.TotalPrice / rate,
    )
    assert mapped("salesforce", "orders", ORDERS) == tuples(expected, ORDERS)

    accounts, contacts = file("salesforce", "Account"), file("salesforce", "Contact").set_index("Id")
    referred = accounts[accounts.Referred_By__c.notnull()]
    referrals = referred.assign(
        source_id=referred.Referred_By__c.map(contacts.AccountId),
        target_id=referred.Id,
        occurred_at=pd.to_datetime(referred.CreatedDate),
        kind="referral",
    )
    every = file("salesforce", "Opportunity").query("IsDeleted == 0").set_index("Id").AccountId
    partners = file("salesforce", "OpportunityPartner")
    partners = partners.assign(
        source_id=partners.AccountToId,
        target_id=partners.OpportunityId.map(every),
        occurred_at=pd.to_datetime(partners.CreatedDate),
        kind="partner",
    ).dropna(subset="target_id")
    assert len(partners) > 30
    assert mapped("salesforce", "interactions", TIES) == ordered(
        tuples(referrals, TIES) + tuples(partners, TIES)
    )


def test_rewardful_affiliates_refer_who_converts():
    referrals, affiliates = file("rewardful", "referrals"), file("rewardful", "affiliates").set_index("id")
    won = referrals[referrals.conversion_state == "conversion"]
    expected = won.assign(
        source_id=field(won.affiliate, "id").map(affiliates.stripe_customer_id),
        target_id=field(won.customer, "id"),
        occurred_at=pd.to_datetime(won.became_lead_at),
        kind="referral",
    )
    assert expected.source_id.isnull().any()
    assert mapped("rewardful", "interactions", TIES) == tuples(expected.dropna(subset="source_id"), TIES)


def segment_members() -> pd.DataFrame:
    columns = {"user_id": "person", "group_id": "customer", "timestamp": "since"}
    return file("segment", "groups").rename(columns=columns)


def test_segment_users_count_for_the_group_of_that_time_also_before_they_log_in():
    tracks, known = file("segment", "tracks"), file("segment", "identifies")
    person = tracks.user_id.fillna(tracks.anonymous_id.map(known.set_index("anonymous_id").user_id))
    usage = tracks.assign(person=person, occurred_at=tracks.timestamp, feature=tracks.event)
    usage = usage[person.notnull()]
    assert len(usage) < len(tracks)
    usage["customer_id"] = as_of(usage.person, usage.occurred_at, segment_members())
    at_first = usage.person.map(segment_members().drop_duplicates("person").set_index("person").customer)
    assert (usage.customer_id != at_first).sum() > 5
    assert mapped("segment", "usage", USAGE) == tuples(usage, USAGE)
    assert (tracks.received_at - tracks.timestamp).max() == pd.Timedelta(days=1)
    known_at = checked("segment")[0].tables["usage"].to_pandas()
    assert (known_at.known_at - known_at.occurred_at).max() == pd.Timedelta(days=1)


def test_segment_documents_reach_readers_of_other_groups():
    shared, members = file("segment", "document_shared"), segment_members()
    expected = shared.assign(
        source_id=as_of(shared.user_id, shared.timestamp, members),
        target_id=as_of(shared.recipient_user_id, shared.timestamp, members),
        occurred_at=shared.timestamp,
        kind="share",
    )
    other = expected.source_id != expected.target_id
    internal = checked("segment")[0].internal
    assert internal is not None
    assert internal.count().execute() == (~other).sum() > 50
    assert mapped("segment", "interactions", TIES) == tuples(expected[other], TIES)


def amplitude_events() -> pd.DataFrame:
    events = file("amplitude", "events").drop_duplicates("$insert_id")
    return events.assign(
        occurred_at=pd.to_datetime(events.event_time),
        customer_id=field(events.groups, "account").str[0],
        **{name: field(events.event_properties, name) for name in ("$productId", "$price", "$quantity")},
    )


def test_amplitude_counts_an_event_once_and_a_negative_price_as_a_refund():
    events = amplitude_events()
    assert len(events) < len(file("amplitude", "events"))
    revenue = events[events.event_type == "revenue_amount"]
    orders = revenue.assign(
        ordered_at=revenue.occurred_at,
        product=revenue["$productId"],
        revenue=revenue["$price"] * revenue["$quantity"],
    )
    assert (orders.revenue < 0).sum() > 20
    assert mapped("amplitude", "orders", ORDERS) == tuples(orders, ORDERS)


def test_amplitude_authors_of_templates_influence_their_users():
    events = amplitude_events()
    members = events.groupby(["user_id", "customer_id"], as_index=False).occurred_at.min()
    members.columns = pd.Index(["person", "customer", "since"])
    kinds = {"template used": ("author_user_id", "template")}
    kinds["invitation accepted"] = ("inviter_user_id", "referral")
    expected = []
    for event, (source, kind) in kinds.items():
        rows = events[events.event_type == event]
        source_id = as_of(field(rows.event_properties, source), rows.occurred_at, members)
        rows = rows.assign(source_id=source_id, target_id=rows.customer_id, kind=kind)
        expected.append(rows[rows.source_id != rows.target_id])
    assert mapped("amplitude", "interactions", TIES) == tuples(pd.concat(expected), TIES)


def test_ga4_items_are_orders_and_links_name_who_shared_them():
    events = file("ga4", "events")
    events["moment"] = pd.to_datetime(events.event_timestamp, unit="us")
    logged_in = events[events.user_id.notnull()]
    items = logged_in.explode("items")
    items = items[items.event_name.isin(["purchase", "refund"])]
    orders = items.assign(
        customer_id=items.user_id,
        ordered_at=items.moment,
        product=items["items"].str["item_id"],
        revenue=items["items"]
        .str["item_revenue"]
        .where(items.event_name == "purchase", -items["items"].str["item_refund"].astype(float))
        .astype(float),
    )
    assert (orders.revenue < 0).sum() > 20
    assert mapped("ga4", "orders", ORDERS) == tuples(orders, ORDERS)

    people = logged_in.drop_duplicates("user_pseudo_id").set_index("user_pseudo_id").user_id
    views = events[events.event_name == "page_view"]
    location = views.event_params.map(lambda params: params[0]["value"]["string_value"])
    is_first = views.event_timestamp == views.user_first_touch_timestamp
    ties = views.assign(
        source_id=location.str.partition("ref=")[2],
        target_id=views.user_pseudo_id.map(people),
        occurred_at=views.moment,
        kind=is_first.map({True: "referral", False: "share"}),
    )
    ties = ties[(ties.source_id != "") & ties.target_id.notnull() & (ties.source_id != ties.target_id)]
    assert mapped("ga4", "interactions", TIES) == tuples(ties, TIES)


def test_discourse_ties_go_from_who_wrote_to_who_read():
    app = file("discourse", "app_users").set_index("id").stripe_customer_id
    sso = file("discourse", "single_sign_on_records")
    customer = pd.Series(sso.external_id.astype(int).map(app).to_numpy(), index=sso.user_id)
    topics = file("discourse", "topics").set_index("id")
    posts = file("discourse", "posts")
    posts = posts[posts.deleted_at.isnull() & (posts.topic_id.map(topics.archetype) == "regular")]
    author = posts.set_index("id").user_id
    answers = file("discourse", "discourse_solved_topic_answers")

    likes = file("discourse", "post_actions").query("post_action_type_id == 2")
    replies = posts[(posts.post_number > 1) & ~posts.id.isin(answers.answer_post_id)]
    first = posts[posts.post_number == 1].set_index("topic_id").user_id
    accepted = posts[posts.id.isin(answers.answer_post_id)]
    links = file("discourse", "incoming_links")
    ties = [
        (likes.post_id.map(author), likes.user_id, likes.created_at, "post"),
        (replies.topic_id.map(first), replies.user_id, replies.created_at, "post"),
        (accepted.user_id, accepted.topic_id.map(topics.user_id), accepted.created_at, "answer"),
        (links.user_id, links.current_user_id, links.created_at, "share"),
    ]
    referrals = stripe_referrals(file("discourse", "stripe_customers"))
    assert mapped("discourse", "interactions", TIES) == ordered(between_customers(ties, customer) + referrals)


def test_github_ties_go_from_reviewer_to_author_and_from_who_answers_to_who_asks():
    app = file("github", "app_users").set_index("github_user_id").stripe_customer_id
    issues = file("github", "issue").set_index("id")
    pulls = file("github", "pull_request").set_index("id").issue_id
    reviews = file("github", "pull_request_review").dropna(subset="submitted_at")
    comments = file("github", "issue_comment")
    comments = comments[~comments.issue_id.map(issues.pull_request).astype(bool)]
    authors = reviews.pull_request_id.map(pulls).map(issues.user_id)
    ties = [
        (reviews.user_id, authors, reviews.submitted_at, "review"),
        (comments.user_id, comments.issue_id.map(issues.user_id), comments.created_at, "answer"),
    ]
    referrals = stripe_referrals(file("github", "stripe_customers"))
    assert mapped("github", "interactions", TIES) == ordered(between_customers(ties, app) + referrals)


def test_workspace_members_belong_to_their_organization_of_that_time():
    customers = file("workspace", "organizations").set_index("id").stripe_customer_id
    members = file("workspace", "organization_memberships")
    members = members[field(members.role, "slug") != "guest"]
    members = pd.DataFrame(
        {
            "person": members.user_id,
            "customer": members.organization_id.map(customers),
            "since": pd.to_datetime(members.created_at).dt.tz_localize(None),
        }
    )
    events = file("workspace", "audit_log_events")
    moment = pd.to_datetime(events.occurred_at).dt.tz_localize(None)
    actor = field(events.actor, "id")
    usage = events.assign(
        customer_id=as_of(actor, moment, members), occurred_at=moment, feature=events.action
    )
    is_share = events.action == "document.shared"
    assert mapped("workspace", "usage", USAGE) == tuples(usage[~is_share], USAGE)

    shares = usage[is_share]
    readers = shares.targets.map(lambda targets: json.loads(targets)[1]["id"])
    shares = shares.assign(
        source_id=shares.customer_id, target_id=as_of(readers, shares.occurred_at, members), kind="share"
    )
    invited = file("workspace", "invitations").query("state == 'accepted'")
    accepted_at = pd.to_datetime(invited.accepted_at).dt.tz_localize(None)
    invited = invited.assign(
        source_id=as_of(invited.inviter_user_id, accepted_at, members),
        target_id=as_of(invited.accepted_user_id, accepted_at, members),
        occurred_at=accepted_at,
        kind=invited.organization_id.isnull().map({True: "referral", False: "invite"}),
    )
    expected = pd.concat([shares[TIES], invited[TIES]])
    expected = expected[expected.source_id != expected.target_id]
    assert mapped("workspace", "interactions", TIES) == tuples(expected, TIES)
