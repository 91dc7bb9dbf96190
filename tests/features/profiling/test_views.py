"""Lists in columns become rows, in the way that pandas makes them, and rows that come twice are seen."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ripple.features.profiling.profile import View
from ripple.features.profiling.views import derived, lists, repeats
from tests.support.oracles import feature_frames
from tests.support.proposals import ACCOUNTS, DAYS, Looking, company, opened, required_rows

LINES = st.lists(
    st.lists(st.fixed_dictionaries({"sku": st.sampled_from("abc"), "price": st.integers(1, 99)}), max_size=3),
    min_size=1,
    max_size=8,
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES.filter(any), nested=st.sampled_from(["json", "struct", "object"]))
def test_each_element_of_a_list_is_a_row(look: Looking, lines, nested) -> None:
    values = {
        "json": [json.dumps(one) for one in lines],
        "struct": lines,
        "object": [json.dumps({"data": one, "count": len(one)}) for one in lines],
    }[nested]
    frame = pd.DataFrame({"order_id": [f"o-{number}" for number in range(len(lines))], "items": values})
    (table,), _, _ = look({"orders": frame})
    (view,) = lists(table)
    made = derived("lines", view, {"orders": table})
    assert made is not None
    rows = made.sample.rows.to_pylist()
    found = [(row["order_id"], _text(row["item"])) for row in rows]
    assert sorted(found) == sorted(
        (f"o-{number}", _text(line)) for number, one in enumerate(lines) for line in one
    )
    fields = {one.name: one for one in made.fields}
    assert fields["item.sku"].filled == sum(map(len, lines))


def _text(item: object) -> str:
    return json.dumps(json.loads(item) if isinstance(item, str) else item, sort_keys=True)


def test_names_with_values_are_no_rows(look: Looking) -> None:
    pairs = json.dumps([{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    (table,), _, _ = look({"events": pd.DataFrame({"id": ["x"] * 3, "params": [pairs] * 3})})
    assert list(lists(table)) == []


def test_a_view_without_rows_is_none(look: Looking) -> None:
    (table,), _, _ = look({"events": pd.DataFrame({"kind": ["a", "b"]})})
    assert derived("none", View("events", "kind = 'c'"), {"events": table}) is None


def test_rows_are_known_to_come_twice_only_if_all_of_them_is_the_same(look: Looking) -> None:
    once = pd.DataFrame({"id": [f"event-{n:04d}" for n in range(100)], "x": range(100)})
    again = once.iloc[:3]
    (copied, other, plain), _, _ = look(
        {"a": pd.concat([once, again]), "b": pd.concat([once, again.assign(x=-1)]), "c": once}
    )
    assert [repeats(table) for table in (copied, other, plain)] == [True, False, False]


@pytest.mark.parametrize("store", ["parquet", "csv", "jsonl.gz", "duckdb", "postgresql"], indirect=True)
def test_lines_in_json_are_orders_and_refunds_are_shared_among_them(store) -> None:
    frames = company()
    lines = frames.pop("invoice_lines")
    invoices = frames["invoices"].assign(status="paid")
    texts = [
        json.dumps(
            [
                {"product_id": row.sku, "price": row.amount_cents / 100, "quantity": 2}
                for row in some.itertuples()
            ]
        )
        for _, some in lines.groupby("invoice_id")
    ]
    frames["invoices"] = invoices.assign(lines=texts)
    refunded = invoices.id[:20]
    frames["refunds"] = pd.DataFrame(
        {
            "id": [f"refund-{n:04d}" for n in range(20)],
            "invoice_id": refunded,
            "amount": [10.5] * 20,
            "refunded_at": [DAYS[-1]] * 20,
        }
    )
    dataset = opened(store(frames))
    joined = lines.merge(invoices, left_on="invoice_id", right_on="id")
    joined["worth"] = joined.amount_cents / 50
    joined["share"] = joined.worth / joined.groupby("invoice_id").worth.transform("sum")
    expected = [(row.account, row.paid_at.to_pydatetime(), row.sku, row.worth) for row in joined.itertuples()]
    expected += [
        (row.account, DAYS[-1].to_pydatetime(), row.sku, round(-10.5 * row.share, 4))
        for row in joined[joined.invoice_id.isin(refunded)].itertuples()
    ]
    assert required_rows(dataset, "orders") == sorted(expected)


def test_another_id_of_a_customer_names_them(tmp_path) -> None:
    frames = company()
    emails = {account: f"{account}@shop.example" for account in ACCOUNTS}
    frames["accounts"]["email"] = frames["accounts"].id.map(emails)
    frames["nps_responses"] = frames["nps_responses"].assign(
        email=frames["nps_responses"].account_id.map(emails)
    )[["email", "submitted_at", "nps_score"]]
    plain = required_rows(opened(feature_frames.write(company(), tmp_path / "plain")), "feedback")
    assert required_rows(opened(feature_frames.write(frames, tmp_path / "data")), "feedback") == plain
