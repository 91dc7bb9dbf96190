"""The known word that a misspelt one was probably meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def most_similar(word: str, known: Iterable[str], cutoff: float = 0.5) -> str | None:
    """The known word most similar to *word*, whatever their case; None if none is similar.

    Args:
        word: the word.
        known: the known words.
        cutoff: how similar it has to be, from 0 to 1, as `difflib.SequenceMatcher.ratio` has it.
    """
    spelt = {one.lower(): one for one in known}
    close = difflib.get_close_matches(word.lower(), spelt, n=1, cutoff=cutoff)
    return spelt[close[0]] if close else None


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean …?`` for the known word most similar to *word*, or the list of them."""
    known = list(known)
    similar = most_similar(word, known)
    return f"; did you mean '{similar}'?" if similar else f"; known are {', '.join(sorted(known))}"
