"""What shops and salespeople export: Shopify and Salesforce."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from examples.recipes.billing import MINOR_UNITS
from examples.recipes.files import Row, integer_id, iso, token, write_csv
from examples.recipes.world import PRODUCTS, START, Company, World


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
