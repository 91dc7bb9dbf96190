"""Snowplow: its wide table of events as Parquet, and users of the shop's own. Customers are people."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from examples.recipes.files import Row, uuid, write_csv, write_parquet
from examples.recipes.world import PRODUCTS, User, World

SETTINGS = """
[tables.customers]
from = "users"
columns = { customer_id = "user_id", joined_at = "registered_at" }

[tables.orders]
from = "events"
where = "event_name = 'transaction_item'"
[tables.orders.columns]
customer_id = "user_id"
ordered_at = "derived_tstamp"
product = "ti_sku"
revenue = "ti_price * ti_quantity"

[tables.usage]
sql = '''
    SELECT coalesce(events.user_id, known.user_id) AS customer_id, derived_tstamp AS occurred_at,
           se_action AS feature
    FROM events
    LEFT JOIN (
        SELECT domain_userid, min(user_id) AS user_id FROM events GROUP BY domain_userid
    ) AS known ON known.domain_userid = events.domain_userid
    WHERE event_name = 'event' '''

[tables.interactions]
from = "users"
where = "referrer_user_id IS NOT NULL"
[tables.interactions.columns]
source_id = "referrer_user_id"
target_id = "user_id"
occurred_at = "registered_at"
kind = { value = "referral" }
"""


def write(world: World, folder: Path) -> None:
    """Write the export to *folder*."""
    rows: list[Row] = []

    def add(name: str, user: User, at: datetime, values: Row, *, anonymous: bool = False) -> None:
        number = len(rows)
        empty = dict.fromkeys(
            ("se_category", "se_action", "tr_orderid", "tr_total", "ti_orderid", "ti_sku", "ti_price")
        )
        rows.append(
            {
                "app_id": "shop",
                "collector_tstamp": at + timedelta(seconds=2),
                "derived_tstamp": at,
                "event": {"event": "struct", "page_view": "page_view"}.get(name, name),
                "event_id": uuid("event", number),
                "user_id": None if anonymous else _shopper(user.company),
                "domain_userid": uuid("domain", user.company),
                "page_urlpath": f"/p/{number % 30}",
                "event_name": name,
                **empty,
                "ti_quantity": None,
                **values,
            }
        )

    for number, (user, at, feature) in enumerate(world.events):
        anonymous = number % 6 == 0
        add("page_view", user, at - timedelta(minutes=1), {}, anonymous=anonymous)
        add("event", user, at, {"se_category": "app", "se_action": feature}, anonymous=anonymous)
    for purchase in world.purchases:
        user, order = world.admins[purchase.company], f"T-{purchase.number:05}"
        total = sum(PRODUCTS[name] * number for name, number in purchase.items.items()) / 100
        add("transaction", user, purchase.at, {"tr_orderid": order, "tr_total": total})
        for product, quantity in purchase.items.items():
            item = {
                "ti_orderid": order,
                "ti_sku": product,
                "ti_price": PRODUCTS[product] / 100,
                "ti_quantity": quantity,
            }
            add("transaction_item", user, purchase.at, item)
    write_parquet(folder / "events.parquet", rows)
    write_csv(
        folder / "users.csv",
        [
            {
                "user_id": _shopper(company.number),
                "email": f"me@{company.domain}",
                "registered_at": f"{company.joined:%Y-%m-%d %H:%M:%S}",
                "referrer_user_id": None if company.referrer is None else _shopper(company.referrer),
                "country": company.country,
            }
            for company in world.companies
        ],
    )


def _shopper(company: int) -> str:
    return f"u{company * 7 + 10_000}"
