"""Conversion of matplotlib's SVG for use inside a page: its colours and font, no unused ids, no links."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from markupsafe import Markup

INK, MUTED, LINE, ACCENT = "#010101", "#020202", "#030303", "#040404"
"""The placeholder colours that figures are drawn in; `inline` replaces them by the colours of the page."""
COLOURS = {
    INK: "currentColor",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    ACCENT: "var(--accent)",
}


def inline(svg: str, label: str) -> str:
    """The ``<svg>`` element of the file *svg*, which a screen reader reads as *label*."""
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
    body = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", body)
    for colour, variable in COLOURS.items():
        body = body.replace(colour, variable)
    return re.sub(r" ?\n *", "\n", body)


def small_bars(values: Sequence[float], label: str) -> Markup:
    """Small bars without axes that a screen reader reads as *label*; no value may be negative."""
    largest, step = max([*values, 1e-9]), 12
    rectangles = "".join(
        f'<rect class="mark" x="{step * i}" y="{30 - height:.1f}" width="{step - 3}" height="{height:.1f}"/>'
        for i, height in enumerate(max(30 * value / largest, 0.8) for value in values)
    )
    return Markup(
        f'<svg class="bars" viewBox="0 0 {step * len(values)} 31" width="{step * len(values)}" height="31" '
        f'role="img" aria-label="{Markup.escape(label)}">{rectangles}</svg>'
    )
