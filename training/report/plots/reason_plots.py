"""Figures about reasons: how a feature acts, where the heads differ, what has lasted."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter

from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import ACCENT, INK, MUTED

SKEWED = 20
"""Times the median of the positive values that the largest has to be for a logarithmic scale."""
DASHES = ("-", "--", "-.", ":")


def dependence(
    x: np.ndarray, effect: np.ndarray, at: np.ndarray, mean: np.ndarray, title: str, spoken: str
) -> Markup:
    """A dot for every customer, the effect as a factor, and a line through the means of bins."""
    with canvas.style():
        figure, axes = canvas.axes(250)
        axes.axhline(0, color=MUTED, lw=0.8, alpha=0.6, gid="guide")
        axes.scatter(x, effect, s=8, color=MUTED, alpha=0.35, linewidths=0)
        axes.plot(at, mean, color=ACCENT, lw=2.2)
        axes.scatter(at, mean, s=22, color=ACCENT, linewidths=0, zorder=3)
        positive = x[x > 0]
        if x.min() >= 0 and positive.size and positive.max() > SKEWED * np.median(positive):
            smallest = 10 ** math.floor(math.log10(np.quantile(positive, 0.05)))
            axes.set_xscale("symlog", linthresh=smallest, linscale=0.4)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
        ticks = _factors(float(effect.min()), float(effect.max()))
        axes.set_yticks(np.log(ticks), [f"×{tick:g}" for tick in ticks])
        axes.grid(axis="y")
        axes.set_xlabel(_plain(title))
        axes.set_ylabel("factor on the score")
        return canvas.svg(figure, spoken)


def pairs(
    names: list[str], value: np.ndarray, top: np.ndarray, labels: tuple[str, str] = ("amount", "odds")
) -> Markup:
    """Share of movement of each name under two models, a dot and a ring, as *labels* call them."""
    with canvas.style():
        figure, axes = canvas.axes(80 + 28 * len(names))
        places = np.arange(len(names))[::-1]
        axes.hlines(places, value, top, color=MUTED, alpha=0.45, lw=2.5, zorder=1)
        axes.scatter(value, places, s=48, color=ACCENT, linewidths=0, label=labels[0], zorder=2)
        axes.scatter(top, places, s=48, facecolors="none", edgecolors=INK, lw=1.4, label=labels[1], zorder=3)
        axes.set_yticks(places, names)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(axis="x")
        _legend(axes)
        return canvas.svg(figure, f"Share of movement, under {labels[0]} and under {labels[1]}.")


def over_time(shares: pd.DataFrame) -> Markup:
    """Share of movement by family, a line for each row of *shares* over its columns."""
    with canvas.style():
        figure, axes = canvas.axes(270)
        for i, (family, row) in enumerate(shares.iterrows()):
            colour = (ACCENT, INK, MUTED)[i % 3]
            axes.plot(
                row.to_numpy(), DASHES[i % len(DASHES)], marker="o", ms=4, lw=1.6, color=colour, label=family
            )
        axes.set_xticks(range(shares.shape[1]), [str(name) for name in shares.columns], fontsize=10)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(axis="y")
        _legend(axes, columns=3)
        return canvas.svg(
            figure, "Share of movement by family of features, under the model of each period and today’s."
        )


def _factors(low: float, high: float) -> list[float]:
    """Round factors between two effects: as few as will do, 1 always among them."""
    for digits in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)):
        found = [digit * 10.0**power for power in range(-4, 5) for digit in digits]
        inside = sorted({1.0, *(factor for factor in found if low <= math.log(factor) <= high)})
        if len(inside) >= 4:
            break
    return [float(f"{factor:.3g}") for factor in inside]


def _legend(axes: Axes, columns: int = 2) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, handlelength=2)


def _plain(text: str) -> str:
    return text.replace("$", r"\$")
