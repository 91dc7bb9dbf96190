"""Bars of expected amounts, with the interval of their sum."""

from __future__ import annotations

import numpy as np
import pandas as pd
from markupsafe import Markup

from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import ACCENT, INK, MUTED
from ripple.training.report.text import words


def amount_bars(amounts: pd.DataFrame, title: str, currency: str) -> Markup:
    """A stacked bar for each row of *amounts*; "" if all are zero.

    Args:
        amounts: columns `network` and `direct`, the two parts of each bar in *currency*; `low` and `high`,
            which may be absent, are the bounds of their sum. The index names the bars.
    """
    total = amounts["network"] + amounts["direct"]
    largest = float(amounts.get("high", total).max())
    if not largest > 0:
        return Markup("")
    with canvas.style():
        figure, axes = canvas.axes(90 + 30 * len(amounts))
        positions = np.arange(len(amounts))[::-1]
        axes.barh(positions, amounts["network"], height=0.6, color=ACCENT, label="network value")
        direct = amounts["direct"]
        axes.barh(
            positions, direct, height=0.6, left=amounts["network"], color=MUTED, alpha=0.5, label="own spend"
        )
        if "low" in amounts:
            axes.hlines(positions, amounts["low"], amounts["high"], color=INK, lw=1.6, label="interval")
        axes.set_yticks(positions, list(amounts.index))
        axes.set_xlim(0, 1.32 * largest)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_title(title, loc="left", fontsize=12, weight="bold")
        for position, amount, end in zip(positions, total, amounts.get("high", total), strict=True):
            axes.annotate(
                words.money(amount, currency).replace("$", r"\$"),
                (max(end, amount), position),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
            )
        axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.02), ncols=3)
        description = ", ".join(f"{name} {words.money(amount, currency)}" for name, amount in total.items())
        return canvas.svg(figure, f"{title}: {description}.")
