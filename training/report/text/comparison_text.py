"""The comparison of two versions as text: captures by cutoff, and which is better and how sure that is."""

from __future__ import annotations

from ripple.training.evaluation.comparison import Comparison


def text(found: Comparison, own: str, rival: str) -> str:
    """A table and a sentence about *found*, the comparison of *own* with *rival*."""
    wide = max(len(own), len(rival), 7)
    rows = [(row["cutoff"], row["capture"], row["rival"]) for row in found.cutoffs]
    lines = [
        f"{day:<10}  {one:>{wide}.3f}  {other:>{wide}.3f}  {one - other:>+10.3f}"
        for day, one, other in [*rows, ("mean", found.capture, found.rival)]
    ]
    head = f"{'capture':<10}  {own:>{wide}}  {rival:>{wide}}  {'difference':>10}"
    return "\n".join([head, *lines, "", verdict(found, own, rival)])


def verdict(found: Comparison, own: str, rival: str) -> str:
    """Which captures more, by how much, and in how many of 100 resamples of the customers."""
    better, worse, sure = (own, rival, found.sure) if found.difference >= 0 else (rival, own, 1 - found.sure)
    counted = (
        f"it captures {abs(found.difference):.3f} more of the value at the top (95 % interval of {own} minus "
        f"{rival}: {found.low:+.3f} to {found.high:+.3f}; {found.customers:,} customers, "
        f"{len(found.cutoffs)} closed cutoff{'s' * (len(found.cutoffs) > 1)}), and captures more in "
        f"{100 * sure:.0f} of 100 resamples of the customers"
    )
    if found.low == found.high == 0:
        return f"{own} and {rival} put the same customers first: neither is better."
    if found.low > 0 or found.high < 0:
        return f"{better} is better than {worse}: {counted}."
    return f"It cannot be told which is better. For {better}: {counted}. That may be chance."
