"""Figures about reasons: dependence on a feature, importance under two models, importance over time."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter

from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import ACCENT, INK, MUTED
from ripple.training.report.text import words

MIN_SKEW = 20
"""The ratio of the largest to the median positive value above which the scale is logarithmic."""
DASHES = ("-", "--", "-.", ":")
MAX_LINES = 4
"""The number of lines that a reader can tell apart."""


def dependence(
    x: np.ndarray, effect: np.ndarray, at: np.ndarray, mean: np.ndarray, title: str, description: str
) -> Markup:
    """The effect of a feature as a factor: a dot for every customer, and a line through the means of bins."""
    with canvas.style():
        figure, axes = canvas.axes(250)
        axes.axhline(0, color=MUTED, lw=0.8, alpha=0.6, gid="guide")
        axes.scatter(x, effect, s=8, color=MUTED, alpha=0.35, linewidths=0)
        axes.plot(at, mean, color=ACCENT, lw=2.2)
        axes.scatter(at, mean, s=22, color=ACCENT, linewidths=0, zorder=3)
        positive = x[x > 0]
        if x.min() >= 0 and positive.size and positive.max() > MIN_SKEW * np.median(positive):
            smallest = 10 ** math.floor(math.log10(np.quantile(positive, 0.05)))
            axes.set_xscale("symlog", linthresh=smallest, linscale=0.4)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
        ticks = _factors(float(effect.min()), float(effect.max()))
        axes.set_yticks(np.log(ticks), [f"×{tick:g}" for tick in ticks])
        axes.grid(axis="y")
        axes.set_xlabel(_plain(title))
        axes.set_ylabel("factor on the score")
        return canvas.svg(figure, description)


def pairs(
    names: list[str],
    first: np.ndarray,
    second: np.ndarray,
    labels: tuple[str, str],
    quantity: str = "Share of movement",
) -> Markup:
    """The *quantity*, a share, of each name under two models: a dot and a ring that *labels* name."""
    with canvas.style():
        figure, axes = canvas.axes(80 + 28 * len(names))
        positions = np.arange(len(names))[::-1]
        axes.hlines(positions, first, second, color=MUTED, alpha=0.45, lw=2.5, zorder=1)
        dots = axes.scatter(first, positions, s=48, color=ACCENT, linewidths=0, label=labels[0], zorder=2)
        rings = axes.scatter(
            second, positions, s=48, facecolors="none", edgecolors=INK, lw=1.4, label=labels[1], zorder=3
        )
        for drawn, label, shares in ((dots, labels[0], first), (rings, labels[1], second)):
            canvas.hover(
                drawn,
                [f"{name}, {label}: {words.percent(one)}" for name, one in zip(names, shares, strict=True)],
            )
        axes.set_yticks(positions, names)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(axis="x")
        _legend(axes)
        return canvas.svg(figure, f"{quantity}, under {labels[0]} and under {labels[1]}.")


def over_time(shares: pd.DataFrame) -> Markup:
    """Share of movement by family, a line for each row of *shares*; the last ones together where many."""
    if len(shares) > MAX_LINES:
        shares = shares.copy()
        shares.loc["all others"] = shares.iloc[MAX_LINES - 1 :].sum()
        shares = shares.iloc[[*range(MAX_LINES - 1), -1]]
    with canvas.style():
        figure, axes = canvas.axes(270)
        for i, (family, row) in enumerate(shares.iterrows()):
            colour = (ACCENT, INK, MUTED)[i % 3]
            (line,) = axes.plot(
                row.to_numpy(), DASHES[i % len(DASHES)], marker="o", ms=4, lw=1.6, color=colour, label=family
            )
            canvas.hover(line, [f"{family}, {day}: {words.percent(share)}" for day, share in row.items()])
        axes.set_xticks(range(shares.shape[1]), [str(name) for name in shares.columns], fontsize=10)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(axis="y")
        _legend(axes)
        return canvas.svg(
            figure, "Share of movement by family of features, under the model of each period and today’s."
        )


def _factors(low: float, high: float) -> list[float]:
    """Round factors between two effects on the log scale: at least four if possible, and always 1."""
    for digits in ((1,), (1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9)):
        candidates = [digit * 10.0**power for power in range(-4, 5) for digit in digits]
        inside = sorted({1.0, *(factor for factor in candidates if low <= math.log(factor) <= high)})
        if len(inside) >= 4:
            break
    return [float(f"{factor:.3g}") for factor in inside]


def _legend(axes: Axes, columns: int = 2) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, handlelength=2)


def _plain(text: str) -> str:
    return text.replace("$", r"\$")
