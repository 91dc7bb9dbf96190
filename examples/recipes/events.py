"""What products that count events export: Segment, Amplitude and Google Analytics 4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from examples.recipes.files import Row, as_json, epoch, token, uuid, write_json_lines, write_parquet
from examples.recipes.world import PRODUCTS, Company, Purchase, User, World


def write_segment(world: World, folder: Path) -> None:
    """Tables of a warehouse that Segment fills; some come before they log in, or belong to no group."""
    identifies: list[Row] = []
    groups: list[Row] = []
    tracks: list[Row] = []
    for user in world.users:
        identifies.append(
            _segment_call("identify", user.number, user, user.since)
            | {"email": user.email, "name": user.name}
        )
        for company, since in _memberships(user):
            groups.append(
                _segment_call("group", len(groups), user, since)
                | {
                    "group_id": _account(company),
                    "name": world.companies[company].name,
                    "industry": world.companies[company].industry,
                }
            )
    for number, (user, at, feature) in enumerate(world.events):
        anonymous = number % 8 == 0
        tracks.append(
            _segment_call("track", number, user, at, anonymous)
            | {"event": feature.replace(" ", "_"), "event_text": feature.title()}
        )
    for number in range(60):
        _, at, feature = world.events[number * 20]
        tracks.append(
            _segment_call("visit", number, None, at)
            | {"event": feature.replace(" ", "_"), "event_text": feature.title()}
        )
    orders: list[Row] = []
    refunds: list[Row] = []
    shares: list[Row] = []
    for purchase in world.purchases:
        user, number = world.admins[purchase.company], purchase.number
        total = sum(PRODUCTS[product] * quantity for product, quantity in purchase.items.items()) / 100
        order = {"order_id": f"{5000 + number}", "currency": "USD"}
        products = [
            {"product_id": product, "price": PRODUCTS[product] / 100, "quantity": quantity}
            for product, quantity in purchase.items.items()
        ]
        orders.append(
            _segment_call("order", number, user, purchase.at)
            | order
            | {"revenue": total, "products": as_json(products)}
        )
        if purchase.refunded_at is not None:
            refunds.append(
                _segment_call("refund", number, user, purchase.refunded_at)
                | order
                | {"total": round(total * purchase.refunded_share, 2)}
            )
    for number, contact in enumerate(world.contacts):
        shares.append(
            _segment_call("share", number, contact.source, contact.at)
            | {
                "document_id": f"doc_{number // 3}",
                "recipient_user_id": _person(contact.target),
            }
        )
    tables: dict[str, list[Row]] = {
        "identifies": identifies,
        "groups": groups,
        "tracks": tracks,
        "order_completed": orders,
    }
    tables |= {"order_refunded": refunds, "document_shared": shares}
    for name, rows in tables.items():
        write_parquet(folder / f"{name}.parquet", rows)


def _segment_call(
    kind: str, number: int, user: User | None, at: datetime, anonymous: bool = False
) -> dict[str, Any]:
    """The columns that every table of Segment has; what a phone recorded offline is received a day later."""
    visitor = uuid("visitor", number) if user is None else uuid("anonymous", user.number)
    delay = timedelta(days=1) if number % 25 == 24 else timedelta(seconds=2)
    return {
        "id": f"ajs-{token(kind, number, 24).removeprefix(kind)}",
        "anonymous_id": visitor,
        "user_id": None if anonymous or user is None else _person(user),
        "timestamp": at,
        "received_at": at + delay,
    }


def _memberships(user: User) -> list[tuple[int, datetime]]:
    """Company and since when, for each company of a user."""
    memberships = [(user.company, user.since)]
    if user.second is not None and user.moved is not None:
        memberships.append((user.second, user.moved))
    return memberships


def _account(company: int) -> str:
    return f"acc_{company:04}"


def _person(user: User) -> str:
    return f"user-{user.number:05}"


def write_amplitude(world: World, folder: Path) -> None:
    """Events of Amplitude as its Export API writes them: an object a line, compressed."""
    rows: list[Row] = []

    def add(user: User, at: datetime, kind: str, properties: dict[str, object]) -> None:
        company = world.companies[user.company_at(at)]
        rows.append(
            {
                "$insert_id": uuid("insert", len(rows)),
                "amplitude_id": 700_000_000 + user.number,
                "user_id": _person(user),
                "event_type": kind,
                "event_time": f"{at:%Y-%m-%d %H:%M:%S}.{len(rows) % 1000:03}000",
                "server_upload_time": f"{at + timedelta(seconds=4):%Y-%m-%d %H:%M:%S}.000000",
                "event_properties": properties,
                "user_properties": {"email": user.email},
                "groups": {"account": [_account(company.number)]},
                "group_properties": {"account": {"industry": company.industry}},
                "country": company.country,
            }
        )

    for user in world.users:
        add(user, user.since, "signed up", {})
    for user, at, feature in world.events:
        add(user, at, feature, {"source": "web"})
    for number, contact in enumerate(world.contacts):
        if number % 3:
            properties: dict[str, object] = {
                "template_id": f"t{number // 5}",
                "author_user_id": _person(contact.source),
            }
            add(contact.target, contact.at, "template used", properties)
    for company in world.companies:
        if company.referrer is not None:
            properties = {"inviter_user_id": _person(world.admins[company.referrer])}
            add(world.admins[company.number], company.joined, "invitation accepted", properties)
    for purchase in world.purchases:
        user = world.admins[purchase.company]
        for product, quantity in purchase.items.items():
            price = PRODUCTS[product] / 100
            add(user, purchase.at, "revenue_amount", _revenue(product, price, quantity, "purchase"))
            if purchase.refunded_at is not None:
                back = round(-price * purchase.refunded_share, 2)
                add(user, purchase.refunded_at, "revenue_amount", _revenue(product, back, quantity, "refund"))
    rows.sort(key=lambda row: row["event_time"])
    # a part of an export may come twice, with the same $insert_id
    (folder / "events").mkdir(exist_ok=True)
    write_json_lines(folder / "events" / "100011471_2025-02-24_0#0.json.gz", rows + rows[100:110])


def _revenue(product: str, price: float, quantity: int, kind: str) -> dict[str, object]:
    return {
        "$productId": product,
        "$price": price,
        "$quantity": quantity,
        "$revenueType": kind,
        "$revenue": round(price * quantity, 2),
    }


_VALUE = pa.struct(
    [
        ("string_value", pa.string()),
        ("int_value", pa.int64()),
        ("float_value", pa.float64()),
        ("double_value", pa.float64()),
    ]
)
GA4 = pa.schema(
    [
        ("event_date", pa.string()),
        ("event_timestamp", pa.int64()),
        ("event_name", pa.string()),
        ("event_params", pa.list_(pa.struct([("key", pa.string()), ("value", _VALUE)]))),
        ("user_id", pa.string()),
        ("user_pseudo_id", pa.string()),
        ("user_first_touch_timestamp", pa.int64()),
        ("geo", pa.struct([("country", pa.string())])),
        ("ecommerce", pa.struct([("transaction_id", pa.string()), ("purchase_revenue", pa.float64())])),
        (
            "items",
            pa.list_(
                pa.struct(
                    [
                        ("item_id", pa.string()),
                        ("price", pa.float64()),
                        ("quantity", pa.int64()),
                        ("item_revenue", pa.float64()),
                        ("item_refund", pa.float64()),
                    ]
                )
            ),
        ),
    ]
)
"""The schema of the daily tables that Google Analytics 4 exports to BigQuery, as far as it is used."""


def write_ga4(world: World, folder: Path) -> None:
    """Events of Google Analytics 4 as nested Parquet; customers are people, who come before they log in."""
    rows = sorted(_ga4(world), key=lambda row: (row["event_timestamp"], row["event_name"]))
    (folder / "events").mkdir(exist_ok=True)
    half = len(rows) // 2
    for number, part in enumerate((rows[:half], rows[half:])):
        write_parquet(folder / "events" / f"events-{number:012}.parquet", part, GA4)


def _ga4(world: World) -> Iterator[Row]:
    for company in world.companies:
        link = "https://shop.example/"
        if company.referrer is not None:
            link += f"?utm_source=friend&ref={_shopper(company.referrer)}"
        yield _ga4_event(company, company.joined, "page_view", {"page_location": link}, logged_in=False)
        yield _ga4_event(company, company.joined + timedelta(minutes=4), "sign_up", {"method": "email"})
    for number in range(200):
        stranger = world.companies[number]
        row = _ga4_event(stranger, stranger.joined, "page_view", {"page_location": "https://shop.example/"})
        visitor = f"{token('visitor', number, 9, '123456789').removeprefix('visitor')}.1704067200"
        yield dict(row) | {"user_id": None, "user_pseudo_id": visitor}
    for number, (user, at, _) in enumerate(world.events):
        name = ("view_item", "view_item", "search", "add_to_wishlist")[number % 4]
        yield _ga4_event(world.companies[user.company], at, name, {"ga_session_id": number}, number % 5 > 0)
    for contact in world.contacts:
        source, target = contact.source.company, world.companies[contact.target.company]
        link = f"https://shop.example/p/{len(target.name)}?ref={_shopper(source)}"
        yield _ga4_event(target, contact.at, "page_view", {"page_location": link})
    for purchase in world.purchases:
        company = world.companies[purchase.company]
        yield _ga4_event(company, purchase.at, "purchase", {"currency": "USD"}) | _ga4_items(purchase, 0)
        if purchase.refunded_at is not None:
            row = _ga4_event(company, purchase.refunded_at, "refund", {"currency": "USD"})
            yield row | _ga4_items(purchase, purchase.refunded_share)


def _ga4_event(
    company: Company, at: datetime, name: str, params: dict[str, str | int], logged_in: bool = True
) -> dict[str, Any]:
    values = [
        {"string_value": value} if isinstance(value, str) else {"int_value": value}
        for value in params.values()
    ]
    visitor = f"{token('ga', company.number, 9, '123456789').removeprefix('ga')}.{epoch(company.joined)}"
    return {
        "event_date": f"{at:%Y%m%d}",
        "event_timestamp": epoch(at) * 1_000_000,
        "event_name": name,
        "event_params": [{"key": key, "value": value} for key, value in zip(params, values, strict=True)],
        "user_id": _shopper(company.number) if logged_in else None,
        "user_pseudo_id": visitor,
        "user_first_touch_timestamp": epoch(company.joined) * 1_000_000,
        "geo": {"country": company.country},
    }


def _ga4_items(purchase: Purchase, refunded: float) -> dict[str, Any]:
    items = []
    for product, quantity in purchase.items.items():
        price = PRODUCTS[product] / 100
        amount = "item_refund" if refunded else "item_revenue"
        items.append(
            {
                "item_id": product.upper(),
                "price": price,
                "quantity": quantity,
                amount: price * quantity * (refunded or 1),
            }
        )
    return {
        "items": items,
        "ecommerce": {
            "transaction_id": f"T{purchase.number}",
            "purchase_revenue": None if refunded else _sum(items, "item_revenue"),
        },
    }


def _sum(items: Sequence[Row], amount: str) -> float:
    return round(sum(item[amount] for item in items), 2)


def _shopper(company: int) -> str:
    return f"shopper-{company:04}"
