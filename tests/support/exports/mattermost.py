"""Mattermost: tables of its database, whose names have no underscores, and what Paddle billed.

Times are milliseconds since 1970; 0 says that something was not deleted. The teams are the customers,
which the customers of Paddle name in their custom data.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from examples.recipes.files import Row, epoch, iso, token, write_csv, write_json_lines
from examples.recipes.world import PRODUCTS, User, World

SETTINGS = """
[tables.customers]
from = "paddle_customers"
columns = { customer_id = "id", joined_at = "created_at" }

[tables.members]
sql = '''
    SELECT member.userid AS user_id, customer.id AS customer_id
    FROM teammembers AS member
    JOIN paddle_customers AS customer ON customer.custom_data.team_id = member.teamid'''

[tables.orders]
sql = '''
    SELECT customer_id, billed_at AS ordered_at, item.product.id AS product, item.totals.total AS revenue
    FROM (SELECT *, unnest(details.line_items) AS item FROM paddle_transactions)
    WHERE status = 'completed' '''
columns = { revenue = { column = "revenue", unit = "cents" } }

[[tables.interactions]]
sql = '''
    SELECT root.userid AS source, reply.userid AS target, reply.createat AS occurred_at, 'post' AS kind
    FROM posts AS reply
    JOIN posts AS root ON root.id = reply.rootid
    WHERE CAST(reply.deleteat AS VARCHAR) = '0' AND root.userid <> reply.userid'''
[tables.interactions.columns]
source_id = { user = "source" }
target_id = { user = "target" }
occurred_at = { column = "occurred_at", format = "epoch ms" }

[[tables.interactions]]
sql = '''
    SELECT post.userid AS source, reaction.userid AS target, reaction.createat AS occurred_at, 'post' AS kind
    FROM reactions AS reaction
    JOIN posts AS post ON post.id = reaction.postid
    WHERE CAST(reaction.deleteat AS VARCHAR) = '0' AND post.userid <> reaction.userid'''
[tables.interactions.columns]
source_id = { user = "source" }
target_id = { user = "target" }
occurred_at = { column = "occurred_at", format = "epoch ms" }
"""


def write(world: World, folder: Path) -> None:
    """Write the export to *folder*."""

    def milliseconds(at: datetime) -> int:
        return epoch(at) * 1000

    users = [
        {
            "id": _key("user", user.number),
            "createat": milliseconds(user.since),
            "deleteat": 0,
            "username": user.email.split("@")[0],
            "email": user.email,
            "roles": "system_user",
        }
        for user in world.users
    ]
    members = [
        {
            "teamid": _key("team", user.company),
            "userid": _key("user", user.number),
            "createat": milliseconds(user.since),
            "deleteat": 0,
        }
        for user in world.users
    ]
    teams = [
        {
            "id": _key("team", company.number),
            "displayname": company.name,
            "createat": milliseconds(company.joined),
        }
        for company in world.companies
    ]
    posts: list[Row] = []
    reactions: list[Row] = []

    def post(author: User, at: datetime, root: str) -> str:
        name = _key("post", len(posts))
        posts.append(
            {
                "id": name,
                "createat": milliseconds(at),
                "deleteat": milliseconds(at) + 5 if len(posts) % 40 == 39 and root else 0,
                "userid": _key("user", author.number),
                "channelid": _key("channel", author.number % 9),
                "rootid": root,
                "message": "Could somebody look at this?",
            }
        )
        return name

    for number, contact in enumerate(world.contacts):
        root = post(contact.source, contact.at - timedelta(hours=3), "")
        if number % 2:
            post(contact.target, contact.at, root)
        else:
            reactions.append(
                {
                    "userid": _key("user", contact.target.number),
                    "postid": root,
                    "emojiname": ("+1", "heart")[number % 3 % 2],
                    "createat": milliseconds(contact.at),
                    "deleteat": 0,
                }
            )
    tables = {"users": users, "teammembers": members, "teams": teams, "posts": posts, "reactions": reactions}
    for name, rows in tables.items():
        write_csv(folder / f"{name}.csv", rows)
    customers = [
        {
            "id": f"ctm_{_key('ctm', company.number)}",
            "name": company.name,
            "email": f"billing@{company.domain}",
            "status": "active",
            "custom_data": {"team_id": _key("team", company.number)},
            "created_at": iso(company.joined),
        }
        for company in world.companies
    ]
    write_json_lines(folder / "paddle_customers.jsonl.gz", customers)
    transactions = [
        {
            "id": f"txn_{_key('txn', purchase.number)}",
            "status": "canceled" if purchase.number % 12 == 11 else "completed",
            "customer_id": f"ctm_{_key('ctm', purchase.company)}",
            "currency_code": "USD",
            "created_at": iso(purchase.at - timedelta(minutes=2)),
            "billed_at": iso(purchase.at),
            "details": {
                "totals": {"total": str(sum(PRODUCTS[name] * n for name, n in purchase.items.items()))},
                "line_items": [
                    {
                        "id": f"txnitm_{_key('item', purchase.number * 10 + place)}",
                        "quantity": quantity,
                        "totals": {"total": str(PRODUCTS[name] * quantity)},
                        "product": {"id": f"pro_{name}01", "name": name.title()},
                    }
                    for place, (name, quantity) in enumerate(purchase.items.items())
                ],
            },
        }
        for purchase in world.purchases
    ]
    write_json_lines(folder / "paddle_transactions.jsonl.gz", transactions)


def _key(kind: str, number: int) -> str:
    return token(kind, number, 26, "abcdefghijkmnopqrstuwxyz13456789").removeprefix(kind)
