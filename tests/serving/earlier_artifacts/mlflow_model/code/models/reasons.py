"""Reasons in words: which features moved a score, by how much, and in which direction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from models.bundle import Bundle, FeatureSpec, Head

OUTCOME = {"value": "expected network value", "top": "odds of being at the top"}


@dataclass(frozen=True)
class Reason:
    """One feature's part in one score.

    Attributes:
        effect: contribution on the log scale; e^effect is the factor on the value or on the odds.
    """

    feature: str
    family: str
    value: float | None
    effect: float
    factor: float
    text: str


def reasons(bundle: Bundle, head: Head, x: np.ndarray, top: int) -> list[list[Reason]]:
    """The *top* strongest reasons of every row of *x*, strongest first; all of them where top is 0."""
    if len(x) == 0:
        return []
    values, _ = bundle.contributions(head, x)
    specs = bundle.spec.features
    order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, : top or None]
    return [
        [_reason(specs[i], row[i], effects[i], head, bundle.spec.currency) for i in chosen]
        for row, effects, chosen in zip(x, values, order, strict=True)
    ]


def family_totals(bundle: Bundle, head: Head, x: np.ndarray) -> list[dict[str, float]]:
    """Contributions of every row of *x* added up by family, on the log scale."""
    if len(x) == 0:
        return []
    values, _ = bundle.contributions(head, x)
    families, member = family_members(bundle)
    return [dict(zip(families, row, strict=True)) for row in (values @ member).tolist()]


def family_members(bundle: Bundle) -> tuple[list[str], np.ndarray]:
    """The families in the order of their features, and which feature is of which: features × families."""
    specs = bundle.spec.features
    families = list(dict.fromkeys(feature.family for feature in specs))
    return families, np.array([[one.family == family for family in families] for one in specs], dtype=float)


def logarithmic_mean(log_a: float, log_b: float) -> float:
    """(a − b) ÷ (ln a − ln b), and a where the two are equal.

    It turns parts of a logarithm into parts of the difference: where ln a − ln b = Σ cᵢ, each cᵢ times
    this is its share of a − b, and the shares add up with nothing left over (Ang 2004, LMDI decomposition).
    """
    difference = log_a - log_b
    return math.exp(log_b) * (math.expm1(difference) / difference if difference else 1.0)


def in_words(value: float, unit: str, currency: str) -> str:
    """A feature's value with its unit, as a person would write it."""
    if math.isnan(value):
        return "undefined"
    if unit == "currency":
        return f"{value:,.0f} {currency}"
    if unit == "share":
        return f"{value:.0%}"
    if unit == "flag":
        return "yes" if value else "no"
    number = f"{value:,.0f}" if abs(value - round(value)) < 1e-9 or abs(value) >= 100 else f"{value:,.3g}"
    return f"{number} {unit.removesuffix('s') if number == '1' else unit}"


def sentence(feature: FeatureSpec, words: str, effect: float, head: Head) -> str:
    """What *effect*, on the log scale, the feature's value, in *words*, has on a head."""
    return (
        f"{feature.name.replace('_', ' ')} is {words}: "
        f"{'raises' if effect > 0 else 'lowers'} the {OUTCOME[head]} ×{math.exp(effect):.2f}"
    )


def _reason(feature: FeatureSpec, value: float, effect: float, head: Head, currency: str) -> Reason:
    return Reason(
        feature.name,
        feature.family,
        None if math.isnan(value) else float(value),
        float(effect),
        math.exp(effect),
        sentence(feature, in_words(value, feature.unit, currency), effect, head),
    )
