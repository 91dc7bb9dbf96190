"""Explanations of scores: SHAP contributions in currency and log-odds, by family and by feature, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ripple.models.bundle import Bundle, Head
from ripple.models.reasons import family_members, logarithmic_mean, sentence, value_in_words
from ripple.serving.schemas import MAX_REASONS


@dataclass(frozen=True)
class Contributions:
    """SHAP contributions to the scores of customers on the log scale, as far as explanations need them.

    Attributes:
        families: Sum over the features of each family; customers × 2 heads × families.
        features: Indices of the features of largest absolute contribution, largest first; customers × 2
            heads × at most `MAX_REASONS`.
        strongest: Contributions of those features; the same shape.
    """

    families: np.ndarray
    features: np.ndarray
    strongest: np.ndarray

    def __getitem__(self, rows: Any) -> Contributions:
        return Contributions(self.families[rows], self.features[rows], self.strongest[rows])


class Explainer:
    """Explains the scores of one bundle.

    Attributes:
        specs: Documentation of the features, in the boosters' order.
        families: Families in order of their first feature.
        max_reasons: The number of reasons that `Contributions` hold for each head.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.specs = bundle.spec.features
        self.families, self._membership = family_members(bundle)
        self.max_reasons = min(MAX_REASONS, len(self.specs))
        base = bundle.both_contributions(np.zeros((1, len(self.specs))))[1]
        self._base_log_value, self._base_log_odds = base[0].tolist()

    def contributions(self, x: np.ndarray) -> Contributions:
        """The contributions of every row of *x* (rows × features)."""
        effects, _ = self.bundle.both_contributions(x)
        features = (-np.abs(effects)).argsort(axis=2, kind="stable")[:, :, : self.max_reasons]
        strongest = np.take_along_axis(effects, features, axis=2)
        return Contributions(effects @ self._membership, features.astype(np.uint16), strongest)

    def effects(self, contributions: Contributions) -> np.ndarray:
        """The strongest contributions as `explain` tells them: in currency, and in log-odds.

        Returns:
            Customers × 2 heads × features, in the order of `Contributions.features`.
        """
        difference = contributions.families[:, 0].sum(axis=1)
        # the logarithmic mean of value and base, which is the base where the two are equal
        growth = np.where(
            difference == 0, 1.0, np.expm1(difference) / np.where(difference == 0, 1.0, difference)
        )
        effects = contributions.strongest.copy()
        effects[:, 0] *= (math.exp(self._base_log_value) * growth)[:, None]
        return effects

    def explain(
        self, x: np.ndarray, contributions: Contributions, top: int
    ) -> Iterator[tuple[dict[str, Any], float, float]]:
        """Explain every row of *x*, with the *top* strongest reasons of each head.

        Yields:
            For each row a `ripple.serving.schemas.Explanation` as plain data, and the network value and the
            probability of being at the top to which base and families add up.
        """
        rows = zip(
            x,
            contributions.families.tolist(),
            contributions.features[:, :, :top].tolist(),
            contributions.strongest[:, :, :top].tolist(),
            strict=True,
        )
        for row, families, features, strongest in rows:
            log_value = self._base_log_value + sum(families[0])
            log_odds = self._base_log_odds + sum(families[1])
            # contributions to the log of a value become contributions in currency (LMDI)
            scale = logarithmic_mean(log_value, self._base_log_value)
            base = math.exp(self._base_log_value)
            value = self._head("value", row, features[0], strongest[0], base, families[0], scale)
            top_head = self._head(
                "top", row, features[1], strongest[1], self._base_log_odds, families[1], 1.0
            )
            yield {"value": value, "top": top_head}, math.exp(log_value), 1.0 / (1.0 + math.exp(-log_odds))

    def _head(
        self,
        head: Head,
        row: np.ndarray,
        features: list[int],
        strongest: list[float],
        base: float,
        families: list[float],
        scale: float,
    ) -> dict[str, Any]:
        return {
            "base": base,
            "families": {name: total * scale for name, total in zip(self.families, families, strict=True)},
            "reasons": [
                self._reason(head, index, float(row[index]), effect, effect * scale)
                for index, effect in zip(features, strongest, strict=True)
            ],
        }

    def _reason(
        self, head: Head, index: int, value: float, log_effect: float, effect: float
    ) -> dict[str, Any]:
        spec = self.specs[index]
        words = value_in_words(self.bundle.spec, spec.name, value)
        return {
            "feature": spec.name,
            "family": spec.family,
            "value": None if math.isnan(value) else value,
            "in_words": words,
            "effect": effect,
            "direction": "raises" if log_effect > 0 else "lowers",
            "text": sentence(spec, words, log_effect, head),
        }
