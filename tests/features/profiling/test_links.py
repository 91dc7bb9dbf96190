"""Columns refer to a table where they share its ids, and names or the values themselves say so."""

from __future__ import annotations

import pandas as pd

from tests.support.proposals import ACCOUNTS, DAYS, Looking, company


def test_lines_lead_to_invoices_and_these_to_accounts(look: Looking) -> None:
    _, links, _ = look(company())
    ways = [[(link.child.name, link.parent.table) for link in path] for path in links.paths("invoice_lines")]
    assert ways[0] == []
    assert [("invoice_id", "invoices"), ("account", "accounts")] in ways


def test_small_numbers_are_shared_by_chance(look: Looking) -> None:
    frames = {
        "accounts": pd.DataFrame({"id": range(100)}),
        "orders": pd.DataFrame({"account_id": [1, 2, 3, 50], "position": [1, 2, 3, 4]}),
    }
    _, links, _ = look(frames)
    assert [(link.child.name, link.parent.table) for link in links.all] == [("account_id", "accounts")]


def test_values_that_tell_are_found_under_any_name(look: Looking) -> None:
    frames = {
        "accounts": pd.DataFrame({"id": ACCOUNTS}),
        "calls": pd.DataFrame({"whom": ACCOUNTS[:40] * 2, "at": DAYS[0]}),
    }
    _, links, _ = look(frames)
    (link,) = links.all
    assert (link.child.name, link.parent.table, link.coverage) == ("whom", "accounts", 1.0)
    assert links.best(link.child) is link


def test_a_share_of_unknown_ids_is_counted(look: Looking) -> None:
    frames = {
        "accounts": pd.DataFrame({"id": ACCOUNTS[:45]}),
        "calls": pd.DataFrame({"account_id": ACCOUNTS}),
    }
    _, links, _ = look(frames)
    assert links.coverage(links.from_table("calls")[0].child, links.keys("accounts")[0]) == 0.75
