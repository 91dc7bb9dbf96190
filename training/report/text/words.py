"""Numbers as text for a reader: rounded, with a unit, and never "nan"."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

from scipy.stats import binomtest

from ripple.models.reasons import feature_in_words

NO_BREAK_SPACE = "\u00a0"
MILLION = 1e6


@dataclass(frozen=True)
class Cell:
    """A cell of a table: the text that is shown, and the number it is sorted by (None sorts last).

    `low` and `high`, where they are given, are columns of their own where the table is saved as CSV.
    """

    text: str
    sort: float | None
    missing: bool = False
    low: float | None = None
    high: float | None = None


def cell(value: float, text: str, why_missing: str) -> Cell:
    """A cell that shows *text* if *value* is finite, and otherwise says why it is missing."""
    if not math.isfinite(value):
        return Cell(f"not available: {why_missing}", None, missing=True)
    return Cell(text, round(value, 6))


def number(value: float) -> Cell:
    """A cell with a count."""
    return Cell(count(value), float(value))


def between(low: float, high: float, text: str, why_missing: str) -> Cell:
    """A cell with an interval, shown as *text* and sorted by its lower bound."""
    return replace(cell(low, text, why_missing), low=finite(low), high=finite(high))


def finite(value: float) -> float | None:
    """*value*, or None where it is undefined or has no bound."""
    return float(value) if math.isfinite(value) else None


def day(moment: datetime) -> str:
    """A date: ``5 July 2025``."""
    return f"{moment.day} {moment:%B %Y}"


def short_day(moment: datetime) -> str:
    """A month for the labels of an axis: ``Jul 25``."""
    return f"{moment:%b %y}"


def count(number: float) -> str:
    """A whole number with separators: ``6,000``."""
    return f"{number:,.0f}"


def plural(number: int, noun: str) -> str:
    """A number of things: ``1 cutoff``, ``4 cutoffs``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def times(number: int) -> str:
    """How often: ``once``, ``12 times``."""
    return "once" if number == 1 else f"{number:,} times"


def money(amount: float, currency: str) -> str:
    """An amount with its currency: two decimals below 100, none above, millions in words."""
    return f"{bare(amount)}{NO_BREAK_SPACE}{currency}"


def bare(amount: float) -> str:
    """An amount as `money` gives it, without the currency, for where that is named beside it."""
    magnitude = abs(amount)
    if magnitude >= MILLION:
        return f"{amount / MILLION:,.2f} million"
    if magnitude >= 100 or magnitude == 0:
        return f"{amount:,.0f}"
    return f"{amount:,.2f}" if magnitude >= 0.01 else "less than 0.01"


def money_between(low: float, high: float, currency: str) -> str:
    """The range between two amounts: ``180,034 to 243,758 USD``."""
    return f"{bare(low)} to {money(high, currency)}"


def short_number(number: float) -> str:
    """A large number for an axis: ``0``, ``350 k``, ``1.2 M``."""
    for size, unit in ((1e9, "bn"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size:
            return f"{number / size:,.3g}{NO_BREAK_SPACE}{unit}"
    return f"{number:,.3g}"


def percent(share: float, digits: int = 0) -> str:
    """A share as a percentage: ``24 %``; one below 1 % that is not zero keeps a decimal."""
    if 0 < abs(share) < 0.01:
        digits = max(digits, 1)
    if 0 < abs(share) < 0.0005:
        return f"under 0.1{NO_BREAK_SPACE}%"
    return f"{100 * share:.{digits}f}{NO_BREAK_SPACE}%"


def probability(share: float) -> str:
    """A probability as a percentage, never as certain: ``24 %``, ``over 99 %``, ``under 1 %``."""
    if share > 0.99:
        return f"over 99{NO_BREAK_SPACE}%"
    return percent(share) if share >= 0.01 else f"under 1{NO_BREAK_SPACE}%"


def estimate(share: float, low: float, high: float) -> str:
    """A share with its 95 % interval; without the interval where that is not known."""
    if not math.isfinite(share):
        return "an unknown share"
    if not (math.isfinite(low) and math.isfinite(high)):
        return percent(share)
    return f"{percent(share)} ({interval(low, high)})"


def interval(low: float, high: float) -> str:
    """The bounds of a share: ``95 % interval 41 % to 58 %``."""
    return f"95{NO_BREAK_SPACE}% interval {percent(low)} to {percent(high)}"


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % bounds of *successes* ÷ *trials*, for independent trials (Wilson 1927)."""
    bounds = binomtest(successes, trials).proportion_ci(method="wilson")
    return float(bounds.low), float(bounds.high)


def decimal(number: float) -> str:
    """A number with two decimals and a true minus sign."""
    return f"{number:.2f}".replace("-", "−")


def signed(number: float) -> str:
    """A number with two decimals and its sign: ``+0.40``, ``−0.62``."""
    return f"{number:+.2f}".replace("-", "−")


def yes_or_no(holds: bool) -> str:
    """A flag in words."""
    return "yes" if holds else "no"


def exact_percent(share: float) -> str:
    """A share from the settings, not rounded: ``1 %``, ``0.5 %``."""
    return f"{100 * share:.6g}{NO_BREAK_SPACE}%"


def points(difference: float) -> str:
    """The size of a difference between two shares, in percentage points: ``3.9``."""
    return f"{abs(100 * difference):.1f}"


def signed_points(difference: float) -> str:
    """A difference between two shares, in percentage points with its sign: ``+24.6``, ``−3.9``."""
    text = points(difference)
    sign = "" if float(text) == 0 else "+" if difference > 0 else "−"
    return sign + text


def factor(effect: float) -> str:
    """An effect on the log scale as the factor e^effect: ``×1.80``."""
    times = math.exp(effect)
    if times >= 99.5:
        return f"×{times:,.0f}"
    if times >= 9.95:
        return f"×{times:.0f}"
    if times >= 0.0995:
        return f"×{times:.2f}"
    return f"×{times:.2g}" if times >= 1e-4 else "×0.0001 or less"


def joined(names: list[str]) -> str:
    """A list in a sentence: ``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def feature_words(name: str) -> str:
    """The name of a feature as words: ``out_degree`` is ``out degree``, ``attribute_plan`` is ``plan``."""
    return feature_in_words(name)
