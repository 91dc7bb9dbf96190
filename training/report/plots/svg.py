"""Matplotlib's SVG made fit to stand inside a page: the page's colours and font, no spare ids, no links."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from markupsafe import Markup

INK, MUTED, LINE, ACCENT = "#010101", "#020202", "#030303", "#040404"
"""Stand-ins that figures are drawn in; `inline` turns each into the page's colour, light or dark."""
COLOURS = {
    INK: "currentColor",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
}


def inline(svg: str, label: str) -> str:
    """The ``<svg>`` element of the file *svg*, to be read out as *label*."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r"font-family: [^;\"]*;? ?", "", body)
    box = re.search(r'viewBox="[^"]*"', body)
    body = re.sub(
        r"<svg[^>]*>", f'<svg {box[0] if box else ""} role="img" aria-label="{escape(label)}">', body, count=1
    )
    body = body.replace("xlink:href", "href")
    body = body.replace('id="mark"', 'class="mark"')
    # the page holds several figures, whose elements matplotlib numbers alike
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in used else "", body)
    for colour, variable in COLOURS.items():
        body = body.replace(colour, variable)
    return re.sub(r" ?\n *", "\n", body)


def bars(values: Sequence[float], label: str) -> Markup:
    """A few small bars without axes, read out as *label*; none of *values* is negative."""
    most, step = max([*values, 1e-9]), 12
    drawn = "".join(
        f'<rect class="mark" x="{step * i}" y="{30 - height:.1f}" width="{step - 3}" height="{height:.1f}"/>'
        for i, height in enumerate(max(30 * value / most, 0.8) for value in values)
    )
    return Markup(
        f'<svg class="bars" viewBox="0 0 {step * len(values)} 31" width="{step * len(values)}" height="31" '
        f'role="img" aria-label="{Markup.escape(label)}">{drawn}</svg>'
    )
