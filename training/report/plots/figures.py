"""Figures of capture, calibration, placebos and importance, as inline SVG."""

from __future__ import annotations

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import ACCENT, INK, MUTED
from ripple.training.report.text import words


def capture(captures: pd.DataFrame, bounds: np.ndarray, model: str) -> Markup:
    """Capture by ranking: a bar for the mean over cutoffs, a line for its interval, a dot for every cutoff.

    Args:
        captures: shares, one row per ranking in the order of display; the cutoffs in order, then the mean.
        bounds: lower and upper end of each mean's interval, rankings × 2.
        model: the name of the row that is drawn in the accent colour.
    """
    with canvas.style():
        figure, axes = canvas.axes(60 + 30 * len(captures))
        positions = np.arange(len(captures))[::-1]
        means = captures.iloc[:, -1].fillna(0.0)
        colours = [ACCENT if name == model else MUTED for name in captures.index]
        axes.barh(positions, means, height=0.6, color=colours, alpha=0.28)
        cutoffs = captures.iloc[:, :-1]
        for i in range(cutoffs.shape[1]):
            alpha = 0.35 + 0.65 * (i + 1) / cutoffs.shape[1]
            known = np.isfinite(cutoffs.iloc[:, i].to_numpy(dtype=float))
            shown = cutoffs.iloc[:, i][known]
            dots = axes.scatter(
                shown,
                positions[known],
                s=26,
                c=[colour for colour, one in zip(colours, known, strict=True) if one],
                alpha=alpha,
                linewidths=0,
                zorder=3,
            )
            canvas.hover(
                dots,
                [f"{name}, {cutoffs.columns[i]}: {words.percent(share)}" for name, share in shown.items()],
            )
        axes.hlines(positions, bounds[:, 0], bounds[:, 1], colors=colours, lw=2, alpha=0.8)
        axes.set_yticks(positions, list(captures.index))
        largest = float(np.nanmax([0.1, *captures.to_numpy().ravel(), *bounds.ravel()]))
        axes.set_xlim(0, 1.03 * largest)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(axis="x")
        axes.set_xlabel("captured share of the possible value")
        for position, mean, name in zip(positions, captures.iloc[:, -1], captures.index, strict=True):
            axes.text(
                1.01,
                position,
                words.percent(mean) if np.isfinite(mean) else "–",
                transform=axes.get_yaxis_transform(),
                va="center",
                weight="bold" if name == model else "normal",
            )
        return canvas.svg(
            figure,
            "Value captured by every ranking: bars are means, lines their intervals, dots single periods.",
        )


def calibration(deciles: pd.DataFrame, currency: str) -> Markup:
    """Mean predicted and mean realised value by decile of prediction, on a log scale that reaches zero."""
    with canvas.style():
        figure, axes = canvas.axes(300)
        position = deciles["decile"].to_numpy()
        predicted, realised = deciles["predicted"].to_numpy(), deciles["realised"].to_numpy()
        axes.vlines(position, predicted, realised, color=MUTED, alpha=0.45, lw=2.5, zorder=1)
        dots = axes.scatter(position, realised, s=48, color=ACCENT, linewidths=0, label="realised", zorder=2)
        rings = axes.scatter(
            position, predicted, s=48, facecolors="none", edgecolors=INK, lw=1.4, label="predicted", zorder=3
        )
        for drawn, amounts in ((dots, realised), (rings, predicted)):
            canvas.hover(
                drawn, [f"{words.money(amount, currency)} {drawn.get_label()}" for amount in amounts.tolist()]
            )
        everything = np.concatenate([predicted, realised])
        positive = everything[everything > 0]
        if len(positive):
            smallest = 10 ** np.floor(np.log10(positive.min()))
            axes.set_yscale("symlog", linthresh=smallest, linscale=0.4)
            axes.set_ylim(-0.3 * smallest, 2.5 * positive.max())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_xticks(position)
        axes.grid(axis="y")
        axes.set_xlabel("tenth of customers by prediction, the highest last")
        axes.set_ylabel(f"{currency} per customer".replace("$", r"\$"))
        axes.legend(loc="upper left")
        return canvas.svg(figure, "Mean predicted and mean realised value by tenth of customers.")


def placebos(amounts: pd.Series, currency: str) -> Markup:
    """Influence in *currency*: that of the label, the first of *amounts*, above that of each placebo."""
    with canvas.style():
        figure, axes = canvas.axes(40 + 34 * len(amounts))
        positions = np.arange(len(amounts))[::-1]
        colours = [ACCENT, *[MUTED] * (len(amounts) - 1)]
        axes.barh(positions, amounts, height=0.6, color=colours, alpha=0.85)
        axes.set_yticks(positions, list(amounts.index))
        axes.set_xlim(0, 1.45 * max(amounts.max(), 1e-9))
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_title("Influence credited", loc="left", fontsize=12, weight="bold")
        for position, amount in zip(positions, amounts, strict=True):
            axes.annotate(
                words.money(amount, currency).replace("$", r"\$"),
                (amount, position),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
            )
        description = ", ".join(f"{name} {words.money(amount, currency)}" for name, amount in amounts.items())
        return canvas.svg(figure, f"Influence credited: {description}.")


def families(shares: pd.Series, title: str) -> Markup:
    """Importance by family of features, as shares, in the order of *shares*."""
    with canvas.style():
        figure, axes = canvas.axes(40 + 28 * len(shares))
        positions = np.arange(len(shares))[::-1]
        axes.barh(positions, shares, height=0.62, color=ACCENT, alpha=0.85)
        axes.set_yticks(positions, list(shares.index))
        axes.set_xlim(0, 1.18 * max(shares.max(), 1e-9))
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.set_title(title, loc="left", fontsize=12, weight="bold")
        for position, share in zip(positions, shares, strict=True):
            axes.annotate(
                words.percent(share),
                (share, position),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
            )
        description = ", ".join(f"{family} {words.percent(share)}" for family, share in shares.items())
        return canvas.svg(figure, f"{title}, importance by family: {description}.")
