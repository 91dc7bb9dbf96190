"""What the values of a column are: numbers, times and their form, nested objects."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from itertools import islice

from ripple.features.profiling.words import terms
from ripple.sections.tables import EPOCHS

MAX_PARSED = 200
"""The number of distinct values that are tried against each form."""
MAX_ELEMENTS = 3
"""The number of elements of a list that are looked at one by one."""
_ISO = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?( ?(Z|UTC|[+-]\d\d(:?\d\d)?))?)?", re.IGNORECASE
)
_DATED = re.compile(r"\d|[a-z]{3,9},? .*\d", re.IGNORECASE)
_EUROPEAN = re.compile(r"-?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")
_DATES = (
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d"),
    *("%d %b %Y", "%b %d, %Y", "%d %B %Y", "%B %d, %Y", "%d-%b-%Y", "%d/%m/%y", "%m/%d/%y"),
)
_CLOCKS = ("", " %H:%M:%S", " %H:%M", ", %H:%M:%S", ", %H:%M", " %I:%M %p", " %I:%M:%S %p", ", %I:%M %p")
FORMATS = (
    *(date + clock for date in _DATES for clock in _CLOCKS),
    *(
        "%Y-%m-%d %H:%M:%S.%f %Z",
        "%Y%m%d%H%M%S",
        "%Y%m%dT%H%M%SZ",
        "%a %b %d %H:%M:%S %Y",
        "%Y/%m/%dT%H:%M:%S",
    ),
)
"""The formats of strptime that are tried."""
_EARLIEST, _LATEST = datetime(1995, 1, 1), datetime(2045, 1, 1)
_EPOCH = datetime(1970, 1, 1)


CURRENCIES = terms("""
    aed, ars, aud, bgn, brl, cad, chf, clp, cny, cop, czk, dkk, egp, eur, gbp, hkd, huf, idr, ils, inr,
    isk, jpy, kes, krw, mad, mxn, myr, ngn, nok, nzd, pen, php, pln, qar, ron, rub, sar, sek, sgd, thb,
    try, twd, uah, usd, vnd, zar
""")
"""Currencies, by ISO 4217."""
BAD_STATES = terms("""
    abandoned, authorized, blocked, canceled, cancelled, closed lost, created, declined, deleted, draft,
    error, expired, fail, failed, incomplete, incomplete_expired, lost, new, open, past_due, pending,
    checkout-draft, not_paid, on-hold, payment_due, processing, rejected, requires_payment_method,
    trash, uncollectible, unpaid, void, voided
""")
GOOD_STATES = terms("""
    active, approved, captured, closed, closed won, complete, completed, delivered, done, fulfilled, invoiced,
    paid, paid_out, partially_refunded, refunded, settled, shipped, succeeded, success, won
""")


def numbers(values: Iterable[str]) -> tuple[list[float], str] | None:
    """The *values* as numbers, with their decimal mark; None if one of them is none."""
    values = list(values)
    if not values:
        return None
    try:
        return [float(value) for value in values if value.strip().lower() not in ("nan", "inf")], "."
    except ValueError:
        if all(_EUROPEAN.fullmatch(value.strip()) for value in values):
            return [float(value.replace(".", "").replace(",", ".")) for value in values], ","
        return None


def epoch_form(values: Collection[float]) -> str | None:
    """The form of times that are numbers since 1970, by when they would be; None if they are none."""
    low, high = min(values), max(values)
    for form, per_second in EPOCHS.items():
        first, last = ((moment - _EPOCH).total_seconds() * per_second for moment in (_EARLIEST, _LATEST))
        if first <= low and high <= last:
            return form
    return None


def text_forms(values: Collection[str]) -> list[str]:
    """The forms in which all *values* are times: an empty text for ISO 8601, else formats of strptime."""
    tried = [value.strip() for value in islice(values, MAX_PARSED)]
    if not tried or not _DATED.match(tried[0]):
        return []
    if all(_ISO.fullmatch(value) for value in tried):
        return [""]
    return [form for form in FORMATS if all(_fits(value, form) for value in tried)]


def moment(value: str, form: str) -> datetime | None:
    """A time in one of the forms that `epoch_form` and `text_forms` find, None where it is none."""
    try:
        if form in EPOCHS:
            return datetime.fromtimestamp(float(value) / EPOCHS[form], UTC).replace(tzinfo=None)
        if form:
            return datetime.strptime(value.strip(), form)
        return datetime.fromisoformat(value.strip().removesuffix("UTC").strip()).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None


def _fits(value: str, form: str) -> bool:
    parsed = moment(value, form)
    return parsed is not None and _EARLIEST <= parsed <= _LATEST


def leaves(values: Iterable[str | None], depth: int = 3) -> dict[tuple[str, ...], list[str | None]]:
    """By path, the scalars in texts that are JSON objects or lists, as ``->>`` reads them.

    There are none if a text is neither.
    A path names the place of an element of a list in brackets, as in ``("targets", "[0]", "id")``.
    """
    found: dict[tuple[str, ...], list[str | None]] = {}
    rows = list(values)
    for place, text in enumerate(rows):
        if text is None or not text.strip():
            continue
        if not text.lstrip().startswith(("{", "[")):
            return {}
        try:
            parsed = json.loads(text)
        except ValueError:
            return {}
        for path, value in _scalars(parsed, (), depth):
            found.setdefault(path, [None] * len(rows))[place] = value
    return found


def _scalars(value: object, path: tuple[str, ...], depth: int) -> Iterable[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict | list):
        inside = (
            value.items()
            if isinstance(value, dict)
            else ((f"[{place}]", element) for place, element in enumerate(value[:MAX_ELEMENTS]))
        )
        for key, inner in inside if depth else ():
            yield from _scalars(inner, (*path, key), depth - 1)
    elif isinstance(value, bool):
        yield path, str(value).lower()
    elif isinstance(value, str | int | float):
        yield path, str(value)
