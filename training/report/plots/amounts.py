"""Amounts with their interval, drawn one below the other."""

from __future__ import annotations

import numpy as np
import pandas as pd
from markupsafe import Markup

from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import ACCENT, INK, MUTED
from ripple.training.report.text import words


def stakes(amounts: pd.DataFrame, title: str, currency: str) -> Markup:
    """A bar for each row of *amounts*, "" if all are zero.

    Args:
        amounts: `network` and `own`, the parts of each bar, by what it is of; `low` and `high` bound their
            sum, and may be absent.
    """
    total = amounts["network"] + amounts["own"]
    most = float(amounts.get("high", total).max())
    if not most > 0:
        return Markup("")
    with canvas.style():
        figure, axes = canvas.axes(90 + 30 * len(amounts))
        places = np.arange(len(amounts))[::-1]
        axes.barh(places, amounts["network"], height=0.6, color=ACCENT, label="network value")
        own = amounts["own"]
        axes.barh(places, own, height=0.6, left=amounts["network"], color=MUTED, alpha=0.5, label="own spend")
        if "low" in amounts:
            axes.hlines(places, amounts["low"], amounts["high"], color=INK, lw=1.6, label="interval")
        axes.set_yticks(places, list(amounts.index))
        axes.set_xlim(0, 1.32 * most)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_title(title, loc="left", fontsize=12, weight="bold")
        for place, amount, end in zip(places, total, amounts.get("high", total), strict=True):
            axes.annotate(
                words.money(amount, currency).replace("$", r"\$"),
                (max(end, amount), place),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
            )
        axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.02), ncols=3)
        spoken = ", ".join(f"{name} {words.money(amount, currency)}" for name, amount in total.items())
        return canvas.svg(figure, f"{title}: {spoken}.")
