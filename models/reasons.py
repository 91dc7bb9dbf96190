"""Reasons in words: which features moved a score, by how much, and in which direction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .bundle import Bundle, FeatureSpec, Head, Spec

NO_UNIT = "number"
"""The unit of a number whose unit is not known."""
ATTRIBUTE_PREFIX = "attribute_"
"""What the names of features that are attributes of customers begin with."""
OUTCOME = {"value": "expected network value", "top": "odds of being at the top"}


@dataclass(frozen=True)
class Reason:
    """The contribution of one feature to one score.

    Attributes:
        value: The feature's value; None where it is undefined.
        effect: SHAP value on the log scale.
        factor: e^effect, the factor on the network value or on the odds.
        text: Value and factor as a sentence.
    """

    feature: str
    family: str
    value: float | None
    effect: float
    factor: float
    text: str


def reasons(bundle: Bundle, head: Head, x: np.ndarray, top: int) -> list[list[Reason]]:
    """The *top* strongest reasons of every row of *x*, strongest first; all reasons if *top* is 0."""
    if len(x) == 0:
        return []
    values, _ = bundle.contributions(head, x)
    specs = bundle.spec.features
    order = np.argsort(-np.abs(values), axis=1, kind="stable")[:, : top or None]
    return [
        [_reason(specs[i], row[i], effects[i], head, bundle.spec) for i in strongest]
        for row, effects, strongest in zip(x, values, order, strict=True)
    ]


def family_totals(bundle: Bundle, head: Head, x: np.ndarray) -> list[dict[str, float]]:
    """Contributions of every row of *x* added up by family, on the log scale."""
    if len(x) == 0:
        return []
    values, _ = bundle.contributions(head, x)
    families, membership = family_members(bundle)
    return [dict(zip(families, row, strict=True)) for row in (values @ membership).tolist()]


def family_members(bundle: Bundle) -> tuple[list[str], np.ndarray]:
    """The families in order of first feature, and their 0/1 membership matrix: features × families."""
    specs = bundle.spec.features
    families = list(dict.fromkeys(feature.family for feature in specs))
    membership = [[feature.family == family for family in families] for feature in specs]
    return families, np.array(membership, dtype=float)


def logarithmic_mean(log_a: float, log_b: float) -> float:
    """The logarithmic mean (a − b) ÷ (ln a − ln b) of a and b, and a where the two are equal.

    It turns contributions to a logarithm into contributions to the value itself: where ln a − ln b = Σ cᵢ,
    each cᵢ times the logarithmic mean is its share of a − b, and the shares add up without a residual (LMDI
    decomposition; Ang 2004, "Decomposition analysis for policymaking in energy", Energy Policy 32).
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
    if unit == NO_UNIT:
        return number
    return f"{number} {unit.removesuffix('s') if number == '1' else unit}"


def value_in_words(spec: Spec, name: str, value: float) -> str:
    """The *value* of the feature *name* with its unit, or the level that it stands for."""
    category = spec.category_by_feature.get(name)
    level = category.in_words(value) if category else None
    return in_words(value, spec.unit_by_feature.get(name, ""), spec.currency) if level is None else level


def feature_in_words(name: str) -> str:
    """The name of a feature as words: ``out_degree`` is ``out degree``, ``attribute_plan`` is ``plan``."""
    return name.removeprefix(ATTRIBUTE_PREFIX).replace("_", " ")


def sentence(feature: FeatureSpec, words: str, effect: float, head: Head) -> str:
    """The *effect* (on the log scale) of a feature's value, given in *words*, on a head's score."""
    return (
        f"{feature_in_words(feature.name)} is {words}: "
        f"{'raises' if effect > 0 else 'lowers'} the {OUTCOME[head]} ×{math.exp(effect):.2f}"
    )


def _reason(feature: FeatureSpec, value: float, effect: float, head: Head, spec: Spec) -> Reason:
    return Reason(
        feature.name,
        feature.family,
        None if math.isnan(value) else float(value),
        float(effect),
        math.exp(effect),
        sentence(feature, value_in_words(spec, feature.name, value), effect, head),
    )
