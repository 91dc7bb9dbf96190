"""Figures of the first screen and of past lists: totals with the forecast, and shares by cutoff."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from ripple.training.estimators.total_forecast import TotalForecast
from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import ACCENT, INK, MUTED
from ripple.training.report.text import words


def totals(total: TotalForecast, as_of: datetime, currency: str, coverage: float) -> Markup:
    """Realised totals of past periods, what had been predicted for each, and the forecast with its band.

    Args:
        as_of: the day on which the period of the forecast begins.
        coverage: of the band.
    """
    band = f"{words.exact_percent(coverage)} interval"
    begins = [one.cutoff for one in total.closed]
    days = [-(as_of - day).days for day in begins]
    realised, predicted = [one.realised for one in total.closed], [one.predicted for one in total.closed]

    def tips(amounts: Sequence[float], what: str) -> list[str]:
        return [
            f"{words.money(amount, currency)} {what} from {words.day(day)}"
            for day, amount in zip(begins, amounts, strict=True)
        ]

    with canvas.style():
        figure, axes = canvas.axes(215)
        axes.plot(days, realised, color=INK, lw=1.4, alpha=0.4, gid="guide")
        past = axes.scatter(days, realised, s=30, color=INK, linewidths=0, zorder=3, label="actual")
        canvas.hover(past, tips(realised, "actual"))
        past = axes.scatter(days, predicted, s=34, facecolors="none", edgecolors=ACCENT, lw=1.3, zorder=2)
        past.set_label("predicted then")
        canvas.hover(past, tips(predicted, "predicted"))
        axes.vlines([0], [total.low], [total.high], color=ACCENT, lw=7, alpha=0.35, label=band)
        forecast = axes.scatter([0], [total.predicted], s=46, color=ACCENT, linewidths=0, zorder=4)
        forecast.set_label("this forecast")
        bounds = words.money_between(total.low, total.high, currency)
        canvas.hover(forecast, [f"{words.money(total.predicted, currency)} forecast, {band} {bounds}"])
        axes.set_ylim(0, 1.12 * max([total.high, *realised, *predicted]))
        shown = sorted({*begins[:: max(1, math.ceil(len(begins) / 3))], as_of})
        axes.set_xticks([-(as_of - day).days for day in shown], [words.short_day(day) for day in shown])
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: words.short_number(value)))
        axes.grid(axis="y")
        axes.set_ylabel(currency.replace("$", r"\$"))
        axes.set_xlabel("first day of the period")
        _legend(axes)
        return canvas.svg(
            figure,
            f"Total by period: {len(days)} past periods, and the forecast of "
            f"{words.money(total.predicted, currency)}, {band} {bounds}.",
        )


def shares_by_cutoff(days: Sequence[str], series: Mapping[str, Sequence[float]]) -> Markup:
    """The share that each list held at each of *days*: a line for every name of *series*, four at most."""
    with canvas.style():
        figure, axes = canvas.axes(240)
        for (name, shares), (colour, dashes) in zip(series.items(), LINES, strict=False):
            known = [(i, share) for i, share in enumerate(shares) if math.isfinite(share)]
            (line,) = axes.plot(
                [i for i, _ in known], [share for _, share in known], dashes, marker="o", ms=5, lw=1.8,
                color=colour, label=name,
            )  # fmt: skip
            canvas.hover(line, [f"{name}, {days[i]}: {words.percent(share)}" for i, share in known])
        axes.set_xticks(range(len(days)), days)
        axes.set_xlim(-0.3, len(days) - 0.7)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
        axes.grid(axis="y")
        _legend(axes)
        return canvas.svg(figure, "Share of network value held by past lists, by first day of the period.")


LINES = ((MUTED, ":"), (ACCENT, "-"), (INK, "--"), (MUTED, "-."))
"""The colour and the dashes of each line of a figure."""


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0.2, handlelength=2)
