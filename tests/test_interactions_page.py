"""Each query of docs/interactions.md makes of small tables the interactions that it promises."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from ripple.features.dataset import open_dataset
from ripple.settings import KINDS, load
from tests.support.checkout import ROOT

PAGE = (ROOT / "docs" / "interactions.md").read_text(encoding="utf-8")
QUERIES = dict(re.findall(r"^### (.+?)\n\n```sql\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL))
"""Heading → its query."""
BASE = {
    "customers": "customer_id,joined_at\nA,2024-01-01\nB,2024-01-01\nC,2024-01-01\n",
    "orders": "customer_id,ordered_at,product,revenue\nA,2024-02-01,p,10\n",
    "members": "user_id,customer_id\nann,A\nabe,A\nbob,B\ncat,C\n",
}
"""Two people work for A, one for B and one for C."""

Tie = tuple[str, str, str, str]
CASES: dict[str, tuple[dict[str, str], list[Tie]]] = {
    "Invitations": (
        {
            "invitations": "inviter_id,accepted_by,accepted_at,workspace_id\n"
            "ann,bob,2024-03-02,\nann,cat,2024-03-03,w1\nann,abe,2024-03-04,w1\nbob,,,w2\n"
        },
        [("A", "B", "2024-03-02", "referral"), ("A", "C", "2024-03-03", "invite")],
    ),
    "Referral codes": (
        {
            "referral_codes": "code,owner_id\nANN1,ann\nBOB1,bob\n",
            "redemptions": "code,user_id,redeemed_at\n ann1 ,cat,2024-03-01\nBOB1,bob,2024-03-02\n",
        },
        [("A", "C", "2024-03-01", "referral")],
    ),
    "Shared documents": (
        {
            "shares": "document_id,shared_by,shared_with,shared_at\n"
            "d1,ann,bob,2024-03-02\nd1,ann,cat,2024-03-02\n",
            # bob had seen it before, and comes back twice; cat never opens it
            "document_views": "document_id,user_id,opened_at\n"
            "d1,bob,2024-03-01\nd1,bob,2024-03-05\nd1,bob,2024-03-09\nd2,cat,2024-03-03\n",
        },
        [("A", "B", "2024-03-05", "share")],
    ),
    "Comments and mentions": (
        {
            "documents": "id,author_id\nd1,ann\n",
            "comments": "id,document_id,author_id,created_at\nk1,d1,bob,2024-03-01\n",
            "mentions": "comment_id,user_id\nk1,cat\n",
        },
        [("A", "B", "2024-03-01", "post"), ("B", "C", "2024-03-01", "mention")],
    ),
    "Forum answers": (
        {
            "questions": "id,author_id,accepted_answer_id\nq1,ann,a2\nq2,cat,\n",
            "answers": "id,question_id,author_id,created_at,votes\n"
            "a1,q1,cat,2024-03-01,0\na2,q1,bob,2024-03-02,0\na3,q2,bob,2024-03-03,2\n",
        },
        [("B", "A", "2024-03-02", "answer"), ("B", "C", "2024-03-03", "answer")],
    ),
    "Likes and follows": (
        {
            "posts": "id,author_id\np1,ann\n",
            "likes": "post_id,user_id,created_at\np1,bob,2024-03-01\n",
            "follows": "follower_id,followed_id,created_at\ncat,bob,2024-03-02\n",
        },
        [("A", "B", "2024-03-01", "post"), ("B", "C", "2024-03-02", "follow")],
    ),
    "Templates": (
        {
            "templates": "id,author_id\nt1,ann\n",
            "documents": "id,template_id,user_id,created_at\nd1,t1,bob,2024-03-01\nd2,,cat,2024-03-02\n",
        },
        [("A", "B", "2024-03-01", "template")],
    ),
    "Integrations": (
        {
            "apps": "id,developer_id\ni1,ann\ni2,\n",
            "installations": "app_id,user_id,installed_at\ni1,bob,2024-03-01\ni2,cat,2024-03-01\n",
        },
        [("A", "B", "2024-03-01", "integration")],
    ),
    "Channels": (
        {
            "messages": "id,channel_id,author_id,sent_at\nm1,c1,ann,2024-03-05\nm2,c1,ann,2024-03-08\n",
            # cat leaves before the second message, abe is a colleague, bob comes late
            "channel_members": "channel_id,user_id,joined_at,left_at\n"
            "c1,ann,2024-03-01,\nc1,abe,2024-03-01,\nc1,cat,2024-03-01,2024-03-06\nc1,bob,2024-03-07,\n",
        },
        [("A", "B", "2024-03-08", "content"), ("A", "C", "2024-03-05", "content")],
    ),
    "Introductions by email": (
        {
            "emails": "id,sender_id,subject,sent_at\n"
            "e1,ann,Intro: Bob <> Cat,2024-03-01\ne2,ann,Lunch,2024-03-02\n",
            "email_recipients": "email_id,user_id,field\ne1,bob,to\ne1,cat,to\ne1,abe,cc\ne2,bob,to\n",
        },
        [("A", "B", "2024-03-01", "endorsement"), ("A", "C", "2024-03-01", "endorsement")],
    ),
    "Partners": (
        {
            "partners": "id,customer_id\nr1,A\nr2,\n",
            "deals": "partner_id,customer_id,registered_at\nr1,B,2024-03-01\nr2,C,2024-03-02\n",
        },
        [("A", "B", "2024-03-01", "referral")],
    ),
    "Reviews of pull requests": (
        {
            "pull_requests": "id,author_id\n1,ann\n",
            "reviews": "pull_request_id,reviewer_id,submitted_at\n1,bob,2024-03-01\n1,cat,\n",
        },
        [("B", "A", "2024-03-01", "review")],
    ),
}


def test_every_query_has_a_case():
    assert set(CASES) == set(QUERIES)


@pytest.mark.parametrize("heading", QUERIES)
def test_a_query_makes_interactions(heading, tmp_path):
    files, expected = CASES[heading]
    for name, content in (BASE | files).items():
        (tmp_path / f"{name}.csv").write_text(content)
    query = QUERIES[heading]
    columns = (
        'columns = { source_id = { user = "source" }, target_id = { user = "target" } }'
        if "AS source," in query or query.startswith("SELECT source,")
        else ""
    )
    (tmp_path / "ripple.toml").write_text(f'[tables.interactions]\nsql = """{query}"""\n{columns}\n')
    dataset = open_dataset(tmp_path, load(tmp_path))
    rows = dataset.tables["interactions"].to_pyarrow().to_pylist()
    ties = [
        (row["source_id"], row["target_id"], f"{row['occurred_at']:%Y-%m-%d}", row["kind"]) for row in rows
    ]
    assert sorted(ties) == sorted(expected)
    if heading == "Channels":
        assert [row["weight"] for row in rows] == [0.5, 0.5]


def test_the_table_gives_the_kinds_that_the_queries_make():
    table = {
        (kind, power)
        for kinds, power in re.findall(r"^\| \[.*?\) \| (`[^|]*) \| (\w+) \|", PAGE, re.MULTILINE)
        for kind in re.findall(r"`(\w+)`", kinds)
    }
    # a code's referral is as referent as an invitation's
    assert {power for kind, power in table} == {"referent", "informational", "expert"}
    assert all(KINDS[kind] == power for kind, power in table)
    assert {kind for kind, _ in table} == set(_made())


def _made() -> Iterator[str]:
    for _, ties in CASES.values():
        yield from (kind for *_, kind in ties)
