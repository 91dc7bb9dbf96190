"""Who pays is the customer; who belongs to one is a user."""

from __future__ import annotations

import pandas as pd

from tests.support.proposals import ACCOUNTS, DAYS, PEOPLE, Looking, company


def test_accounts_pay_and_users_belong_to_them(look: Looking) -> None:
    tables, _, entities = look(company())
    assert entities.customers is not None
    assert entities.members is not None
    assert (entities.customers.name, entities.members.name) == ("accounts", "users")
    assert entities.user is not None
    assert entities.user.name == "id"
    by_name = {table.name: table for table in tables}
    (event,) = entities.persons(by_name["events"])
    assert (event.kind, event.coverage, event.path) == ("user", 1.0, ())
    (line,) = entities.persons(by_name["invoice_lines"])
    assert (line.kind, line.field.table, line.first.name) == ("customer", "invoices", "invoice_id")


def test_users_who_pay_are_the_customers(look: Looking) -> None:
    frames = company()
    frames["invoices"]["account"] = PEOPLE
    _, _, entities = look(frames)
    assert entities.customers is not None
    assert entities.customers.name == "users"


def test_a_table_with_rows_of_a_customer_for_each_user_is_both(look: Looking) -> None:
    groups = pd.DataFrame({"id": [f"call-{n:04d}" for n in range(90)], "group_id": (ACCOUNTS * 2)[:90]})
    groups["user_id"], groups["at"] = PEOPLE[:90], DAYS[0]
    tracks = pd.DataFrame({"user_id": PEOPLE[:90] * 2, "event": "look", "timestamp": DAYS[0]})
    _, _, entities = look({"groups": groups, "tracks": tracks})
    assert entities.key is not None
    assert entities.user is not None
    assert (entities.key.name, entities.user.name) == ("group_id", "user_id")
    assert entities.customers is entities.members


def test_nobody_is_a_customer_of_notes(look: Looking) -> None:
    _, _, entities = look({"notes": pd.DataFrame({"text": ["a b"]})})
    assert entities.customers is None
