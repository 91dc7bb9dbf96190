"""Feedback: what customers say about the product."""

from __future__ import annotations

from datetime import datetime

import ibis.expr.types as ir

from features.measures import total
from features.registry import feature


@feature("feedback", "scores")
def feedback_count(feedback: ir.Table, as_of: datetime) -> ir.Value:
    """How often the customer has given feedback."""
    return feedback.count()


@feature("feedback", "score", empty=None)
def feedback_mean(feedback: ir.Table, as_of: datetime) -> ir.Value:
    """Mean feedback so far, from −1 (unhappy) to 1 (happy)."""
    return total(feedback.score) / feedback.count().cast("float64")


@feature("feedback", "score", empty=None)
def feedback_latest(feedback: ir.Table, as_of: datetime) -> ir.Value:
    """The latest feedback (the worse one of two at the same moment)."""
    return feedback.score.min(where=feedback.latest)
