"""The score of one customer as a chain of factors: the common start, one factor per feature, the score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ripple.models.bundle import Spec
from ripple.models.reasons import Reason, value_in_words
from ripple.training.report.text import words

MAX_STEPS = 10
"""The number of features that get a step of their own."""


@dataclass(frozen=True)
class Step:
    """One factor of the chain.

    Attributes:
        feature_value: the value of the feature with its unit, as text.
        effect: the SHAP value, on the log scale.
        before, after: the running value on the log scale.
        left, width: the position of the bar, in percent of the chart.
        running: the running value after the step, in currency, as text.
    """

    name: str
    feature_value: str
    effect: float
    factor: str
    before: float
    after: float
    left: float
    width: float
    running: str

    @property
    def direction(self) -> str:
        """Whether the step raises or lowers the value."""
        return "up" if self.effect > 0 else "down"


@dataclass(frozen=True)
class Waterfall:
    """The chain: start × factors = score, in the currency of the dataset."""

    start: str
    start_left: float
    steps: list[Step]
    score: str
    score_left: float


def waterfall(base: float, reasons: Sequence[Reason], spec: Spec) -> Waterfall:
    """Make the chain of one customer.

    Args:
        base: the start of every customer, on the log scale.
        reasons: all reasons of the value head, strongest first; the strongest `MAX_STEPS` get a step of their
            own, the rest one together.
        spec: names the unit of every feature and the currency.
    """
    parts = [
        (
            words.feature_words(reason.feature),
            value_in_words(spec, reason.feature, math.nan if reason.value is None else reason.value),
            reason.effect,
        )
        for reason in reasons[:MAX_STEPS]
    ]
    rest = reasons[MAX_STEPS:]
    if rest:
        parts.append(
            (f"{words.plural(len(rest), 'other feature')} together", "", sum(r.effect for r in rest))
        )
    points = [base]
    for _, _, effect in parts:
        points.append(points[-1] + effect)
    low, span = min(points), max(max(points) - min(points), 1e-9)

    def position(point: float) -> float:
        return round(100 * (point - low) / span, 2)

    steps = []
    for (name, feature_value, effect), before, after in zip(parts, points, points[1:], strict=False):
        left = position(min(before, after))
        steps.append(
            Step(
                name,
                feature_value,
                effect,
                words.factor(effect),
                before,
                after,
                left,
                round(max(position(max(before, after)) - left, 0.4), 2),
                words.money(math.exp(after), spec.currency),
            )
        )
    return Waterfall(
        words.money(math.exp(base), spec.currency),
        position(base),
        steps,
        words.money(math.exp(points[-1]), spec.currency),
        position(points[-1]),
    )
