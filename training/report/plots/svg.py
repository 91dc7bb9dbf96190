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
MARK, SEPARATOR = "mark", "\N{SYMBOL FOR UNIT SEPARATOR}"
"""The id of an element that shows data, which becomes its class, and what separates the tips after it."""


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
    body = _with_tips(body).replace(f'id="{MARK}"', f'class="{MARK}"')
    # the page holds several figures, whose elements matplotlib numbers alike
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", body)
    for colour, variable in COLOURS.items():
        body = body.replace(colour, variable)
    return re.sub(r" ?\n *", "\n", body)


def _with_tips(body: str) -> str:
    """*body* in which the tips of each id stand at the elements that are drawn next."""
    # matplotlib puts single quotes around a text that holds a double one
    first, *groups = re.split(rf"""id=(["']){MARK}{SEPARATOR}(.*?)\1""", body)
    parts = [first]
    for tips, group in zip(groups[1::3], groups[2::3], strict=True):
        # points are copies of a definition, bars are paths
        drawn = "use" if "<defs>" in group.split("</g>")[0] else "path"
        waiting = iter(tips.replace('"', "&quot;").split(SEPARATOR))
        parts += [
            f'class="{MARK}"',
            re.sub(
                rf"<{drawn} ",
                lambda match, waiting=waiting: (
                    match[0] if (tip := next(waiting, None)) is None else f'{match[0]}data-tip="{tip}" '
                ),
                group,
            ),
        ]
    return "".join(parts)


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
