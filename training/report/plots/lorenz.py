"""Lorenz curves from the top: the share of value that the best customers hold."""

from __future__ import annotations

import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import PercentFormatter

from ripple.training.insights.concentration import LIFETIME, NETWORK, SPEND
from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import ACCENT, INK, MUTED
from ripple.training.report.text import words

LINES = {
    ("revenue", SPEND): ("revenue, by spend", INK, "-"),
    ("network_value", NETWORK): ("network value, by network value", ACCENT, "-"),
    ("revenue", NETWORK): ("revenue, by network value", ACCENT, "--"),
    ("lifetime_value", LIFETIME): ("lifetime value, by lifetime value", ACCENT, "-"),
}
"""The name, colour and line style of each curve, by measure and ranking."""
MARK = 0.1
"""The share of customers at which the label of the figure reads the curves."""


def lorenz(curves: pd.DataFrame) -> Markup:
    """Share held by the best share of customers, one curve per known column of *curves*; "" if none is."""
    known = [pair for pair in LINES if pair in curves and curves[pair].notna().all()]
    if not known:
        return Markup("")
    with canvas.style():
        figure, axes = canvas.axes(330)
        axes.plot([0, 1], [0, 1], color=MUTED, lw=1, ls=":", label="equal for all", gid="guide")
        readings = []
        for pair in known:
            name, colour, style = LINES[pair]
            axes.plot(curves.index, curves[pair], color=colour, ls=style, lw=2, label=name)
            share_held = float(curves[pair][curves.index <= MARK].iloc[-1])
            readings.append(f"the first tenth holds {words.percent(share_held)} of {name}")
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid()
        axes.set_xlabel("share of customers, the best first")
        axes.set_ylabel("share held")
        axes.legend(loc="lower right")
        return canvas.svg(figure, f"Concentration curves: {'; '.join(readings)}.")
