"""Bars of expected amounts, network value and own spend side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import ACCENT, INK, MUTED
from ripple.training.report.text import words


def amount_bars(amounts: pd.DataFrame, title: str, currency: str) -> Markup:
    """Two bars for each row of *amounts*, never one on the other; "" if all are zero.

    Args:
        amounts: columns `network` and `direct`, the lengths of the two bars in *currency*; `network_low` and
            `network_high`, which may be absent, are the bounds of the former. The index names the rows.
    """
    network, direct = amounts["network"], amounts["direct"]
    reach = np.maximum(amounts.get("network_high", network), network)
    largest = float(max(reach.max(), direct.max()))
    if not largest > 0:
        return Markup("")
    with canvas.style():
        figure, axes = canvas.axes(90 + 42 * len(amounts))
        positions = np.arange(len(amounts))[::-1]
        upper, lower = positions + 0.19, positions - 0.19
        axes.barh(upper, network, height=0.34, color=ACCENT, label="network value")
        axes.barh(lower, direct, height=0.34, color=MUTED, alpha=0.5, label="own spend")
        if "network_low" in amounts:
            low, high = amounts["network_low"], amounts["network_high"]
            axes.hlines(upper, low, high, color=INK, lw=1.6, label="interval")
        axes.set_yticks(positions, list(amounts.index))
        axes.set_xlim(0, 1.32 * largest)
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_title(title, loc="left", fontsize=12, weight="bold")
        labels = [*zip(upper, network, reach, strict=True), *zip(lower, direct, direct, strict=True)]
        for position, amount, end in labels:
            axes.annotate(
                words.money(amount, currency).replace("$", r"\$"),
                (end, position),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.02), ncols=3)
        rows: list[Any] = list(amounts.itertuples())
        description = ", ".join(
            f"{name} {words.money(row.network, currency)} network value and "
            f"{words.money(row.direct, currency)} own spend"
            for name, row in zip(amounts.index, rows, strict=True)
        )
        return canvas.svg(figure, f"{title}: {description}.")
