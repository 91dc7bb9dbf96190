"""Expressions that features share: ages, exact totals, safe ratios and decay."""

from __future__ import annotations

import math
from datetime import datetime

import ibis
import ibis.expr.types as ir

SECONDS_PER_DAY = 86_400
DIGITS, DECIMALS = 18, 6
"""The digits of a number in fixed point, and how many of them are decimals."""
LIMIT = 10.0 ** (DIGITS - DECIMALS)
"""The bound of numbers in fixed point. With more digits, sums of them would take half as long again."""


def age_days(moment: ir.Value, as_of: datetime) -> ir.FloatingValue:
    """Days from *moment* to *as_of*, to the second."""
    end = int((as_of - datetime(1970, 1, 1)).total_seconds())
    return (ibis.literal(end) - epoch_seconds(moment)).cast("float64") / SECONDS_PER_DAY


def epoch_seconds(moment: ir.Value) -> ir.IntegerValue:
    """Whole seconds since 1970."""
    return moment.truncate("s").epoch_seconds()


def day_number(moment: ir.Value) -> ir.IntegerValue:
    """Whole days from 1970 to the day of *moment*."""
    return moment.date().epoch_days().cast("int32")


def fixed(value: ir.Value) -> ir.DecimalValue:
    """*value*, below `LIMIT`, with six decimals, so that sums of it, of any size, are exact."""
    return value.cast(f"decimal({DIGITS}, {DECIMALS})")


def total(value: ir.Value, where: ir.BooleanValue | None = None) -> ir.FloatingScalar:
    """The sum of *value*, null where there is nothing to add.

    Added in fixed point with six decimals: the same rows give the same bits in any order and on any number
    of threads, which a floating-point sum does not promise.
    """
    return fixed(value).sum(where=where).cast("float64")


def sum_or_zero(value: ir.Value, where: ir.BooleanValue | None = None) -> ir.FloatingScalar:
    """Like `total`, but zero where there is nothing to add."""
    return total(value, where).fill_null(0.0)


@ibis.udf.agg.builtin
def bit_or(value: int) -> int:  # type: ignore[empty-body]
    """The bits that are set in any *value*; called as the engine's own, as Ibis 12 has it for DuckDB only."""


def ratio(part: ir.Value, whole: ir.Value) -> ir.FloatingValue:
    """part ÷ whole, null where *whole* is zero."""
    return part.cast("float64") / whole.cast("float64").nullif(0.0)


def decayed(age: ir.Value, half_life_days: float) -> ir.FloatingValue:
    """Weight 2^(−age/half-life) of something *age* days ago; below 2^−50 it is zero for all purposes."""
    return (ibis.greatest(-age / half_life_days, ibis.literal(-50.0)) * math.log(2)).exp()
