"""Two people in a row are an interaction where names say so; the source is who may influence the other."""

from __future__ import annotations

import pandas as pd
import pytest

from ripple.features.profiling.interactions import find_interactions
from tests.support.proposals import ACCOUNTS, DAYS, PEOPLE, Looking, company


@pytest.mark.parametrize(
    ("table", "one", "other", "kind"),
    [
        ("referrals", "referrer_id", "referee_id", "referral"),
        ("invitations", "inviter_account", "invitee_account", "invite"),
        ("document_views", "owner_id", "reader_id", "share"),
        ("follows", "followed_id", "follower_id", "follow"),
        ("mentorings", "mentor_id", "mentee_id", "mentoring"),
        ("forum_answers", "answered_by", "asked_by", "answer"),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_names_tell_the_kind_and_the_direction(look: Looking, table, one, other, kind, swapped) -> None:
    people = {one: ACCOUNTS[:50], other: ACCOUNTS[10:]}
    order = [other, one] if swapped else [one, other]
    frame = pd.DataFrame(people)[order].assign(created_at=DAYS[:50])
    tables, _, entities = look(company() | {table: frame})
    part = find_interactions(entities, next(found for found in tables if found.name == table))
    assert part is not None
    assert part.columns["kind"].value == kind
    source, target = part.columns["source_id"].field, part.columns["target_id"].field
    assert source is not None
    assert target is not None
    assert (source.name, target.name) == (one, other)


def test_who_answers_influences_who_asked(look: Looking) -> None:
    questions = pd.DataFrame(
        {"id": [f"q-{n:05d}" for n in range(60)], "account_id": ACCOUNTS, "created_at": DAYS}
    )
    answers = pd.DataFrame({"question_id": questions.id, "account_id": ACCOUNTS[::-1], "created_at": DAYS})
    tables, _, entities = look(company() | {"questions": questions, "answers": answers})
    part = find_interactions(entities, next(table for table in tables if table.name == "answers"))
    assert part is not None
    assert part.columns["kind"].value == "answer"
    assert part.columns["source_id"].path == ()
    assert [link.parent.table for link in part.columns["target_id"].path] == ["questions"]
    assert "{0} <> {1}" in [condition.sql for condition in part.where]


@pytest.mark.parametrize("itself", [False, True])
def test_rows_in_which_somebody_invites_themselves_are_left_out(look: Looking, itself: bool) -> None:
    invited = [*ACCOUNTS[10:59], ACCOUNTS[49] if itself else ACCOUNTS[0]]
    invitations = pd.DataFrame({"inviter_account": ACCOUNTS[:50], "invitee_account": invited})
    tables, _, entities = look(company() | {"invitations": invitations.assign(created_at=DAYS[:50])})
    part = find_interactions(entities, next(table for table in tables if table.name == "invitations"))
    assert part is not None
    assert ("{0} <> {1}" in [condition.sql for condition in part.where]) == itself


def test_a_column_of_customers_names_who_referred_them(look: Looking) -> None:
    frames = company()
    frames["accounts"]["referred_by"] = [None, *ACCOUNTS[:20], *[ACCOUNTS[0]] * 39]
    tables, _, entities = look(frames)
    part = find_interactions(entities, next(table for table in tables if table.name == "accounts"))
    assert part is not None
    source = part.columns["source_id"].field
    assert source is not None
    assert (source.name, part.columns["kind"].value) == ("referred_by", "referral")


def test_orders_and_memberships_are_no_interactions(look: Looking) -> None:
    tables, _, entities = look(company())
    assert [table.name for table in tables if find_interactions(entities, table)] == ["document_shares"]


def test_a_comment_shows_that_its_author_read_and_a_reply_that_of_its_root(look: Looking) -> None:
    posts = pd.DataFrame(
        {
            "id": [f"post-{n:05d}" for n in range(120)],
            "rootid": [None] * 60 + [f"post-{n:05d}" for n in range(60)],
            "author_id": [*ACCOUNTS, *ACCOUNTS[::-1]],
            "createat": [*DAYS, *DAYS],
        }
    )
    comments = pd.DataFrame({"post_id": posts.id[:60], "author_id": ACCOUNTS[::-1], "created_at": DAYS})
    tables, _, entities = look(company() | {"posts": posts, "post_comments": comments})
    for name in ("posts", "post_comments"):
        part = find_interactions(entities, next(table for table in tables if table.name == name))
        assert part is not None
        assert part.columns["kind"].value == "post"
        assert [link.parent.table for link in part.columns["source_id"].path] == ["posts"]
        assert part.columns["target_id"].path == ()


def test_a_code_of_a_customer_refers_whoever_uses_it(look: Looking) -> None:
    codes = pd.DataFrame({"code": [f"friend{n:03d}" for n in range(60)], "owner_account_id": ACCOUNTS})
    used = pd.DataFrame({"account_id": ACCOUNTS[::-1], "code": codes.code.tolist(), "created_at": DAYS})
    tables, _, entities = look(company() | {"coupons": codes, "redemptions": used})
    part = find_interactions(entities, next(table for table in tables if table.name == "redemptions"))
    assert part is not None
    assert part.columns["kind"].value == "referral"
    assert [link.parent.table for link in part.columns["source_id"].path] == ["coupons"]


@pytest.mark.parametrize("column", ["invited_user_id", "invitee_id"])
def test_an_invitation_counts_once_it_is_taken_up(look: Looking, column) -> None:
    accepted = [None if n % 4 == 0 else day for n, day in enumerate(DAYS)]
    invitations = pd.DataFrame(
        {
            "inviter_id": PEOPLE[:60],
            column: [None if day is None else PEOPLE[60 + n] for n, day in enumerate(accepted)],
            "account_id": [None if n % 3 == 0 else ACCOUNTS[n] for n in range(60)],
            "created_at": DAYS - pd.Timedelta(days=3),
            "accepted_at": accepted,
        }
    )
    tables, _, entities = look(company() | {"invitations": invitations})
    part = find_interactions(entities, next(table for table in tables if table.name == "invitations"))
    assert part is not None
    time, target, kind = (part.columns[name] for name in ("occurred_at", "target_id", "kind"))
    assert time.field is not None
    assert target.field is not None
    assert (time.field.name, target.field.name) == ("accepted_at", column)
    assert kind.sql == "CASE WHEN {0} IS NULL THEN 'referral' ELSE 'invite' END"
    assert [field.name for _, field in kind.of] == ["account_id"]
