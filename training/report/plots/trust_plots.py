"""Figures about trust: reliability of probabilities, coverage of intervals, ratios by kind, and drift."""

from __future__ import annotations

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter

from ripple.training.evaluation.drift import SHIFTED, STABLE
from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import ACCENT, INK, MUTED
from ripple.training.report.text import words

MIN_LOG_PROBABILITY = 0.001
"""The probability below which the axes of the reliability diagram are linear instead of logarithmic."""


def reliability(bins: pd.DataFrame, base_rate: float) -> Markup:
    """The mean predicted probability of each bin, and the realised share with its 95 % interval."""
    with canvas.style():
        figure, axes = canvas.axes(290)
        axes.plot([0, 1], [0, 1], color=MUTED, lw=1, ls="--", gid="guide")
        axes.axhline(base_rate, color=MUTED, lw=1, ls=":", gid="guide")
        predicted, realised = bins["predicted"].to_numpy(), bins["realised"].to_numpy()
        axes.vlines(predicted, bins["low"], bins["high"], color=ACCENT, alpha=0.45, lw=2.5)
        canvas.hover(
            axes.scatter(predicted, realised, s=48, color=ACCENT, linewidths=0, zorder=3),
            [
                f"{words.percent(one, 1)} predicted, {words.percent(other, 1)} realised"
                for one, other in zip(predicted, realised, strict=True)
            ],
        )
        for scale, limit in ((axes.set_xscale, axes.set_xlim), (axes.set_yscale, axes.set_ylim)):
            scale("symlog", linthresh=MIN_LOG_PROBABILITY, linscale=0.3)
            limit(-0.0002, 1.3)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks([0, 0.001, 0.01, 0.1, 1])
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g} %"))
            axis.set_minor_formatter(NullFormatter())
        axes.grid()
        axes.set_xlabel("predicted probability, mean of the group")
        axes.set_ylabel("realised share in the top")
        return canvas.svg(figure, "Predicted probability of being in the top, and the share who realised it.")


def coverage(deciles: pd.DataFrame, nominal: float) -> Markup:
    """Share of realised values inside their interval by tenth of prediction, and the *nominal* coverage."""
    with canvas.style():
        figure, axes = canvas.axes(220)
        bars = axes.bar(deciles["decile"], deciles["coverage"], width=0.62, color=ACCENT, alpha=0.85)
        for bar, share in zip(bars, deciles["coverage"], strict=True):
            canvas.hover(bar, [words.percent(share)])
        axes.axhline(nominal, color=INK, lw=1.2, ls="--", gid="guide")
        axes.set_xticks(deciles["decile"])
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(axis="y")
        axes.set_xlabel("tenth of customers by prediction, the highest last")
        return canvas.svg(figure, "Share of customers inside their interval, by tenth of prediction.")


def ratios(names: list[str], ratio: np.ndarray) -> Markup:
    """Predicted ÷ realised value of each kind of customer, on a logarithmic scale around 1."""
    with canvas.style():
        figure, axes = canvas.axes(50 + 22 * len(names))
        positions = np.arange(len(names))[::-1]
        logs = np.log2(ratio)
        axes.axvline(0, color=MUTED, lw=1, gid="guide")
        axes.hlines(positions, 0, logs, color=ACCENT, alpha=0.45, lw=2.5)
        canvas.hover(
            axes.scatter(logs, positions, s=36, color=ACCENT, linewidths=0, zorder=3),
            [f"{name}: {words.decimal(one)}" for name, one in zip(names, ratio, strict=True)],
        )
        axes.set_yticks(positions, names, fontsize=10)
        limit = max(1.0, float(np.nanmax(np.abs(logs)))) * 1.15
        axes.set_xlim(-limit, limit)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{2**value:.2g}"))
        axes.grid(axis="x")
        axes.set_xlabel("predicted ÷ realised")
        return canvas.svg(figure, "Predicted value divided by realised value, by kind of customer.")


def drift(names: list[str], psi: np.ndarray) -> Markup:
    """The population stability index of each name, with the limits of stable and shifted."""
    with canvas.style():
        figure, axes = canvas.axes(60 + 26 * len(names))
        positions = np.arange(len(names))[::-1]
        for bar, index in zip(
            axes.barh(positions, psi, height=0.62, color=ACCENT, alpha=0.85), psi, strict=True
        ):
            canvas.hover(bar, [words.decimal(index)])
        for limit in (STABLE, SHIFTED):
            axes.axvline(limit, color=INK, lw=1, ls="--", gid="guide")
        axes.set_yticks(positions, names)
        axes.set_xlim(0, 1.08 * max(1.2 * SHIFTED, float(psi.max())))
        axes.grid(axis="x")
        axes.set_xlabel("population stability index")
        return canvas.svg(figure, "How far each distribution has moved since training.")


def then_and_now(histogram: pd.DataFrame, title: str, unit: str) -> Markup:
    """The shares of customers by bin of a feature, in training and now; see `evaluation.drift.histograms`."""
    with canvas.style():
        figure, axes = canvas.axes(200)
        positions = np.arange(len(histogram))
        for name, shift, colour, alpha in (("then", 0.0, MUTED, 0.5), ("now", 0.42, ACCENT, 0.9)):
            bars = axes.bar(
                positions + shift, histogram[name], width=0.42, align="edge", color=colour, alpha=alpha
            )
            bars.set_label("in training" if name == "then" else "now")
            for bar, row in zip(bars, histogram.itertuples(), strict=True):
                share = getattr(row, name)
                canvas.hover(bar, [f"{row.low:,.4g} to {row.high:,.4g}: {words.percent(share)} {name}"])
        edges = [*histogram["low"], histogram["high"].iloc[-1]]
        shown = range(0, len(edges), 2)
        axes.set_xticks(list(shown), [f"{edges[i]:,.3g}" for i in shown])
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(axis="y")
        axes.set_xlabel(f"{title}, {unit}".replace("$", r"\$"))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2, handlelength=1)
        return canvas.svg(figure, f"{title}: distribution among customers in training, and now.")
