"""Where a version stands today, told at the top of a page that was written before that was known."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import escape

PLACE = "<!-- standing -->"


def with_standing(page: str, said: Sequence[str]) -> str:
    """*page* with the sentences of `ripple.training.registry.model_versions.standing` before the answer."""
    title, *rest = (escape(sentence) for sentence in said)
    told = "".join(f"<p>{sentence}</p>" for sentence in rest)
    return page.replace(PLACE, f'<div class="verdict aside" id="standing"><h2>{title}</h2>{told}</div>', 1)
