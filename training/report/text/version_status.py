"""The current status of a version, put at the top of a page that was written before the status was known."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import escape

PLACEHOLDER = "<!-- standing -->"
"""The comment that marks the place; reports in MLflow hold it."""


def with_status(page: str, sentences: Sequence[str]) -> str:
    """*page* with *sentences* before the answer, the first of them as a heading."""
    title, *paragraphs = (escape(sentence) for sentence in sentences)
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return page.replace(
        PLACEHOLDER, f'<div class="verdict aside" id="status"><h2>{title}</h2>{body}</div>', 1
    )
