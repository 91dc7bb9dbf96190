"""PostHog: its batch export of events and persons as CSV, properties as JSON. Customers are persons."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from examples.recipes.files import Row, as_json, uuid, write_csv
from examples.recipes.world import PRODUCTS, User, World

SETTINGS = """
[tables.customers]
from = "persons"
columns = { customer_id = "id", joined_at = "created_at" }

[tables.orders]
from = "events"
where = "event = 'subscription purchased'"
[tables.orders.columns]
customer_id = "person_id"
ordered_at = "timestamp"
product = "properties ->> '$.plan'"
revenue = "properties ->> '$.price_usd'"

[tables.usage]
from = "events"
where = "event NOT IN ('subscription purchased', 'teammate invited', '$pageview', '$autocapture')"
columns = { customer_id = "person_id", occurred_at = "timestamp", feature = "event" }

[tables.interactions]
sql = '''
    SELECT person_id AS source_id, properties ->> '$.invited_person_id' AS target_id,
           timestamp AS occurred_at
    FROM events WHERE event = 'teammate invited' '''
[tables.interactions.columns]
kind = { value = "invite" }
"""


def write(world: World, folder: Path) -> None:
    """Write the export to *folder*."""
    rows: list[Row] = []

    def add(name: str, user: User, at: datetime, properties: Row) -> None:
        shared = {"$lib": "web", "$current_url": f"https://app.example/{len(rows) % 9}"}
        rows.append(
            {
                "uuid": uuid("posthog", len(rows)),
                "event": name,
                "distinct_id": f"{user.number}@app",
                "person_id": _person(user),
                "properties": as_json(shared | dict(properties)),
                "timestamp": f"{at:%Y-%m-%d %H:%M:%S}.000000+00:00",
                "created_at": f"{at + timedelta(seconds=9):%Y-%m-%d %H:%M:%S}.000000+00:00",
            }
        )

    for number, (user, at, feature) in enumerate(world.events):
        add(("$pageview", "$autocapture")[number % 2], user, at - timedelta(minutes=1), {})
        add(feature, user, at, {})
    for contact in world.contacts[::2]:
        add("teammate invited", contact.source, contact.at, {"invited_person_id": _person(contact.target)})
    for purchase in world.purchases:
        for product, quantity in purchase.items.items():
            properties = {"plan": product, "price_usd": PRODUCTS[product] * quantity / 100}
            add("subscription purchased", world.admins[purchase.company], purchase.at, properties)
    write_csv(folder / "events.csv", rows)
    write_csv(
        folder / "persons.csv",
        [
            {
                "id": _person(user),
                "created_at": f"{user.since:%Y-%m-%d %H:%M:%S}+00:00",
                "properties": as_json({"email": user.email, "$initial_os": "Linux"}),
                "is_identified": True,
            }
            for user in world.users
        ],
    )


def _person(user: User) -> str:
    return uuid("person", user.number)
