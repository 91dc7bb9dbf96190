"""Which column of the contract a column of another name was probably meant to be."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ripple.suggestions import most_similar

SYNONYMS = {
    "known_at": "loaded ingested inserted synced imported received available processed recorded extracted "
    "fivetransynced airbyteextractedat etlloaded dwhloaded loadtime loadts ingestiontime",
    "order_id": "order ordernumber ordernr orderno invoice invoiceid transactionid",
    "line": "linenumber lineno lineitem orderline orderlineid lineid position",
    "margin": "grossmargin profit grossprofit contribution contributionmargin",
    "revenue": "amount netamount total price sales turnover netrevenue",
    "quantity": "qty count events hits clicks",
    "user_id": "user userid login member memberid employee",
    "product": "sku productid item itemid article",
    "kind": "type interaction interactiontype eventtype",
    "weight": "strength importance",
    "score": "rating nps csat sentiment",
    "feature": "module function event eventname",
    "tier": "level class",
    "released_at": "released launched launchedat releasedate",
    "joined_at": "signup signedup created registered joined since customersince signupdate",
    "ordered_at": "orderdate purchased purchasedat ordertime date timestamp created",
    "occurred_at": "timestamp date time eventtime happened eventdate created",
    "customer_id": "customer client clientid account accountid company companyid",
    "source_id": "source from sender referrer referrerid",
    "target_id": "target to recipient receiver referred referredid referee",
}
"""Column of the contract → names that others have for it, as `bare` writes them."""


def bare(name: str) -> str:
    """A name in lower case and without anything but letters and digits."""
    return re.sub(r"[\W_]+", "", name).lower()


def near_column(name: str, candidates: Iterable[str]) -> str | None:
    """The one of the contract's columns *candidates* that the column *name* was probably meant to be."""
    candidates, written = list(candidates), bare(name).removesuffix("cents")
    for column in candidates:
        synonyms = SYNONYMS.get(column, "").split()
        if written == bare(column) or {written, written.removesuffix("at")} & {*synonyms}:
            return column
    similar = most_similar(written, map(bare, candidates), 0.8)
    return next((column for column in candidates if bare(column) == similar), None)


def near_source(column: str, theirs: Iterable[str]) -> str | None:
    """The one of *theirs* that is probably meant to be the contract's *column*."""
    theirs = list(theirs)
    near = next((name for name in theirs if near_column(name, [column]) is not None), None)
    return near or most_similar(column, theirs)
