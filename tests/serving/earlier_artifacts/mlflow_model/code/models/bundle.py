"""One model version as plain files, and the only code that turns features into scores.

A bundle is a folder of ``value.txt`` and ``top.txt`` (LightGBM's text format) and ``bundle.json``. Nothing
in it is executed or unpickled. Training writes it; the MLflow model, the batch job and the service score with
it.
"""

from __future__ import annotations

import difflib
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
import pandas as pd

from models.shapley import ShapleyTables

Head = Literal["value", "top"]
HEADS: tuple[Head, ...] = ("value", "top")
FEW = 256
"""Below so many rows, one thread is faster than several."""
SCORES = ("network_value", "network_value_low", "network_value_high", "top_probability")


class FeatureMismatch(ValueError):
    """The features given are not the ones the model was trained on."""


@dataclass(frozen=True)
class FeatureSpec:
    """What a feature is, as people are told."""

    name: str
    family: str
    unit: str
    description: str


@dataclass(frozen=True)
class Interval:
    """Conformal multipliers of the predicted value, by band of predicted value.

    Band i holds predictions in [edges[i-1], edges[i]); a realised value lay between low[i] and high[i] times
    the prediction with the stated coverage on closed cutoffs (Mondrian split conformal, Vovk et al. 2003).
    """

    coverage: float
    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def around(self, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper end around every predicted *value*."""
        edges, low, high = self._arrays
        band = edges.searchsorted(value, side="right")
        return value * low[band], value * high[band]

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.asarray(self.edges, dtype=float), np.asarray(self.low), np.asarray(self.high)


@dataclass(frozen=True)
class Spec:
    """Everything about a bundle but its trees.

    Attributes:
        level: currency per unit of the value head's output: the mean label of the latest closed window.
        slope, intercept: Platt scaling of the top head's log-odds (Platt 1999).
    """

    features: tuple[FeatureSpec, ...]
    level: float
    slope: float
    intercept: float
    interval: Interval
    currency: str
    horizon_days: int
    top_share: float
    trained_until: str
    label: str

    @property
    def names(self) -> list[str]:
        """Feature names in the order the boosters expect."""
        return [feature.name for feature in self.features]

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Spec:
        """Read what `asdict` made of a spec."""
        interval = given["interval"]
        bands = {name: tuple(interval[name]) for name in ("edges", "low", "high")}
        features = tuple(FeatureSpec(**feature) for feature in given["features"])
        return cls(**{**given, "features": features, "interval": Interval(interval["coverage"], **bands)})


@dataclass(frozen=True)
class Bundle:
    """Both heads and their spec."""

    value: lgb.Booster
    top: lgb.Booster
    spec: Spec

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Read the bundle in *folder*.

        Raises:
            FeatureMismatch: boosters and spec do not name the same features in the same order.
        """
        spec = Spec.from_json(json.loads((folder / "bundle.json").read_text(encoding="utf-8")))
        value = lgb.Booster(model_file=str(folder / "value.txt"))
        top = lgb.Booster(model_file=str(folder / "top.txt"))
        for head in (value, top):
            if head.feature_name() != spec.names:
                raise FeatureMismatch(f"{folder}: the boosters and bundle.json name different features.")
        return cls(value, top, spec)

    def save(self, folder: Path) -> None:
        """Write the bundle into *folder*, which exists."""
        (folder / "value.txt").write_text(self.value.model_to_string(), encoding="utf-8")
        (folder / "top.txt").write_text(self.top.model_to_string(), encoding="utf-8")
        text = json.dumps(asdict(self.spec), indent=1, ensure_ascii=False)
        (folder / "bundle.json").write_text(text + "\n", encoding="utf-8")

    def matrix(self, features: pd.DataFrame) -> np.ndarray:
        """The features as float64, matched by name, in the boosters' order; other columns are ignored.

        Raises:
            FeatureMismatch: a feature is missing (the nearest column given is named) or is not a number.
        """
        given = list(features.columns)
        for name in self.spec.names:
            if name not in given:
                close = difflib.get_close_matches(name, given, n=1)
                hint = f" (found '{close[0]}')" if close else ""
                raise FeatureMismatch(
                    f"Feature '{name}' is missing{hint}; the model needs all of its features."
                )
        try:
            return features[self.spec.names].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            wrong = next(name for name in self.spec.names if not _numeric(features[name]))
            raise FeatureMismatch(f"Feature '{wrong}' is not a number: {error}.") from error

    def score(self, features: pd.DataFrame) -> pd.DataFrame:
        """Scores of every row, under the columns of `SCORES` and the index of *features*."""
        return pd.DataFrame(self.score_matrix(self.matrix(features)), index=features.index)

    def score_matrix(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Scores of every row of *x* (rows × features, in the boosters' order)."""
        log_value, log_odds = self.raw(x)
        value = self.spec.level * np.exp(log_value)
        low, high = self.spec.interval.around(value)
        return {
            "network_value": value,
            "network_value_low": low,
            "network_value_high": high,
            "top_probability": 1.0 / (1.0 + np.exp(-log_odds)),
        }

    def raw(self, x: np.ndarray) -> np.ndarray:
        """Log of the uncalibrated value, and calibrated log-odds of being at the top: 2 × rows."""
        if len(x) == 0:
            return np.zeros((len(HEADS), 0))
        # the same to the bit; many rows are left to LightGBM's threads
        tables = self._both if len(x) < FEW else None
        raw = (
            tables.raw(x) if tables else np.stack([self._predict(head, x, raw_score=True) for head in HEADS])
        )
        raw[1] = self.spec.slope * raw[1] + self.spec.intercept
        return raw

    def contributions(self, head: Head, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """SHAP values (rows × features) and the base of every row; they add up to the served number.

        For the value head, base + Σ = log(network_value); for the top head, = log-odds of top_probability
        (TreeSHAP, Lundberg et al. 2020; by LightGBM itself where trees are too large for tables).
        """
        tables = self._tables[head]
        if tables:
            values, base = tables(x)[:, 0], np.full(len(x), tables.base[0])
        else:
            values, base = self._by_lightgbm(head, x)
        if head == "value":
            return values, base + np.log(self.spec.level)
        return values * self.spec.slope, base * self.spec.slope + self.spec.intercept

    def both_contributions(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`contributions` of the value head and the top head at once: rows × 2 × features, and rows × 2.

        For a few rows this costs little more than those of one head, as each is prepared once.
        """
        tables = self._both
        if tables is None:
            heads = [self.contributions(head, x) for head in HEADS]
            return np.stack([one for one, _ in heads], axis=1), np.stack([base for _, base in heads], axis=1)
        spec = self.spec
        values, base = tables(x), tables.base * (1.0, spec.slope) + (np.log(spec.level), spec.intercept)
        values[:, 1] *= spec.slope
        return values, np.broadcast_to(base, (len(x), 2))

    def _by_lightgbm(self, head: Head, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        full = self._predict(head, x, pred_contrib=True)
        return full[:, :-1], full[:, -1]

    def _predict(self, head: Head, x: np.ndarray, **kind: bool) -> np.ndarray:
        booster = self.value if head == "value" else self.top
        # for few rows, starting threads costs more than they save
        return np.asarray(booster.predict(x, **kind, num_threads=1 if len(x) < FEW else 0))

    @cached_property
    def _tables(self) -> dict[Head, ShapleyTables | None]:
        return {"value": ShapleyTables.of(self.value), "top": ShapleyTables.of(self.top)}

    @cached_property
    def _both(self) -> ShapleyTables | None:
        return ShapleyTables.of(self.value, self.top)


def _numeric(column: pd.Series) -> bool:
    try:
        column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return False
    return True
