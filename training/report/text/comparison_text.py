"""The comparison of two versions as text: captures by cutoff, and which version is better."""

from __future__ import annotations

from ripple.training.evaluation.comparison import Comparison
from ripple.training.report.text import words


def comparison_text(comparison: Comparison, version: str, rival: str) -> str:
    """A table of captures by cutoff and a sentence; *version* and *rival* are the names of the two."""
    width = max(len(version), len(rival), 7)
    rows = [(row["cutoff"], row["capture"], row["rival"]) for row in comparison.cutoffs]
    lines = [
        f"{day:<10}  {first:>{width}.3f}  {second:>{width}.3f}  {first - second:>+10.3f}"
        for day, first, second in [*rows, ("mean", comparison.capture, comparison.rival)]
    ]
    header = f"{'capture':<10}  {version:>{width}}  {rival:>{width}}  {'difference':>10}"
    return "\n".join([header, *lines, "", verdict(comparison, version, rival)])


def verdict(comparison: Comparison, version: str, rival: str) -> str:
    """Which version captures more, by how much, and in how many of 100 resamples of the customers."""
    if comparison.low == comparison.high == 0:
        return f"{version} and {rival} put the same customers first: neither is better."
    ahead = comparison.difference >= 0
    better, worse = (version, rival) if ahead else (rival, version)
    probability = comparison.sure if ahead else 1 - comparison.sure
    numbers = (
        f"it captures {abs(comparison.difference):.3f} more of the value at the top (95 % interval of "
        f"{version} minus {rival}: {comparison.low:+.3f} to {comparison.high:+.3f}; "
        f"{comparison.customers:,} customers, {words.plural(len(comparison.cutoffs), 'closed cutoff')}), and "
        f"captures more in {100 * probability:.0f} of 100 resamples of the customers"
    )
    if comparison.low > 0 or comparison.high < 0:
        return f"{better} is better than {worse}: {numbers}."
    return f"No clear difference. For {better}: {numbers}. This may be chance."
