"""What is known of a version only after its page was written, put into the page: status, number, day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from markupsafe import escape

from ripple.training.report.text import words

PLACEHOLDER = "<!-- standing -->"
"""The comment that marks the place of the status; reports in MLflow hold it."""
VERSION_PLACEHOLDER = "<!-- version -->"
"""The comment that marks the place of the number and the day among the facts on the first screen."""


def with_status(page: str, sentences: Sequence[str]) -> str:
    """*page* with *sentences* before the answer, the first of them as a heading."""
    title, *paragraphs = (escape(sentence) for sentence in sentences)
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return page.replace(
        PLACEHOLDER, f'<div class="verdict aside" id="status"><h2>{title}</h2>{body}</div>', 1
    )


def with_version(page: str, number: str, made: datetime) -> str:
    """*page* with the *number* of its version and the day on which it was *made*."""
    facts = (("Version", number), ("Made on", words.day(made)))
    listed = "".join(f"<div><dt>{name}</dt><dd>{escape(fact)}</dd></div>" for name, fact in facts)
    return page.replace(VERSION_PLACEHOLDER, listed, 1)
