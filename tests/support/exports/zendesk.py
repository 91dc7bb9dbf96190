"""Zendesk: organizations, users, tickets and posts of its community as CSV, and what Recurly billed.

The external id of an organization is the code of its account at Recurly.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from examples.recipes.files import Row, as_json, iso, write_csv
from examples.recipes.world import PRODUCTS, User, World

SETTINGS = """
[tables.customers]
from = "recurly_accounts"
columns = { customer_id = "code", joined_at = "created_at" }

[tables.members]
sql = '''
    SELECT person.id AS user_id, organization.external_id AS customer_id
    FROM users AS person
    JOIN organizations AS organization ON organization.id = person.organization_id'''

[tables.orders]
from = "recurly_line_items"
where = "state = 'invoiced'"
[tables.orders.columns]
customer_id = "account_code"
ordered_at = "start_date"
product = "plan_code"
revenue = "amount"

[tables.feedback]
from = "tickets"
where = "satisfaction_rating ->> '$.score' IN ('good', 'bad')"
[tables.feedback.columns]
customer_id = { user = "requester_id" }
occurred_at = "created_at"
score = "CASE WHEN satisfaction_rating ->> '$.score' = 'good' THEN 1 ELSE -1 END"

[tables.interactions]
sql = '''
    SELECT post.author_id AS author, comment.author_id AS reader, comment.created_at AS occurred_at
    FROM post_comments AS comment
    JOIN posts AS post ON post.id = comment.post_id
    WHERE post.author_id <> comment.author_id'''
[tables.interactions.columns]
source_id = { user = "author" }
target_id = { user = "reader" }
kind = { value = "post" }
"""


def write(world: World, folder: Path) -> None:
    """Write the export to *folder*."""
    organizations = [
        {
            "id": 360_000_000_000 + company.number * 17,
            "name": company.name,
            "external_id": _code(company.number),
            "created_at": iso(company.joined + timedelta(days=1)),
        }
        for company in world.companies
    ]
    users = [
        {
            "id": _person(user),
            "name": user.name,
            "email": user.email,
            "role": "end-user",
            "organization_id": 360_000_000_000 + user.company * 17,
            "created_at": iso(user.since),
            "active": True,
        }
        for user in world.users
    ]
    tickets = [
        {
            "id": 1000 + number,
            "subject": f"Help with {feature}",
            "status": ("open", "solved", "closed")[number % 3],
            "priority": "normal",
            "requester_id": _person(user),
            "satisfaction_rating": as_json({"score": ("good", "unoffered", "bad", "good")[number % 4]}),
            "created_at": iso(at),
        }
        for number, (user, at, feature) in enumerate(world.events[::3])
    ]
    posts: list[Row] = []
    comments: list[Row] = []
    for number, contact in enumerate(world.contacts):
        posts.append(
            {
                "id": 500_000 + number * 3,
                "author_id": _person(contact.source),
                "title": f"How we do it {number}",
                "vote_sum": number % 5,
                "created_at": iso(contact.at - timedelta(days=1)),
            }
        )
        comments.append(
            {
                "id": 700_000 + number * 3,
                "post_id": 500_000 + number * 3,
                "author_id": _person(contact.target),
                "official": False,
                "created_at": iso(contact.at),
            }
        )
    accounts = [
        {
            "code": _code(company.number),
            "email": f"billing@{company.domain}",
            "company": company.name,
            "state": "active",
            "created_at": iso(company.joined),
        }
        for company in world.companies
    ]
    lines = [
        {
            "id": f"li{purchase.number * 10 + place}",
            "account_code": _code(purchase.company),
            "invoice_number": 1000 + purchase.number,
            "state": "pending" if purchase.number % 30 == 29 else "invoiced",
            "plan_code": product,
            "quantity": quantity,
            "unit_amount": f"{PRODUCTS[product] / 100:.2f}",
            "amount": f"{PRODUCTS[product] * quantity / 100:.2f}",
            "currency": "USD",
            "start_date": iso(purchase.at),
        }
        for purchase in world.purchases
        for place, (product, quantity) in enumerate(purchase.items.items())
    ]
    tables = {"organizations": organizations, "users": users, "tickets": tickets, "posts": posts}
    tables |= {"post_comments": comments, "recurly_accounts": accounts, "recurly_line_items": lines}
    for name, rows in tables.items():
        write_csv(folder / f"{name}.csv", rows)


def _code(company: int) -> str:
    return f"acct-{company:05}"


def _person(user: User) -> int:
    return 380_000_000_000 + user.number * 13
