"""A small picture of who influences whom around one customer."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

MAX_EACH = 8
"""The number of customers on either side, at most; the table beside the picture has all of them."""
WIDTH, ROW, MIDDLE = 420, 24, 210
LABEL_LENGTH = 18


def influence_graph(
    name: str, influencers: Sequence[tuple[str, float]], influenced: Sequence[tuple[str, float]]
) -> Markup:
    """Those who influence a customer on the left, whom the customer influences on the right; "" without any.

    Args:
        name: of the customer.
        influencers, influenced: the name and the credited amount of each, the largest amount first. The width
            of a line is in proportion to the amount.
    """
    left, right = influencers[:MAX_EACH], influenced[:MAX_EACH]
    if not left and not right:
        return Markup("")
    height = ROW * max(len(left), len(right), 2) + 30
    largest = max(amount for _, amount in (*left, *right)) or 1.0
    centre = height / 2 + 8
    parts = [
        _side(left, largest, centre, height, WIDTH * 0.31, "end", MIDDLE - 14),
        _side(right, largest, centre, height, WIDTH * 0.69, "start", MIDDLE + 14),
        f'<circle class="mark" cx="{MIDDLE}" cy="{centre:.0f}" r="10"/>',
        f'<text x="{MIDDLE}" y="{centre + 26:.0f}" text-anchor="middle" class="self">{_short(name)}</text>',
    ]
    parts += [_heading(WIDTH * 0.31, "end", "influenced by")] if left else []
    parts += [_heading(WIDTH * 0.69, "start", "influences")] if right else []
    label = (
        f"{name}: influenced by {', '.join(one for one, _ in left) or 'nobody'}; "
        f"influences {', '.join(one for one, _ in right) or 'nobody'}."
    )
    return Markup(
        f'<svg class="graph" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _heading(x: float, anchor: str, text: str) -> str:
    return f'<text class="hint" x="{x:.0f}" y="12" text-anchor="{anchor}">{text}</text>'


def _side(
    people: Sequence[tuple[str, float]],
    largest: float,
    centre: float,
    height: float,
    x: float,
    anchor: str,
    inner: float,
) -> str:
    """The lines to the people of one side, each with its name, one below the other."""
    step = (height - 30) / max(len(people), 1)
    drawn = []
    for i, (name, amount) in enumerate(people):
        y = 24 + step * (i + 0.5)
        outer = x + (6 if anchor == "end" else -6)
        bend = (outer + inner) / 2
        drawn.append(
            f'<path d="M{outer:.0f} {y:.0f}C{bend:.0f} {y:.0f} {bend:.0f} {centre:.0f} {inner:.0f} '
            f'{centre:.0f}" '
            f'stroke-width="{max(6 * amount / largest, 0.8):.1f}"/>'
            f'<text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="{anchor}">{_short(name)}</text>'
        )
    return "".join(drawn)


def _short(name: str) -> str:
    return str(escape(name if len(name) <= LABEL_LENGTH else f"{name[: LABEL_LENGTH - 1]}…"))
