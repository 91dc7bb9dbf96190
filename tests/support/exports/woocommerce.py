"""WooCommerce: what its REST API lists, an object a line, as loaders keep it. Customers are people.

Orders of guests have customer 0; whoever passes on a coupon of theirs refers who redeems it.
"""

from __future__ import annotations

from pathlib import Path

from examples.recipes.files import Row, write_json_lines
from examples.recipes.world import PRODUCTS, World

SETTINGS = """
[tables.customers]
from = "customers"
columns = { customer_id = "id", joined_at = "date_created_gmt" }

[[tables.orders]]
sql = '''
    SELECT customer_id, date_paid_gmt AS ordered_at, item.product_id AS product, item.total AS revenue
    FROM (SELECT *, unnest(line_items) AS item FROM orders)
    WHERE CAST(customer_id AS VARCHAR) <> '0' AND status NOT IN ('failed', 'pending')'''

[[tables.orders]]
sql = '''
    SELECT bought.customer_id, refund.date_created_gmt AS ordered_at, refund.item.product_id AS product,
           refund.item.total AS revenue
    FROM (SELECT *, unnest(line_items) AS item FROM order_refunds) AS refund
    JOIN orders AS bought ON bought.id = refund.parent_id
    WHERE CAST(bought.customer_id AS VARCHAR) <> '0' '''

[tables.interactions]
sql = '''
    SELECT coupon.owner_customer_id AS source_id, bought.customer_id AS target_id,
           bought.date_paid_gmt AS occurred_at, 'referral' AS kind
    FROM (SELECT *, unnest(coupon_lines) AS used FROM orders) AS bought
    JOIN coupons AS coupon ON coupon.code = bought.used.code
    WHERE CAST(bought.customer_id AS VARCHAR) <> '0' AND bought.status NOT IN ('failed', 'pending')
        AND coupon.owner_customer_id <> bought.customer_id'''
"""
STATES = ("completed", "completed", "processing", "completed", "failed", "pending")


def write(world: World, folder: Path) -> None:
    """Write the export to *folder*."""
    products = list(PRODUCTS)
    customers = [
        {
            "id": company.number + 12,
            "date_created_gmt": f"{company.joined:%Y-%m-%dT%H:%M:%S}",
            "email": f"buyer@{company.domain}",
            "role": "customer",
            "username": company.domain.split(".")[0],
            "billing": {"country": company.country, "city": "", "phone": ""},
            "is_paying_customer": True,
        }
        for company in world.companies
    ]
    coupons = [
        {
            "id": 9000 + company.number,
            "code": _code(company.number),
            "amount": "10.00",
            "discount_type": "percent",
            "date_created_gmt": f"{company.joined:%Y-%m-%dT%H:%M:%S}",
            "owner_customer_id": company.number + 12,
        }
        for company in world.companies
    ]
    orders: list[Row] = []
    refunds: list[Row] = []
    for purchase in world.purchases:
        company, number = world.companies[purchase.company], purchase.number
        first = purchase.at == company.joined
        lines = [
            {
                "id": number * 10 + place,
                "name": product.title(),
                "product_id": 30 + products.index(product),
                "quantity": quantity,
                "subtotal": f"{PRODUCTS[product] * quantity / 100:.2f}",
                "total": f"{PRODUCTS[product] * quantity / 100:.2f}",
                "total_tax": "0.00",
                "sku": f"{product}-1",
                "price": PRODUCTS[product] / 100,
            }
            for place, (product, quantity) in enumerate(purchase.items.items())
        ]
        total = sum(float(str(line["total"])) for line in lines)
        coupon = [{"code": _code(company.referrer)}] if company.referrer is not None and first else []
        orders.append(
            {
                "id": 50_000 + number,
                "status": "refunded" if purchase.refunded_at else STATES[number % 6],
                "currency": "USD",
                "date_created_gmt": f"{purchase.at:%Y-%m-%dT%H:%M:%S}",
                "date_paid_gmt": None
                if STATES[number % 6] in ("failed", "pending") and not purchase.refunded_at
                else f"{purchase.at:%Y-%m-%dT%H:%M:%S}",
                "customer_id": 0 if number % 25 == 24 else company.number + 12,
                "total": f"{total:.2f}",
                "total_tax": "0.00",
                "payment_method": "stripe",
                "line_items": lines,
                "coupon_lines": coupon,
            }
        )
        if purchase.refunded_at is not None:
            share = purchase.refunded_share
            back = [
                {
                    "id": number * 10 + place + 5,
                    "product_id": line["product_id"],
                    "quantity": -1,
                    "total": f"{-float(str(line['total'])) * share:.2f}",
                }
                for place, line in enumerate(lines)
            ]
            refunds.append(
                {
                    "id": 80_000 + number,
                    "parent_id": 50_000 + number,
                    "date_created_gmt": f"{purchase.refunded_at:%Y-%m-%dT%H:%M:%S}",
                    "amount": f"{total * share:.2f}",
                    "reason": "",
                    "line_items": back,
                }
            )
    tables = {"customers": customers, "coupons": coupons, "orders": orders, "order_refunds": refunds}
    for name, rows in tables.items():
        write_json_lines(folder / f"{name}.jsonl.gz", rows)


def _code(company: int) -> str:
    return f"friend{company:03}"
