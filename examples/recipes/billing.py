"""What billing and a referral programme on top of it export: Stripe and Rewardful."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

from examples.recipes.files import Row, as_json, epoch, iso, token, uuid, write_csv, write_parquet
from examples.recipes.world import END, PRODUCTS, START, Company, Purchase, World

MINOR_UNITS = {"USD": 1.0, "EUR": 1 / 1.08, "JPY": 150 / 100}
"""How many of the smallest unit of a currency a cent of a dollar is."""


def write_stripe(world: World, folder: Path) -> None:
    """Objects of Stripe's API, one file for each kind; a nested object is JSON."""
    for name, rows in stripe(world).items():
        write_parquet(folder / f"{name}.parquet", rows)
    write_parquet(
        folder / "meter_events.parquet",
        [
            {
                "identifier": uuid("meter", number),
                "event_name": feature.replace(" ", "_"),
                "timestamp": epoch(at),
                "payload": as_json(
                    {"stripe_customer_id": customer_id(user.company_at(at)), "value": str(1 + number % 5)}
                ),
            }
            for number, (user, at, feature) in enumerate(world.events)
        ],
    )
    rates = [("USD", 1.0, START), ("EUR", 1.08, START), ("JPY", 0.0067, START)]
    rates += [("EUR", 1.12, START + timedelta(days=200)), ("JPY", 0.007, START + timedelta(days=200))]
    write_csv(
        folder / "rates.csv",
        [{"currency": code, "rate": rate, "valid_from": f"{day:%Y-%m-%d}"} for code, rate, day in rates],
    )


def stripe(world: World, currency: str | None = None) -> dict[str, list[Row]]:
    """Customers, invoices with their lines, charges and refunds, in their currencies or all in one."""
    customers: list[Row] = []
    for company in world.companies:
        metadata = {"industry": company.industry}
        if company.referrer is not None:
            metadata["referred_by"] = customer_id(company.referrer)
        customers.append(
            {
                "id": customer_id(company.number),
                "object": "customer",
                "created": epoch(company.joined),
                "name": company.name,
                "email": f"billing@{company.domain}",
                "currency": (currency or company.currency).lower(),
                "address": as_json({"country": company.country}),
                "metadata": as_json(metadata),
                "livemode": True,
            }
        )
    tables: dict[str, list[Row]] = {"customers": customers}
    for purchase in world.purchases:
        paid_in = currency or world.companies[purchase.company].currency
        for name, rows in _stripe_invoice(purchase, paid_in):
            tables.setdefault(name, []).extend(rows)
    return tables


def customer_id(company: int) -> str:
    """The id of a company in Stripe."""
    return token("cus_", company, 14)


def _stripe_invoice(purchase: Purchase, currency: str) -> Iterator[tuple[str, list[Row]]]:
    number, at = purchase.number, epoch(purchase.at)
    invoice, charge, code = token("in_", number, 24), token("ch_", number, 24), currency.lower()
    amounts = {
        product: round(PRODUCTS[product] * MINOR_UNITS[currency]) * quantity
        for product, quantity in purchase.items.items()
    }
    # an invoice in forty is never paid
    status = "open" if number % 40 == 39 else "paid"
    total, paid = sum(amounts.values()), status == "paid"
    yield (
        "invoices",
        [
            {
                "id": invoice,
                "customer": customer_id(purchase.company),
                "created": at,
                "currency": code,
                "status": status,
                "total": total,
                "amount_paid": total * paid,
                "charge": charge if paid else None,
            }
        ],
    )
    yield (
        "invoice_line_items",
        [
            {
                "id": token("il_", number * 10 + place, 24),
                "invoice_id": invoice,
                "amount": amount,
                "currency": code,
                "quantity": purchase.items[product],
                "price": as_json(
                    {
                        "id": token("price_", list(PRODUCTS).index(product), 24),
                        "product": token("prod_", list(PRODUCTS).index(product), 14),
                    }
                ),
            }
            for place, (product, amount) in enumerate(amounts.items())
        ],
    )
    if paid:
        yield (
            "charges",
            [
                {
                    "id": charge,
                    "invoice": invoice,
                    "amount": total,
                    "currency": code,
                    "created": at + 5,
                    "status": "succeeded",
                }
            ],
        )
        if purchase.refunded_at is not None:
            yield (
                "refunds",
                [
                    {
                        "id": token("re_", number, 24),
                        "charge": charge,
                        "amount": int(total * purchase.refunded_share),
                        "currency": code,
                        "created": epoch(purchase.refunded_at),
                        "reason": "requested_by_customer",
                        "status": "failed" if number % 7 == 0 else "succeeded",
                    }
                ],
            )


def write_stripe_invoices(world: World, folder: Path) -> None:
    """Customers, invoices and lines of Stripe in dollars, as Parquet, for products that know no orders."""
    tables = stripe(world, "USD")
    for name in ("customers", "invoices", "invoice_line_items"):
        write_parquet(folder / f"stripe_{name}.parquet", tables[name])


def write_rewardful(world: World, folder: Path) -> None:
    """Affiliates and referrals of Rewardful, nested objects as JSON, and what Stripe billed."""
    write_stripe_invoices(world, folder)
    referrers = sorted({c.referrer for c in world.companies if c.referrer is not None})

    def link(company: int) -> dict[str, str]:
        return {"id": uuid("link", company), "token": world.companies[company].domain.split(".")[0]}

    write_csv(
        folder / "affiliates.csv",
        [
            {
                "id": uuid("affiliate", number),
                "created_at": iso(world.companies[number].joined + timedelta(days=1)),
                "email": world.admins[number].email,
                # some are bloggers who are no customers
                "stripe_customer_id": None if number % 9 == 0 else customer_id(number),
                "state": "active",
                "links": as_json([link(number)]),
            }
            for number in referrers
        ],
    )
    write_csv(folder / "referrals.csv", list(_rewardful_referrals(world.companies, link)))


def _rewardful_referrals(
    companies: Iterable[Company], link: Callable[[int], dict[str, str]]
) -> Iterator[Row]:
    random = Random(2)
    for company in companies:
        if company.referrer is None:
            continue
        visited = company.joined - timedelta(days=random.randrange(1, 20))
        # others came by the same link and did not buy
        for visitor in range(random.randrange(3) + 1):
            joined = visitor == 0
            yield {
                "id": uuid("referral", company.number * 4 + visitor),
                "link": as_json(link(company.referrer)),
                "affiliate": as_json({"id": uuid("affiliate", company.referrer)}),
                "customer": as_json({"id": customer_id(company.number), "name": company.name})
                if joined
                else None,
                "visits": 1 + random.randrange(4),
                "conversion_state": "conversion" if joined else "visitor",
                "created_at": iso(visited),
                "became_lead_at": iso(company.joined) if joined else None,
                "became_conversion_at": iso(min(company.joined + timedelta(days=8), END)) if joined else None,
            }
