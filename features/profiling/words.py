"""The words that tables and columns are called by, and what they are called in the contract."""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache

Words = dict[str, float]
"""A word, or several with spaces between them → how sure it says what is meant."""


def terms(text: str) -> frozenset[str]:
    """The terms of a *text* with commas between them."""
    return frozenset(" ".join(term.split()) for term in text.split(","))


def weighted(text: str) -> Words:
    """Terms by lines: how sure they say it, a colon, and the terms with commas between them."""
    lines = re.findall(r"([\d.]+): ([^:]+?)(?=\s*(?:[\d.]+:|$))", text.strip())
    return {term: float(weight) for weight, listed in lines for term in terms(listed)}


_PARTS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_NOISE = terms("""
    all, c, data, dataset, dim, dump, export, exports, fact, fct, full, list, r, raw, sheet, stg, table,
    tbl, v
""")
_SUFFIXES = {"at", "date", "id", "name", "time", "type"}
_BASES = {
    "channel",
    "delete",
    "deleted",
    "display",
    "parent",
    "product",
    "root",
    "thread",
    "update",
    "updated",
}
_PLURALS = {"companies": "company", "people": "person", "children": "child", "analyses": "analysis"}


def tokens(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case and the singular, without those that say nothing."""
    words = [_singular(part) for word in _PARTS.findall(name) for part in _unglued(word.lower())]
    plain = tuple(word for word in words if word not in _NOISE and not word.isdigit())
    return plain or tuple(words)


def _unglued(word: str) -> tuple[str, ...]:
    """The two words that are written as one, as in userid, createat and teammember."""
    if len(word) < 5 or word in _glued() or _singular(word) in _glued():
        return (word,)
    for end in range(len(word) - 2, 2, -1):
        first, second = word[:end], word[end:]
        if first in _glued() and (second in _SUFFIXES or (len(second) > 3 and _singular(second) in _glued())):
            return first, second
    return (word,)


@cache
def _glued() -> frozenset[str]:
    """The words of which a name may be made: all that are known to name people, times or interactions."""
    known = (ACCOUNTS, PEOPLE, JOINED, ORDERED, HAPPENED, ORDERS, *KINDS.values())
    words = {word for terms in known for term in terms for word in term.split()}
    return frozenset(words | SOURCES | TARGETS | _BASES)


def _singular(word: str) -> str:
    if word in _PLURALS:
        return _PLURALS[word]
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    if (
        word.endswith("s")
        and not word.endswith(("ss", "us", "is"))
        and len(word) > 3
        and word not in ("nps", "sales")
    ):
        return word[:-1]
    return word


def likeness(words: tuple[str, ...], known: Words) -> float:
    """How sure a name of these *words* says what the *known* ones do."""
    best = 0.0
    for text, weight in known.items():
        parts = tuple(text.split())
        if words == parts or words == (*parts, "id"):
            best = max(best, weight)
        elif words[-len(parts) :] == parts:
            best = max(best, 0.93 * weight)
        elif set(parts) <= set(words):
            best = max(best, 0.8 * weight)
    return best


def head_likeness(words: tuple[str, ...], known: Words) -> float:
    """The same for a table, whose last word says what its rows are."""
    best = 0.0
    for text, weight in known.items():
        parts = tuple(text.split())
        if words == parts:
            best = max(best, weight)
        elif words[-len(parts) :] == parts:
            best = max(best, 0.9 * weight)
    return best


def alike(first: Collection[str], second: Collection[str]) -> float:
    """The share of words that two names have in common, without those of ids."""
    one, other = (set(words) - GENERIC for words in (first, second))
    return len(one & other) / len(one | other) if one and other else 0.0


COUNTING = {"number", "count", "type", "version", "position", "rank", "index", "level", "total", "size"}
"""Words of columns that count or order, and name nothing."""
GENERIC = {"id", "key", "code", "ref", "uuid", "guid", "fk", "pk", "number", "no", "external"}
"""Words of columns that say that it is an id, not of what."""
TIME_WORDS = terms("""
    at, closed, created, date, datetime, day, end, epoch, happened, micro, millis, moment, month, ms,
    occurred, on, received, sent, since, start, time, timestamp, ts, tstamp, when
""")

ACCOUNTS: Words = weighted("""
    1: customer
    0.92: account, company, organization, organisation, client
    0.9: org, buyer
    0.88: tenant
    0.85: workspace, shopper
    0.6: shop
    0.7: group, business, subscriber
    0.8: household
    0.75: team, merchant
    0.3: project
""")
"""What a table of customers is called where these are companies, or simply customers."""
PEOPLE: Words = weighted("""
    0.7: user, player, subscriber
    0.65: member, person
    0.6: contact, profile
    0.4: login, employee, seat
    0.5: identify, actor
    0.3: lead, visitor
""")
"""What a table of people is called, who may be the customers or belong to them."""
PERSON: Words = ACCOUNTS | PEOPLE | weighted("0.8: payer\n0.5: distinct\n0.4: by, owner, author")
JOINED: Words = weighted("""
    1: joined, signed up
    0.95: signup, sign up, registered
    0.9: registration, created, create date
    0.7: first seen, since
    0.5: start, activated
    0.3: date
    0.4: first
    0.6: onboarded, timestamp
""")
ORDERED: Words = weighted("""
    1: ordered
    0.98: purchased, order date
    0.97: paid
    0.96: purchase date
    0.95: invoice date, invoiced, payment date, transaction date, placed
    0.94: processed, close date
    0.9: closed, issued, billed, booked
    0.85: created, completed
    0.7: date, timestamp, tstamp
    0.65: time, ts
    0.6: day
    0.5: at
""")
HAPPENED: Words = weighted("""
    1: occurred, happened
    0.97: event timestamp, event time
    0.95: timestamp, tstamp
    0.75: event date, day, accepted, invited
    0.9: time, ts, shared, submitted, posted
    0.88: created
    0.8: date, sent, used, sent at
    0.97: derived tstamp
    0.85: viewed, answered, responded, date time
    0.7: started, when, original timestamp
    0.6: at, ms, joined
    0.5: closed
    0.55: received
""")
LATE_WORDS = terms("""
    archived, became, birth, bumped, canceled, cancelled, collector, deleted, due, end, ended, etl,
    expire, expired, expiry, ingested, last, loaded, merged, modified, next, previous, server, sync, synced,
    system, trial, until, updated, upload
""")
"""Words of times that are not those of the event."""
KNOWN_AT: Words = weighted("""
    1: received, ingested, loaded, server received
    0.9: server upload, server upload time
""")
REVENUE: Words = weighted("""
    1: revenue
    0.98: net amount
    0.93: amount
    0.95: total price, net total, line total
    0.88: total
    0.86: subtotal
    0.85: net
    0.7: price, paid, sale, spend, cent
    0.94: amount paid
    0.8: mrr, gmv
    0.6: arr, value, payment, unit price
    0.4: fee
    0.9: turnover
""")
REFUNDED: Words = {"refund": 1.0, "refund amount": 1.0, "refunded amount": 1.0, "amount refunded": 1.0}
NO_REVENUE = terms("""
    balance, cost, count, discount, due, exchange, fee, id, off, percent, quantity, rate, refunded,
    remaining, shipping, tax, tip, vat
""")
MARGIN: Words = weighted("""
    1: margin, gross margin
    0.95: profit
    0.98: gross profit
    0.7: contribution
""")
PRODUCT: Words = weighted("""
    1: product, product id
    0.97: sku
    1.02: product code
    0.92: plan
    0.85: item, line item
    0.8: package
    0.7: course, service
    0.6: variant, edition, offer, license, article
    0.5: title, tier
    0.4: description
    0.45: category
    0.9: subscription plan
    0.35: price
""")
FEATURE: Words = weighted("""
    1: feature
    0.99: event name
    0.96: event
    0.95: event type
    0.93: action
    0.9: activity, event action
    0.7: tool, page, module, metric, endpoint, function, verb
    0.8: screen, command, operation, meter
    0.6: type, kind
    0.55: name
    0.5: path
    0.4: category
""")
QUANTITY: Words = weighted("""
    1: quantity
    0.9: count
    0.8: unit
    0.75: value
    0.95: qty
    0.5: number, duration, amount
""")
TIER: Words = weighted("""
    1: tier
    0.8: level, advanced
    0.9: is advanced
    0.5: class, group, category
""")
ORDERS: Words = weighted("""
    1: order
    0.93: invoice
    0.86: payment
    0.85: charge, booking
    0.88: transaction
    0.97: purchase
    0.95: sale, sales
    0.6: subscription, checkout, contract, license
    0.8: opportunity, deal, receipt, bill, revenue, donation
    0.75: billing
""")
LINES: Words = weighted("""
    0.9: line, item
    1: line item, order item, invoice item
    0.7: position, detail
    0.6: product
""")
REFUNDS: Words = weighted("""
    1: refund, refunded
    0.9: return, credit note, chargeback, credit memo
    0.8: reversal
""")
USAGE: Words = weighted("""
    0.95: event, meter event, usage record
    1: usage, feature usage
    0.9: track, activity, telemetry
    0.85: action, click
    0.7: log, view, page, screen, hit, login
    0.6: session, metric, export, daily, audit, visit
    0.8: meter
    0.5: interaction, feature, stat
""")
CATALOG: Words = weighted("""
    1: catalog, catalogue
    0.9: feature
    0.6: feature flag, tool
    0.7: module
""")
RATES: Words = weighted("""
    0.8: rate, currency type
    1: exchange rate, fx rate, currency rate
    0.9: exchange, currency, fx
    0.95: conversion rate
""")
MEMBERS: Words = weighted("""
    1: member, membership
    0.8: user, seat
    0.75: contact
    0.7: person, employee
""")
KINDS: dict[str, Words] = {
    "referral": weighted("""
        1: referral, referred, referrer, refer
        0.8: affiliate
        0.9: referee
        0.7: introduction, recommendation
        0.5: friend, promo, voucher, code
        0.6: coupon, discount code
    """),
    "invite": weighted("""
        1: invite, invitation, inviter, invitee, invited
    """),
    "share": weighted("""
        1: share, shared
        0.7: document, collaborator
        0.6: permission, reader, viewer
        0.5: view, read
        0.8: document view
        0.3: page view
    """),
    "answer": weighted("""
        1: answer, accepted answer, answered
        0.9: reply, replied, solution
        0.5: response
        0.7: comment
        0.6: respond
    """),
    "post": weighted("0.7: post, topic, thread, article\n0.6: blog"),
    "review": weighted("""
        0.9: review, reviewed, reviewer, code review, pull request review
    """),
    "mention": weighted("""
        1: mention, mentioned
        0.4: tag
    """),
    "follow": weighted("""
        1: follow, followed, follower
        0.8: friendship
        0.6: connection
        0.5: like
    """),
    "endorsement": weighted("""
        1: endorsed, endorsement
        0.8: testimonial
    """),
    "template": weighted("""
        0.9: template
        1: template use
        0.6: clone
        0.8: fork
        0.5: copied, copy, import
    """),
    "mentoring": weighted("""
        1: mentor, mentoring, mentee
        0.8: coach
    """),
    "integration": weighted("""
        0.9: integration
    """),
}
"""Kind of interaction → what tables and columns of such are called."""
SOURCES = terms("""
    advisor, advocate, affiliate, answerer, author, by, creator, followed, followee, from, host,
    invited, inviter, inviting, mentor, owner, partner, promoter, publisher, referred, referrer,
    referring, reviewer, seller, sender, shared, source, uploader
""")
"""Words of a column whose person influences the other one of the row."""
TARGETS = terms("""
    accepted, accepter, asker, buyer, current, customer, follower, friend, grantee, guest, invitee,
    member, mentee, mentioned, new, notified, reader, receiver, recipient, referee, requester,
    subscriber, target, to,
    viewer, visitor, with
""")
"""Words of a column whose person is influenced by the other one of the row."""
CODES = {"code", "coupon", "promo", "voucher", "referral", "discount"}
"""Words of a column with what a person passes on, by which the other one comes."""
