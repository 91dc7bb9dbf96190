"""One customer's score as a chain of factors: the common start, what each feature does, the score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ripple.models.bundle import Spec
from ripple.models.reasons import Reason, in_words
from ripple.training.report.text import words

STEPS = 10


@dataclass(frozen=True)
class Step:
    """One factor, with the running value before and after it on the log scale.

    Attributes:
        left, width: where its bar lies, in percent of the chart.
    """

    name: str
    given: str
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
    """The chain: start × factors = score, in the dataset's currency."""

    start: str
    start_left: float
    steps: list[Step]
    score: str
    score_left: float


def waterfall(base: float, reasons: Sequence[Reason], spec: Spec) -> Waterfall:
    """The chain of one customer.

    Args:
        base: where every customer starts, on the log scale.
        reasons: all reasons of the value head, strongest first; the strongest `STEPS` get a step of their
            own, the rest one together.
        spec: names the unit of every feature and the currency.
    """
    units = {feature.name: feature.unit for feature in spec.features}
    parts = [
        (
            words.spoken(reason.feature),
            in_words(
                math.nan if reason.value is None else reason.value, units[reason.feature], spec.currency
            ),
            reason.effect,
        )
        for reason in reasons[:STEPS]
    ]
    rest = reasons[STEPS:]
    if rest:
        parts.append(
            (f"{words.plural(len(rest), 'other feature')} together", "", sum(r.effect for r in rest))
        )
    points = [base]
    for _, _, effect in parts:
        points.append(points[-1] + effect)
    low, span = min(points), max(max(points) - min(points), 1e-9)

    def place(point: float) -> float:
        return round(100 * (point - low) / span, 2)

    steps = []
    for (name, given, effect), before, after in zip(parts, points, points[1:], strict=False):
        left = place(min(before, after))
        steps.append(
            Step(
                name,
                given,
                effect,
                words.factor(effect),
                before,
                after,
                left,
                round(max(place(max(before, after)) - left, 0.4), 2),
                words.money(math.exp(after), spec.currency),
            )
        )
    return Waterfall(
        words.money(math.exp(base), spec.currency),
        place(base),
        steps,
        words.money(math.exp(points[-1]), spec.currency),
        place(points[-1]),
    )
