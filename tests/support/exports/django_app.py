"""A database of a product's own, as Django names its tables: an app's name before that of what it holds."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from examples.recipes.files import as_json, write_parquet
from examples.recipes.world import PRODUCTS, World

SETTINGS = """
[tables.customers]
from = "orgs_organization"
columns = { customer_id = "id", joined_at = "created" }

[tables.members]
from = "orgs_membership"
columns = { user_id = "user_id", customer_id = "organization_id" }

[tables.orders]
from = "billing_payment"
where = "succeeded"
[tables.orders.columns]
customer_id = "organization_id"
ordered_at = "created"
product = "product_code"
revenue = { column = "amount_cents", unit = "cents" }

[tables.usage]
from = "analytics_event"
columns = { customer_id = { user = "user_id" }, occurred_at = "created", feature = "name" }

[tables.interactions]
sql = '''
    SELECT document.owner_id AS owner, viewed.viewer_id AS viewer, viewed.viewed_at AS occurred_at
    FROM docs_documentview AS viewed
    JOIN docs_document AS document ON document.id = viewed.document_id
    WHERE document.owner_id <> viewed.viewer_id'''
[tables.interactions.columns]
source_id = { user = "owner" }
target_id = { user = "viewer" }
kind = { value = "share" }
"""


def write(world: World, folder: Path) -> None:
    """Write the export to *folder*."""
    tables = {
        "orgs_organization": [
            {
                "id": company.number + 1,
                "name": company.name,
                "slug": company.domain.split(".")[0],
                "created": company.joined,
                "industry": company.industry,
            }
            for company in world.companies
        ],
        "auth_user": [
            {
                "id": user.number + 1,
                "email": user.email,
                "date_joined": user.since,
                "last_login": user.since + timedelta(days=90),
                "is_staff": False,
            }
            for user in world.users
        ],
        "orgs_membership": [
            {
                "id": place + 1,
                "user_id": user.number + 1,
                "organization_id": user.company + 1,
                "role": ("admin", "member")[user.number % 4 > 0],
                "joined": user.since,
            }
            for place, user in enumerate(world.users)
        ],
        "billing_payment": [
            {
                "id": purchase.number * 3 + place + 1,
                "organization_id": purchase.company + 1,
                "product_code": product,
                "amount_cents": PRODUCTS[product] * quantity,
                "currency": "usd",
                "succeeded": purchase.number % 15 != 14,
                "created": purchase.at,
            }
            for purchase in world.purchases
            for place, (product, quantity) in enumerate(purchase.items.items())
        ],
        "analytics_event": [
            {
                "id": number + 1,
                "user_id": user.number + 1,
                "name": feature,
                "created": at,
                "metadata": as_json({"version": 3}),
            }
            for number, (user, at, feature) in enumerate(world.events)
        ],
        "docs_document": [
            {
                "id": number + 1,
                "owner_id": contact.source.number + 1,
                "title": f"Plan {number}",
                "created": contact.at - timedelta(days=2),
            }
            for number, contact in enumerate(world.contacts)
        ],
        "docs_documentview": [
            {
                "id": number + 1,
                "document_id": number + 1,
                "viewer_id": contact.target.number + 1,
                "viewed_at": contact.at,
            }
            for number, contact in enumerate(world.contacts)
        ],
    }
    for name, rows in tables.items():
        write_parquet(folder / f"{name}.parquet", rows)
