"""What places where customers meet export: Discourse, GitHub and shared workspaces (WorkOS)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from examples.recipes.billing import customer_id, write_stripe_invoices
from examples.recipes.files import Row, as_json, iso, token, write_parquet
from examples.recipes.world import User, World


def write_discourse(world: World, folder: Path) -> None:
    """Tables of a backup of Discourse, whose people log in by way of the company's own product."""
    write_stripe_invoices(world, folder)
    write_parquet(folder / "app_users.parquet", _app_users(world))
    # the forum also has people who are no customers
    strangers = [9000 + number for number in range(20)]
    write_parquet(
        folder / "single_sign_on_records.parquet",
        [
            {
                "id": place + 1,
                "user_id": _forum_id(user),
                "external_id": str(user.number),
                "created_at": iso(user.since),
            }
            for place, user in enumerate(world.users)
        ],
    )
    tables: dict[str, list[Row]] = {
        name: [] for name in ("topics", "posts", "post_actions", "incoming_links")
    }
    solved: list[Row] = []
    answers: list[Row] = []

    def post(author: int, topic: int, number: int, at: str | None, reply_to: int | None = None) -> int:
        posts = tables["posts"]
        posts.append(
            {
                "id": len(posts) + 1,
                "user_id": author,
                "topic_id": topic,
                "post_number": number,
                "reply_to_post_number": reply_to,
                "post_type": 1,
                "created_at": at,
                "deleted_at": at if len(posts) % 50 == 49 else None,
            }
        )
        return len(posts)

    for number, contact in enumerate(world.contacts):
        source, target = _forum_id(contact.source), _forum_id(contact.target)
        if number % 17 == 16:
            source = strangers[number % 20]
        topic, before, at = number + 1, iso(contact.at - timedelta(hours=5)), iso(contact.at)
        kind = ("like", "reply", "answer", "link")[(number % 10) // 3]
        asker = target if kind == "answer" else source
        tables["topics"].append(
            {
                "id": topic,
                "title": f"Topic {topic}",
                "user_id": asker,
                "archetype": "private_message" if number % 40 == 39 else "regular",
                "category_id": 1 + number % 4,
                "created_at": before,
                "deleted_at": None,
            }
        )
        first = post(asker, topic, 1, before)
        if kind == "like":
            # two is a like; others are bookmarks and flags
            tables["post_actions"].append(
                {
                    "id": number + 1,
                    "post_id": first,
                    "user_id": target,
                    "post_action_type_id": 2 if number % 11 else 1,
                    "created_at": at,
                    "deleted_at": None,
                }
            )
        elif kind == "reply":
            # a reply to the topic itself names no post
            post(target, topic, 2, at, 1 if number % 2 else None)
        elif kind == "answer":
            answer = post(source, topic, 2, at)
            accepted = iso(contact.at + timedelta(days=1))
            solved.append({"id": len(solved) + 1, "topic_id": topic, "created_at": accepted})
            answers.append(
                {
                    "id": len(answers) + 1,
                    "solved_topic_id": len(solved),
                    "answer_post_id": answer,
                    "accepter_user_id": target,
                }
            )
        else:
            tables["incoming_links"].append(
                {
                    "id": number + 1,
                    "post_id": first,
                    "user_id": source,
                    "current_user_id": None if number % 30 == 29 else target,
                    "created_at": at,
                }
            )
    tables |= {"discourse_solved_solved_topics": solved, "discourse_solved_topic_answers": answers}
    for name, rows in tables.items():
        write_parquet(folder / f"{name}.parquet", rows)


def _app_users(world: World) -> list[Row]:
    """The people of the company's own product, and for which customer they work."""
    return [
        {
            "id": user.number,
            "email": user.email,
            "stripe_customer_id": customer_id(user.company),
            "github_user_id": _github_id(user),
        }
        for user in world.users
    ]


def _forum_id(user: User) -> int:
    return user.number + 100


def _github_id(user: User) -> int:
    return 40_000_000 + user.number * 37


def write_github(world: World, folder: Path) -> None:
    """Tables of GitHub as Fivetran writes them; a pull request is an issue too."""
    write_stripe_invoices(world, folder)
    write_parquet(folder / "app_users.parquet", _app_users(world))
    bot = 49_699_333
    names = ("issue", "pull_request", "pull_request_review", "issue_comment")
    tables: dict[str, list[Row]] = {name: [] for name in names}
    for number, contact in enumerate(world.contacts):
        issue, opened, at = 2_000_000 + number, iso(contact.at - timedelta(days=1)), iso(contact.at)
        is_pull, author = number % 2 == 0, _github_id(contact.target)
        tables["issue"].append(
            {
                "id": issue,
                "number": number + 1,
                "repository_id": 900 + number % 3,
                "user_id": author,
                "title": f"Change {number}" if is_pull else f"Question {number}",
                "pull_request": is_pull,
                "state": "closed",
                "created_at": opened,
            }
        )
        reviewer = bot if number % 14 == 0 else author if number % 14 == 2 else _github_id(contact.source)
        if is_pull:
            pull = 3_000_000 + number
            tables["pull_request"].append(
                {"id": pull, "issue_id": issue, "head_user_id": author, "base_repo_id": 900 + number % 3}
            )
            state = ("APPROVED", "CHANGES_REQUESTED", "COMMENTED")[number % 3]
            tables["pull_request_review"].append(
                {
                    "id": 4_000_000 + number,
                    "pull_request_id": pull,
                    "user_id": reviewer,
                    "state": "PENDING" if number % 22 == 20 else state,
                    "submitted_at": None if number % 22 == 20 else at,
                }
            )
        else:
            tables["issue_comment"].append(
                {
                    "id": 5_000_000 + number,
                    "issue_id": issue,
                    "user_id": _github_id(contact.source),
                    "created_at": at,
                }
            )
            if number % 5 == 0:
                thanks = iso(contact.at + timedelta(hours=2))
                tables["issue_comment"].append(
                    {
                        "id": 6_000_000 + number,
                        "issue_id": issue,
                        "user_id": author,
                        "created_at": thanks,
                    }
                )
    for name, rows in tables.items():
        write_parquet(folder / f"{name}.parquet", rows)


def write_workspace(world: World, folder: Path) -> None:
    """Organizations, memberships and invitations of WorkOS, and audit events of shared documents."""
    write_stripe_invoices(world, folder)

    def organization(company: int) -> str:
        return "org_" + _ulid("org", company)

    def person(user: User) -> str:
        return "user_" + _ulid("user", user.number)

    organizations: list[Row] = [
        {
            "id": organization(company.number),
            "name": company.name,
            "stripe_customer_id": customer_id(company.number),
            "created_at": iso(company.joined),
        }
        for company in world.companies
    ]
    memberships: list[Row] = []
    for user in world.users:
        joined = [(user.company, user.since)]
        if user.second is not None and user.moved is not None:
            joined.append((user.second, user.moved))
        for number, since in joined:
            memberships.append(
                {
                    "id": "om_" + _ulid("om", len(memberships)),
                    "user_id": person(user),
                    "organization_id": organization(number),
                    "role": as_json({"slug": "member"}),
                    "status": "active" if number == joined[-1][0] else "inactive",
                    "created_at": iso(since),
                }
            )
    invitations: list[Row] = []
    for user in world.users:
        company, admin = world.companies[user.company], world.admins[user.company]
        is_first = user == admin
        if is_first and company.referrer is None:
            continue
        inviter = world.admins[company.referrer] if is_first and company.referrer is not None else admin
        for attempt in range(2 if user.number % 6 == 0 else 1):
            invitations.append(
                {
                    "id": "invitation_" + _ulid("invitation", len(invitations)),
                    "email": user.email,
                    "state": "expired" if attempt else "accepted",
                    "organization_id": None if is_first else organization(company.number),
                    "inviter_user_id": person(inviter),
                    "accepted_user_id": None if attempt else person(user),
                    "created_at": iso(user.since - timedelta(days=2)),
                    "accepted_at": None if attempt else iso(user.since),
                }
            )
    # some join the organization of another customer as guests, by invitation
    for contact in world.contacts[::9]:
        host = contact.source.company_at(contact.at)
        if host == contact.target.company_at(contact.at):
            continue
        memberships.append(
            {
                "id": "om_" + _ulid("om", len(memberships)),
                "user_id": person(contact.target),
                "organization_id": organization(host),
                "role": as_json({"slug": "guest"}),
                "status": "active",
                "created_at": iso(contact.at),
            }
        )
        invitations.append(
            {
                "id": "invitation_" + _ulid("invitation", len(invitations)),
                "email": contact.target.email,
                "state": "accepted",
                "organization_id": organization(host),
                "inviter_user_id": person(contact.source),
                "accepted_user_id": person(contact.target),
                "created_at": iso(contact.at - timedelta(days=1)),
                "accepted_at": iso(contact.at),
            }
        )
    events = [
        _audit_event(number, person(user), iso(at), f"document.{feature.replace(' ', '_')}", [])
        for number, (user, at, feature) in enumerate(world.events)
    ]
    for number, contact in enumerate(world.contacts):
        with_whom = {"type": "user", "id": person(contact.target)}
        shared = _audit_event(
            10_000 + number, person(contact.source), iso(contact.at), "document.shared", [with_whom]
        )
        events.append(shared)
    tables: dict[str, list[Row]] = {"organizations": organizations}
    tables |= {"organization_memberships": memberships, "invitations": invitations}
    tables |= {"audit_log_events": events}
    for name, rows in tables.items():
        write_parquet(folder / f"{name}.parquet", rows)


def _audit_event(number: int, actor: str, at: str | None, action: str, targets: list[dict[str, str]]) -> Row:
    document = {"type": "document", "id": f"doc_{number // 3}"}
    return {
        "id": "audit_" + _ulid("audit", number),
        "action": action,
        "occurred_at": at,
        "actor": as_json({"type": "user", "id": actor}),
        "targets": as_json([document, *targets]),
    }


def _ulid(kind: str, number: int) -> str:
    return "01H" + token(kind, number, 23, "0123456789ABCDEFGHJKMNPQRSTVWXYZ").removeprefix(kind)
