"""Gumroad: its CSV of sales, with names of columns for people. Customers are known by their email alone."""

from __future__ import annotations

from pathlib import Path

from examples.recipes.files import write_csv
from examples.recipes.world import PRODUCTS, World

SETTINGS = """
[tables.customers]
sql = '''
    SELECT "Purchase Email" AS customer_id, min("Purchase Date") AS joined_at
    FROM Sales GROUP BY 1'''

[tables.orders]
from = "Sales"
where = '"Refunded?" = 0'
[tables.orders.columns]
customer_id = "Purchase Email"
ordered_at = "Purchase Date"
product = "Item Name"
revenue = "Sale Price ($)"

[tables.interactions]
from = "Sales"
where = '"Affiliate Email" IS NOT NULL AND "Affiliate Email" <> "Purchase Email"'
[tables.interactions.columns]
source_id = "Affiliate Email"
target_id = "Purchase Email"
occurred_at = "Purchase Date"
kind = { value = "referral" }
"""


def write(world: World, folder: Path) -> None:
    """Write the export to *folder*."""
    rows = []
    for purchase in world.purchases:
        company = world.companies[purchase.company]
        referrer = company.referrer if purchase.at == company.joined else None
        rows += [
            {
                "Purchase ID": f"{purchase.number * 10 + place:08}==",
                "Item Name": product.title(),
                "Buyer Name": company.name,
                "Purchase Email": _email(company.number),
                "Purchase Date": f"{purchase.at:%Y-%m-%d %H:%M:%S}",
                "Sale Price ($)": f"{PRODUCTS[product] * quantity / 100:.2f}",
                "Fees ($)": f"{PRODUCTS[product] * quantity / 1000:.2f}",
                "Tax Charged?": 0,
                "Country": company.country,
                "Affiliate Email": _email(referrer) if referrer is not None else None,
                "Refunded?": int(purchase.refunded_at is not None),
            }
            for place, (product, quantity) in enumerate([*purchase.items.items()][:1])
        ]
    write_csv(folder / "Sales.csv", rows)


def _email(company: int) -> str:
    return f"maker{company:03}@mail.example"
