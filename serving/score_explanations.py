"""Why a score is what it is: contributions as currency and log-odds, by family and by feature, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ripple.models.bundle import Bundle, Head
from ripple.models.reasons import family_members, in_words, logarithmic_mean, sentence
from ripple.serving.schemas import MOST_REASONS


@dataclass(frozen=True)
class Parts:
    """What the scores of customers are made of, on the log scale; by customer and head.

    Attributes:
        families: what each family adds; customers × 2 × families.
        places: which features add most, strongest first; customers × 2 × at most `MOST_REASONS`.
        strongest: what those add.
    """

    families: np.ndarray
    places: np.ndarray
    strongest: np.ndarray

    def __getitem__(self, rows: Any) -> Parts:
        return Parts(self.families[rows], self.places[rows], self.strongest[rows])


class Explainer:
    """Explains the scores of one bundle."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle
        self.specs = bundle.spec.features
        self.families, self._member = family_members(bundle)
        self.most = min(MOST_REASONS, len(self.specs))
        base = bundle.both_contributions(np.zeros((1, len(self.specs))))[1]
        self._base_value, self._base_top = base[0].tolist()

    def parts(self, x: np.ndarray) -> Parts:
        """What the scores of every row of *x* (rows × features) are made of."""
        effects, _ = self.bundle.both_contributions(x)
        places = (-np.abs(effects)).argsort(axis=2, kind="stable")[:, :, : self.most]
        strongest = np.take_along_axis(effects, places, axis=2)
        return Parts(effects @ self._member, places.astype(np.uint16), strongest)

    def tell(self, x: np.ndarray, parts: Parts, top: int) -> Iterator[tuple[dict[str, Any], float, float]]:
        """Explanations of every row of *x*, with the *top* strongest reasons of each head.

        Returns:
            For each row a `ripple.serving.schemas.Explanation` as plain data, and the network value and the
            probability of being at the top that its parts add up to.
        """
        rows = zip(
            x,
            parts.families.tolist(),
            parts.places[:, :, :top].tolist(),
            parts.strongest[:, :, :top].tolist(),
            strict=True,
        )
        for row, families, places, strongest in rows:
            log_value, log_odds = self._base_value + sum(families[0]), self._base_top + sum(families[1])
            # parts of a logarithm as parts of a value in currency
            scale, base = logarithmic_mean(log_value, self._base_value), math.exp(self._base_value)
            value = self._head("value", row, places[0], strongest[0], base, families[0], scale)
            at_top = self._head("top", row, places[1], strongest[1], self._base_top, families[1], 1.0)
            yield {"value": value, "top": at_top}, math.exp(log_value), 1.0 / (1.0 + math.exp(-log_odds))

    def _head(
        self,
        head: Head,
        row: np.ndarray,
        places: list[int],
        parts: list[float],
        base: float,
        families: list[float],
        scale: float,
    ) -> dict[str, Any]:
        return {
            "base": base,
            "families": {name: part * scale for name, part in zip(self.families, families, strict=True)},
            "reasons": [
                self._reason(head, place, float(row[place]), part, part * scale)
                for place, part in zip(places, parts, strict=True)
            ],
        }

    def _reason(self, head: Head, place: int, value: float, part: float, effect: float) -> dict[str, Any]:
        feature = self.specs[place]
        words = in_words(value, feature.unit, self.bundle.spec.currency)
        return {
            "feature": feature.name,
            "family": feature.family,
            "value": None if math.isnan(value) else value,
            "in_words": words,
            "effect": effect,
            "direction": "raises" if part > 0 else "lowers",
            "text": sentence(feature, words, part, head),
        }
