"""Feedback: what customers say about the product."""

from __future__ import annotations

from datetime import datetime

import ibis.expr.types as ir

from ripple.features.definition import feature
from ripple.features.expressions import ratio, total


@feature("feedback", "scores")
def feedback_count(feedback: ir.Table, as_of: datetime) -> ir.Value:
    """How often the customer has given feedback."""
    return feedback.given.sum()


@feature("feedback", "score", empty=None)
def feedback_mean(feedback: ir.Table, as_of: datetime) -> ir.Value:
    """Mean feedback so far, from −1 (unhappy) to 1 (happy)."""
    return ratio(total(feedback.total), feedback.given.sum())


@feature("feedback", "score", empty=None)
def feedback_latest(feedback: ir.Table, as_of: datetime) -> ir.Value:
    """The latest feedback: the worst of the last day with any."""
    return feedback.worst.min(where=feedback.latest)
