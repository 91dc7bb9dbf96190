"""Chargebee: lists of its API as Parquet, lists inside as JSON, amounts in cents, times in seconds.

A custom field of customers (``cf_``) says who referred them.
"""

from __future__ import annotations

from pathlib import Path

from examples.recipes.files import Row, as_json, epoch, token, write_parquet
from examples.recipes.world import PRODUCTS, World

SETTINGS = """
[tables.customers]
from = "customers"
where = "NOT deleted"
columns = { customer_id = "id", joined_at = { column = "created_at", format = "epoch s" } }

[[tables.orders]]
sql = '''
    SELECT customer_id, date AS ordered_at, item ->> '$.entity_id' AS product, item ->> '$.amount' AS revenue
    FROM (SELECT *, unnest(json_extract_string(line_items, '$[*]')) AS item FROM invoices)
    WHERE status NOT IN ('payment_due', 'voided') AND NOT deleted'''
[tables.orders.columns]
ordered_at = { column = "ordered_at", format = "epoch s" }
revenue = { column = "revenue", unit = "cents" }

[[tables.orders]]
sql = '''
    SELECT customer_id, date AS ordered_at, item ->> '$.entity_id' AS product, item ->> '$.amount' AS revenue
    FROM (SELECT *, unnest(json_extract_string(line_items, '$[*]')) AS item FROM credit_notes)'''
[tables.orders.columns]
ordered_at = { column = "ordered_at", format = "epoch s" }
revenue = { column = "revenue", unit = "cents", negative_if = "true" }

[tables.usage]
sql = '''
    SELECT subscription.customer_id, usage.usage_date AS occurred_at, usage.item_price_id AS feature,
           usage.quantity
    FROM usages AS usage
    JOIN subscriptions AS subscription ON subscription.id = usage.subscription_id'''
columns = { occurred_at = { column = "occurred_at", format = "epoch s" } }

[tables.interactions]
from = "customers"
where = "cf_referred_by IS NOT NULL AND NOT deleted"
[tables.interactions.columns]
source_id = "cf_referred_by"
target_id = "id"
occurred_at = { column = "created_at", format = "epoch s" }
kind = { value = "referral" }
"""


def write(world: World, folder: Path) -> None:
    """Write the export to *folder*."""
    customers = [
        {
            "id": _customer(company.number),
            "first_name": world.admins[company.number].name.split()[0],
            "email": world.admins[company.number].email,
            "company": company.name,
            "auto_collection": "on",
            "net_term_days": 0,
            "created_at": epoch(company.joined),
            "updated_at": epoch(company.joined) + 86_400,
            "billing_address": as_json({"country": company.country}),
            "cf_referred_by": None if company.referrer is None else _customer(company.referrer),
            "deleted": False,
        }
        for company in world.companies
    ]
    subscriptions = [
        {
            "id": token("sub", company.number, 12),
            "customer_id": _customer(company.number),
            "status": "active",
            "created_at": epoch(company.joined),
            "current_term_end": epoch(company.joined) + 30 * 86_400,
        }
        for company in world.companies
    ]
    invoices: list[Row] = []
    notes: list[Row] = []
    for purchase in world.purchases:
        number = purchase.number
        status = ("paid", "paid", "paid", "payment_due", "paid", "paid", "voided")[number % 7]
        lines = [
            {
                "id": token("li_", number * 10 + place, 12),
                "date_from": epoch(purchase.at),
                "unit_amount": PRODUCTS[product],
                "quantity": quantity,
                "amount": PRODUCTS[product] * quantity,
                "tax_amount": 0,
                "entity_type": "plan_item_price",
                "entity_id": f"{product}-USD-Monthly",
            }
            for place, (product, quantity) in enumerate(purchase.items.items())
        ]
        total = sum(int(str(line["amount"])) for line in lines)
        invoices.append(
            {
                "id": f"INV-{number:05}",
                "customer_id": _customer(purchase.company),
                "subscription_id": token("sub", purchase.company, 12),
                "status": status,
                "date": epoch(purchase.at),
                "due_date": epoch(purchase.at) + 7 * 86_400,
                "total": total,
                "amount_paid": total if status == "paid" else 0,
                "currency_code": "USD",
                "line_items": as_json(lines),
                "deleted": False,
            }
        )
        if purchase.refunded_at is not None and status == "paid":
            share = purchase.refunded_share
            back = [
                {"entity_id": line["entity_id"], "amount": int(int(str(line["amount"])) * share)}
                for line in lines
            ]
            notes.append(
                {
                    "id": f"CN-{number:05}",
                    "customer_id": _customer(purchase.company),
                    "reference_invoice_id": f"INV-{number:05}",
                    "type": "refundable",
                    "status": "refunded",
                    "date": epoch(purchase.refunded_at),
                    "total": int(total * share),
                    "currency_code": "USD",
                    "line_items": as_json(back),
                }
            )
    usages = [
        {
            "id": token("usage", number, 16),
            "subscription_id": token("sub", user.company, 12),
            "item_price_id": f"{feature.replace(' ', '-')}-USD",
            "usage_date": epoch(at),
            "quantity": 1 + number % 4,
            "source": "api",
        }
        for number, (user, at, feature) in enumerate(world.events)
    ]
    tables = {"customers": customers, "subscriptions": subscriptions, "invoices": invoices}
    tables |= {"credit_notes": notes, "usages": usages}
    for name, rows in tables.items():
        write_parquet(folder / f"{name}.parquet", rows)


def _customer(company: int) -> str:
    return token("", company, 16)
