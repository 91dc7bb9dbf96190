"""Numbers as a reader wants them: rounded, with a unit, and never "nan"."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from scipy.stats import binomtest

SPACE = "\u00a0"
MILLION = 1e6


@dataclass(frozen=True)
class Cell:
    """What a table shows, and what it is sorted by (None sorts last)."""

    text: str
    sort: float | None
    missing: bool = False


def cell(value: float, text: str, why_missing: str) -> Cell:
    """*text* for a number that exists; for one that does not, the reason."""
    if not math.isfinite(value):
        return Cell(f"not available: {why_missing}", None, missing=True)
    return Cell(text, round(value, 6))


def day(moment: datetime) -> str:
    """``5 July 2025``."""
    return f"{moment.day} {moment:%B %Y}"


def short_day(moment: datetime) -> str:
    """``Jul 25``, for an axis."""
    return f"{moment:%b %y}"


def count(number: float) -> str:
    """``6,000``."""
    return f"{number:,.0f}"


def plural(number: int, noun: str) -> str:
    """``1 cutoff``, ``4 cutoffs``."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def money(amount: float, currency: str) -> str:
    """An amount with its currency, in as many digits as can matter."""
    size = abs(amount)
    if size >= MILLION:
        text = f"{amount / MILLION:,.2f} million"
    elif size >= 100 or size == 0:
        text = f"{amount:,.0f}"
    elif size >= 0.01:
        text = f"{amount:,.2f}"
    else:
        text = "less than 0.01"
    return f"{text}{SPACE}{currency}"


def money_between(low: float, high: float, currency: str) -> str:
    """``180,034 to 243,758 USD``."""
    return f"{money(low, currency).removesuffix(SPACE + currency)} to {money(high, currency)}"


def percent(share: float, digits: int = 0) -> str:
    """``24 %``; a small share that is not zero keeps a digit."""
    if 0 < abs(share) < 0.01:
        digits = max(digits, 1)
    if 0 < abs(share) < 0.0005:
        return f"under 0.1{SPACE}%"
    return f"{100 * share:.{digits}f}{SPACE}%"


def estimate(share: float, low: float, high: float) -> str:
    """A share with its 95 % interval, or without where that is not known."""
    if not math.isfinite(share):
        return "an unknown part"
    if not (math.isfinite(low) and math.isfinite(high)):
        return percent(share)
    return f"{percent(share)} ({interval(low, high)})"


def interval(low: float, high: float) -> str:
    """``95 % interval 41 % to 58 %``, of a share."""
    return f"95{SPACE}% interval {percent(low)} to {percent(high)}"


def wilson(found: int, of: int) -> tuple[float, float]:
    """95 % bounds of a share of independent cases (Wilson 1927)."""
    ends = binomtest(found, of).proportion_ci(method="wilson")
    return float(ends.low), float(ends.high)


def decimal(number: float) -> str:
    """Two digits, with a true minus sign."""
    return f"{number:.2f}".replace("-", "−")


def share_name(share: float) -> str:
    """A share that was chosen, unrounded: ``1 %``, ``0.5 %``."""
    return f"{100 * share:.6g}{SPACE}%"


def points(difference: float) -> str:
    """A difference between two shares, in percentage points and without its sign."""
    return f"{abs(100 * difference):.1f}"


def signed_points(difference: float) -> str:
    """The same with its sign: ``+24.6``, ``−3.9``."""
    text = points(difference)
    sign = "" if float(text) == 0 else "+" if difference > 0 else "−"
    return sign + text


def factor(effect: float) -> str:
    """An effect on the log scale as what it multiplies by: ``×1.8``."""
    times = math.exp(effect)
    if times >= 99.5:
        return f"×{times:,.0f}"
    if times >= 9.95:
        return f"×{times:.0f}"
    if times >= 0.0995:
        return f"×{times:.2f}"
    return f"×{times:.2g}" if times >= 1e-4 else "×0.0001 or less"


def listed(names: list[str], join: str = "and") -> str:
    """``a, b and c``."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {join} {names[-1]}"


def spoken(name: str) -> str:
    """The name of a feature as words."""
    return name.replace("_", " ")
