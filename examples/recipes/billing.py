"""What billing, shops, sales and referral programmes export: Stripe, Shopify, Salesforce and Rewardful."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

from examples.recipes.files import Row, as_json, epoch, integer_id, iso, token, uuid, write_csv, write_parquet
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
    rates = [("USD", 1.0), ("EUR", 1.08), ("JPY", 0.0067)]
    write_csv(folder / "rates.csv", [{"currency": code, "rate": rate} for code, rate in rates])


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


def write_shopify(world: World, folder: Path) -> None:
    """Tables of Shopify as Fivetran writes them; customers are people, and have codes to pass on."""

    def person(company: int) -> int:
        return integer_id("shopify customer", company, 13)

    def code(company: int) -> str:
        return f"FRIEND{company:04}"

    write_csv(
        folder / "customer.csv",
        [
            {
                "id": person(company.number),
                "created_at": iso(company.joined),
                "email": world.admins[company.number].email,
                "accepts_marketing": company.number % 3 == 0,
                "default_address_country_code": company.country,
            }
            for company in world.companies
        ],
    )
    write_csv(
        folder / "metafield.csv",
        [
            {
                "id": integer_id("metafield", company.number, 14),
                "owner_resource": "customer",
                "owner_id": person(company.number),
                "namespace": "referrals",
                "key": "code",
                "value": code(company.number),
            }
            for company in world.companies
        ],
    )
    tables: dict[str, list[Row]] = {}
    ordered: set[int] = set()
    for purchase in world.purchases:
        number, company = purchase.number, world.companies[purchase.company]
        order = integer_id("order", number, 13)
        # one order in thirty is of a guest, one in fifty a test
        tables.setdefault("order", []).append(
            {
                "id": order,
                "name": f"#{1000 + number}",
                "customer_id": None if number % 30 == 29 else person(company.number),
                "created_at": iso(purchase.at),
                "processed_at": iso(purchase.at + timedelta(seconds=3)),
                "currency": "USD",
                "financial_status": "partially_refunded" if purchase.refunded_at else "paid",
                "test": number % 50 == 49,
            }
        )
        # some use their own code, which refers nobody
        referrer = company.number if number % 60 == 0 else company.referrer
        if referrer is not None and company.number not in ordered:
            tables.setdefault("order_discount_code", []).append(
                {"order_id": order, "code": code(referrer), "type": "percentage", "amount": "10.0"}
            )
        ordered.add(company.number)
        for place, (product, quantity) in enumerate(purchase.items.items()):
            price, line = PRODUCTS[product] / 100, integer_id("line", number * 3 + place, 14)
            discount = round(price * quantity * 0.1, 2) if number % 4 == 0 else 0.0
            tables.setdefault("order_line", []).append(
                {
                    "id": line,
                    "order_id": order,
                    "product_id": integer_id("product", list(PRODUCTS).index(product), 13),
                    "title": product,
                    "quantity": quantity,
                    "price": f"{price:.2f}",
                    "total_discount": f"{discount:.2f}",
                }
            )
            if purchase.refunded_at is not None and place == 0:
                tables.setdefault("refund", []).append(
                    {
                        "id": integer_id("refund", number, 12),
                        "order_id": order,
                        "created_at": iso(purchase.refunded_at),
                        "processed_at": iso(purchase.refunded_at),
                        "note": None,
                    }
                )
                subtotal = (price * quantity - discount) * purchase.refunded_share
                tables.setdefault("order_line_refund", []).append(
                    {
                        "id": integer_id("line refund", number, 12),
                        "refund_id": integer_id("refund", number, 12),
                        "order_line_id": line,
                        "quantity": quantity,
                        "subtotal": f"{subtotal - 0.005:.2f}",
                        "restock_type": "return",
                    }
                )
    for name, rows in tables.items():
        write_csv(folder / f"{name}.csv", rows)


def write_salesforce(world: World, folder: Path) -> None:
    """Objects of Salesforce as its data export writes them; Referred_By__c is who referred an account."""

    def account(company: int) -> str:
        return _salesforce_id("001", company)

    write_csv(
        folder / "Account.csv",
        [
            {
                "Id": account(company.number),
                "Name": company.name,
                "Industry": company.industry.title(),
                "BillingCountryCode": company.country,
                "CreatedDate": _salesforce_time(company),
                "IsDeleted": 0,
                "Referred_By__c": None
                if company.referrer is None
                else _salesforce_id("003", world.admins[company.referrer].number),
            }
            for company in world.companies
        ],
    )
    write_csv(
        folder / "Contact.csv",
        [
            {
                "Id": _salesforce_id("003", user.number),
                "AccountId": account(user.company),
                "Name": user.name,
                "Email": user.email,
                "LeadSource": "Customer Referral"
                if world.companies[user.company].referrer is not None
                else "Web",
            }
            for user in world.users
        ],
    )
    partners = _partners(world)
    opportunities, lines, shared = [], [], []
    for purchase in world.purchases:
        company, number = world.companies[purchase.company], purchase.number
        opportunity, won = _salesforce_id("006", number), number % 9 != 8
        units = MINOR_UNITS[company.currency] * (1 if company.currency == "JPY" else 0.01)
        opportunities.append(
            {
                "Id": opportunity,
                "AccountId": account(company.number),
                "Name": f"{company.name} {number}",
                "StageName": "Closed Won" if won else "Closed Lost",
                "IsWon": int(won),
                "IsClosed": 1,
                "IsDeleted": int(number % 70 == 69),
                "CloseDate": f"{purchase.at:%Y-%m-%d}",
                "CurrencyIsoCode": company.currency,
                "LeadSource": "Partner" if purchase.company in partners else "Web",
            }
        )
        lines += [
            {
                "Id": _salesforce_id("00k", number * 3 + place),
                "OpportunityId": opportunity,
                "Product2Id": _salesforce_id("01t", list(PRODUCTS).index(product)),
                "ProductCode": product.upper(),
                "Quantity": f"{quantity}.0",
                "TotalPrice": f"{PRODUCTS[product] * units * quantity:.2f}",
                "CurrencyIsoCode": company.currency,
            }
            for place, (product, quantity) in enumerate(purchase.items.items())
        ]
        if purchase.company in partners:
            shared.append(
                {
                    "Id": _salesforce_id("00I", number),
                    "OpportunityId": opportunity,
                    "AccountToId": account(partners[purchase.company]),
                    "Role": "Consultant",
                    "IsPrimary": 1,
                    "CreatedDate": f"{purchase.at - timedelta(days=12):%Y-%m-%dT%H:%M:%S}.000Z",
                }
            )
    write_csv(folder / "Opportunity.csv", opportunities)
    write_csv(folder / "OpportunityLineItem.csv", lines)
    write_csv(folder / "OpportunityPartner.csv", shared)
    # of their currency for one of the company's own
    dated = [("USD", START, 1.0), ("EUR", START, 0.92), ("EUR", START + timedelta(days=182), 0.9)]
    dated += [("JPY", START, 150.0), ("JPY", START + timedelta(days=182), 160.0)]
    write_csv(
        folder / "DatedConversionRate.csv",
        [
            {"IsoCode": code, "StartDate": f"{start:%Y-%m-%d}", "ConversionRate": rate}
            for code, start, rate in dated
        ],
    )


def _salesforce_id(prefix: str, number: int) -> str:
    return f"{prefix}5g00000{token(prefix, number, 1)}{number:04}AAA"


def _salesforce_time(company: Company) -> str:
    return f"{company.joined:%Y-%m-%dT%H:%M:%S}.000Z"


def _partners(world: World) -> dict[int, int]:
    """Company → the company that advises it as it buys: one of whom it hears."""
    heard = {
        contact.target.company: contact.source.company
        for contact in world.contacts
        if contact.source.company != contact.target.company
    }
    return {company: source for company, source in heard.items() if company % 4 == 0}


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
