"""Forest plots: effects with their intervals, one below the other, around zero."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import ACCENT, INK, MUTED

LINE_POINTS = 30
"""The height of an effect, in points."""


def forest(
    names: Sequence[str], effects: np.ndarray, axis: str, label: str, guide: tuple[float, str] | None = None
) -> Markup:
    """Effects as dots with their intervals as lines; those whose interval holds zero are paler.

    Args:
        names: of the effects, from above.
        effects: effect, lower and upper bound; effects × 3.
        axis: the text below the axis.
        label: what a screen reader reads.
        guide: a value that is marked by a dotted line, and what it is.
    """
    with canvas.style():
        figure, axes = canvas.axes(52 + LINE_POINTS * len(names))
        positions = np.arange(len(names))[::-1]
        effect, low, high = effects.T
        sure = (low > 0) | (high < 0)
        colours = [ACCENT if one else MUTED for one in sure]
        axes.axvline(0, color=INK, lw=1, gid="guide")
        if guide is not None:
            axes.axvline(guide[0], color=MUTED, lw=1, ls=":", gid="guide")
            axes.annotate(
                guide[1].replace("$", r"\$"),
                (guide[0], 1),
                xycoords=axes.get_xaxis_transform(),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=9,
                color=MUTED,
            )
        axes.hlines(positions, low, high, colors=colours, lw=2.5, alpha=0.6)
        axes.scatter(effect, positions, s=40, c=colours, linewidths=0, zorder=3)
        axes.set_yticks(positions, [name.replace("$", r"\$") for name in names])
        axes.set_ylim(-0.6, len(names) - 0.4)
        # ticks would overlap where amounts are long
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace("-", "−")))
        axes.grid(axis="x")
        axes.set_xlabel(axis.replace("$", r"\$"))
        return canvas.svg(figure, label)
