"""Mixpanel: the raw event export and group profiles, an object a line.

Events before the login have a ``distinct_id`` of the device. Customers are the groups ``company_id``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from examples.recipes.files import Row, epoch, iso, uuid, write_json_lines
from examples.recipes.world import PRODUCTS, User, World

SETTINGS = """
[tables.customers]
from = "group_profiles"
columns = { customer_id = '"$group_id"', joined_at = '"$properties"."$created"' }

[tables.members]
sql = '''
    SELECT DISTINCT properties."$user_id" AS user_id, properties.company_id AS customer_id
    FROM events
    WHERE properties."$user_id" IS NOT NULL'''

[[tables.orders]]
sql = '''
    SELECT properties.company_id AS customer_id, properties.time AS ordered_at,
           properties.product AS product, properties.amount AS revenue
    FROM events WHERE event = 'Plan Purchased' '''
columns = { ordered_at = { column = "ordered_at", format = "epoch s" } }

[[tables.orders]]
sql = '''
    SELECT properties.company_id AS customer_id, properties.time AS ordered_at,
           properties.product AS product, properties.amount AS revenue
    FROM events WHERE event = 'Purchase Refunded' '''
[tables.orders.columns]
ordered_at = { column = "ordered_at", format = "epoch s" }
revenue = { column = "revenue", negative_if = "true" }

[tables.usage]
sql = '''
    SELECT coalesce(properties."$user_id", known.who) AS person, properties.time AS occurred_at,
           event AS feature
    FROM events
    LEFT JOIN (
        SELECT properties."$device_id" AS device, min(properties."$user_id") AS who FROM events GROUP BY 1
    ) AS known ON known.device = properties."$device_id"
    WHERE event NOT IN
        ('Plan Purchased', 'Purchase Refunded', 'Sign Up', 'Invite Accepted', 'Comment Mentioned')'''
[tables.usage.columns]
customer_id = { user = "person" }
occurred_at = { column = "occurred_at", format = "epoch s" }

[[tables.interactions]]
sql = '''
    SELECT properties.invited_by AS source, properties."$user_id" AS target,
           properties.time AS occurred_at, 'referral' AS kind
    FROM events WHERE event = 'Invite Accepted' '''
[tables.interactions.columns]
source_id = { user = "source" }
target_id = { user = "target" }
occurred_at = { column = "occurred_at", format = "epoch s" }

[[tables.interactions]]
sql = '''
    SELECT properties."$user_id" AS source, properties.mentioned_user_id AS target,
           properties.time AS occurred_at, 'mention' AS kind
    FROM events WHERE event = 'Comment Mentioned' '''
[tables.interactions.columns]
source_id = { user = "source" }
target_id = { user = "target" }
occurred_at = { column = "occurred_at", format = "epoch s" }
"""


def write(world: World, folder: Path) -> None:
    """Write the export to *folder*."""
    rows: list[Row] = []

    def add(name: str, user: User, at: datetime, properties: Row, *, anonymous: bool = False) -> None:
        device = uuid("device", user.number)
        who = {} if anonymous else {"$user_id": _person(user), "company_id": _company(user.company)}
        properties = {
            "time": epoch(at),
            "distinct_id": f"$device:{device}" if anonymous else _person(user),
            "$insert_id": uuid("insert", len(rows)),
            "$device_id": device,
            "$os": ("Mac OS X", "Windows", "iOS")[user.number % 3],
            "mp_lib": "web",
            "mp_processing_time_ms": (epoch(at) + 3) * 1000,
            **who,
            **properties,
        }
        rows.append({"event": name, "properties": properties})

    for user in world.users:
        add("Sign Up", user, user.since, {"$source": "web"})
    for number, (user, at, feature) in enumerate(world.events):
        add(feature.title(), user, at, {"$browser": "Chrome"}, anonymous=number % 7 == 0)
    for company in world.companies:
        if company.referrer is not None:
            properties = {"invited_by": _person(world.admins[company.referrer])}
            add("Invite Accepted", world.admins[company.number], company.joined, properties)
    for contact in world.contacts:
        add("Comment Mentioned", contact.source, contact.at, {"mentioned_user_id": _person(contact.target)})
    for purchase in world.purchases:
        user = world.admins[purchase.company]
        for product, quantity in purchase.items.items():
            amount = PRODUCTS[product] * quantity / 100
            add("Plan Purchased", user, purchase.at, {"product": product, "amount": amount})
            if purchase.refunded_at is not None:
                back = {"product": product, "amount": round(amount * purchase.refunded_share, 2)}
                add("Purchase Refunded", user, purchase.refunded_at, back)
    rows.sort(key=lambda row: row["properties"]["time"])
    write_json_lines(folder / "events.jsonl.gz", rows)
    profiles = [
        {
            "$group_key": "company_id",
            "$group_id": _company(company.number),
            "$properties": {
                "$name": company.name,
                "$created": iso(company.joined - timedelta(minutes=1)),
                "industry": company.industry,
            },
        }
        for company in world.companies
    ]
    write_json_lines(folder / "group_profiles.jsonl.gz", profiles)


def _person(user: User) -> str:
    return f"{user.number + 1000}-{user.name.split()[0].lower()}"


def _company(number: int) -> str:
    return f"company-{number:04}"
