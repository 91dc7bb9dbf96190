"""Orders are the finest table of payments with a product, and refunds are paid back what was bought."""

from __future__ import annotations

import pandas as pd

from ripple.features.profiling.orders import find_orders
from tests.support.oracles import feature_frames
from tests.support.proposals import DAYS, Looking, company, opened, required_rows


def test_lines_with_products_are_orders_rather_than_their_invoices(look: Looking) -> None:
    frames = company()
    frames["invoices"]["total"] = 100.5
    tables, _, entities = look(frames)
    (orders,), others = find_orders(entities, tables, "duckdb")
    assert orders.table.name == "invoice_lines"
    assert others == []
    assert {column: choice.field.name for column, choice in orders.columns.items() if choice.field} == {
        "customer_id": "account",
        "ordered_at": "paid_at",
        "product": "sku",
        "revenue": "amount_cents",
        "order_id": "id",
    }
    (condition,) = orders.where
    assert condition.sql == "{0} <> 'void'"


def test_other_payments_are_named_but_not_counted_twice(look: Looking) -> None:
    frames = company()
    frames["payments"] = pd.DataFrame(
        {"id": range(50), "account_id": frames["accounts"].id[:50], "paid_at": DAYS[:50], "amount": 9.5}
    )
    tables, _, entities = look(frames)
    parts, others = find_orders(entities, tables, "duckdb")
    assert [part.table.name for part in parts] == ["invoice_lines"]
    assert [table.name for table in others] == ["payments"]


def test_refunds_of_an_invoice_are_shared_among_its_lines(tmp_path) -> None:
    frames = company()
    frames["refunds"] = pd.DataFrame(
        {
            "id": ["re-000001", "re-000002"],
            "invoice_id": ["inv-00001", "inv-00002"],
            "created_at": [DAYS[50], DAYS[51]],
            "amount_cents": [3_000, 2_000],
        }
    )
    rows = required_rows(opened(feature_frames.write(frames, tmp_path / "data")), "orders")
    refunds = [row for row in rows if row[3] < 0]
    lines = frames["invoice_lines"]
    expected = []
    for invoice, total, account, day in (
        ("inv-00001", 30, "acc-0001", 50),
        ("inv-00002", 20, "acc-0002", 51),
    ):
        bought = lines[lines.invoice_id == invoice]
        for line in bought.itertuples():
            share = round(-total * line.amount_cents / bought.amount_cents.sum(), 4)
            expected.append((account, DAYS[day].to_pydatetime(), line.sku, share))
    assert sorted(refunds) == sorted(expected)
