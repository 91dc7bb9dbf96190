"""Text that may be shown, logged or kept: without the passwords that were in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "***"
_PATTERNS = (
    # user:password@ of a URL, up to the last @ of the line: a password may hold one that should be %40
    re.compile(r"(:/{1,2})[^\s@/:]*:.*(?=@)"),
    # of a URL's query, or of the parameters of libpq
    re.compile(r"(password=)(?:'(?:[^'\\]|\\.)*'|[^\s&'\"]+)", re.IGNORECASE),
)


def hidden(text: str, known: Iterable[str] = ()) -> str:
    """*text* with ``***`` for the *known* secrets, however encoded, and for the credentials of URLs."""
    forms = {form for one in known if one for form in (one, quote(one, safe=""), quote(one), quote_plus(one))}
    # the longest first: an encoded form may hold the plain one
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    for pattern in _PATTERNS:
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return text
