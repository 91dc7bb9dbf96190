"""The size and style of all figures, and their conversion from matplotlib into the page.

matplotlib takes seconds to import, so only modules of this folder import it. Every figure is
`WIDTH` points wide, so that its text is as readable on a phone as on a desk.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ripple.training.report.plots.svg import INK, LINE, MARK, MUTED, SEPARATOR, inline

WIDTH = 420
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "ripple",
    "font.size": 11,
    "text.color": INK,
    "axes.labelcolor": MUTED,
    "axes.edgecolor": LINE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "legend.labelcolor": MUTED,
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in the placeholder colours of the page and at its text size."""
    with matplotlib.rc_context(STYLE):
        yield


def axes(height: float) -> tuple[Figure, Axes]:
    """An empty figure of the page's width, with one pair of axes; *height* in points."""
    figure = Figure(figsize=(WIDTH / 72, height / 72), layout="constrained")
    return figure, figure.add_subplot()


def hover(artist: Artist, tips: Sequence[str]) -> None:
    """Have each point of *artist*, none of them nan, show its tip where it is pointed at."""
    artist.set_gid(MARK + "".join(SEPARATOR + tip for tip in tips))


def svg(figure: Figure, label: str) -> Markup:
    """The figure as an ``<svg>`` element that a screen reader reads as *label*.

    Artists that show data get the class "mark"; those that only guide the eye have the gid "guide".
    """
    for drawn in figure.axes:
        for artist in (*drawn.collections, *drawn.lines, *drawn.patches):
            artist.set_gid(artist.get_gid() or MARK)
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", transparent=True, dpi=200, metadata=dict.fromkeys(("Date", "Creator"))
    )
    return Markup(inline(buffer.getvalue(), label))
