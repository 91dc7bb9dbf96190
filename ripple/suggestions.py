"""The known word that a misspelt one was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def most_similar(word: str, known: Iterable[str], similarity: float = 0.5) -> str | None:
    """The known word most similar to *word*; None if the *similarity* of none, from 0 to 1, is as high."""
    return next(iter(difflib.get_close_matches(word, list(known), n=1, cutoff=similarity)), None)


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` for the known word most similar to *word*, or the list of them."""
    known = list(known)
    similar = most_similar(word, known)
    return f"; did you mean '{similar}'?" if similar else f"; known are {', '.join(sorted(known))}"
