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

from .tree_shap import ShapleyTables

Head = Literal["value", "top"]
HEADS: tuple[Head, ...] = ("value", "top")
"""The two boosters: the expected network value, and membership in the top share."""
SINGLE_THREAD_ROWS = 256
"""The number of rows below which one thread is faster than several."""
SCORES = ("network_value", "network_value_low", "network_value_high", "top_probability")
"""The scores of a customer: three in currency over the horizon, and a calibrated probability."""


class FeatureMismatch(ValueError):
    """The features of a request or a file are not those the model was trained on."""


@dataclass(frozen=True)
class FeatureSpec:
    """The documentation of a feature: its name, family, unit and description."""

    name: str
    family: str
    unit: str
    description: str


@dataclass(frozen=True)
class Interval:
    """A prediction interval of the network value: conformal multipliers by band of predicted value.

    Band i holds predictions in [edges[i-1], edges[i]). On closed cutoffs a realised value lay between low[i]
    and high[i] times the prediction with the stated coverage (Mondrian split conformal prediction, Vovk et
    al. 2003).
    """

    coverage: float
    edges: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def bounds(self, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper bound of every predicted *value*, in the same currency."""
        edges, low, high = self._arrays
        band = edges.searchsorted(value, side="right")
        return value * low[band], value * high[band]

    @cached_property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.asarray(self.edges, dtype=float), np.asarray(self.low), np.asarray(self.high)


@dataclass(frozen=True)
class Spec:
    """All of a bundle but its trees; ``bundle.json`` holds it.

    Attributes:
        features: Documentation of the features, in the order the boosters expect.
        level: Currency per unit of the value head's output: the mean label of the latest closed window.
        slope, intercept: Platt scaling of the top head's log-odds (Platt 1999).
        interval: Prediction interval of the network value.
        top_share: Share of customers that is the top.
        trained_until: Moment up to which data was used, in ISO 8601.
        label: Name of what the value head predicts.
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
    def from_json(cls, fields: dict[str, Any]) -> Spec:
        """The spec of which `dataclasses.asdict` gives *fields*."""
        interval = fields["interval"]
        bands = {name: tuple(interval[name]) for name in ("edges", "low", "high")}
        features = tuple(FeatureSpec(**feature) for feature in fields["features"])
        return cls(**{**fields, "features": features, "interval": Interval(interval["coverage"], **bands)})


@dataclass(frozen=True)
class Bundle:
    """One model version: the boosters of both heads and their spec."""

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
        for booster in (value, top):
            if booster.feature_name() != spec.names:
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
            FeatureMismatch: a feature is missing (the most similar column is named) or is not a number.
        """
        columns = list(features.columns)
        for name in self.spec.names:
            if name not in columns:
                close = difflib.get_close_matches(name, columns, n=1)
                hint = f" (found '{close[0]}')" if close else ""
                raise FeatureMismatch(
                    f"Feature '{name}' is missing{hint}; the model needs all of its features."
                )
        try:
            return features[self.spec.names].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            invalid = next(name for name in self.spec.names if not _is_numeric(features[name]))
            raise FeatureMismatch(f"Feature '{invalid}' is not a number: {error}.") from error

    def score(self, features: pd.DataFrame) -> pd.DataFrame:
        """Scores of every row: the columns of `SCORES`, the index of *features*."""
        return pd.DataFrame(self.score_matrix(self.matrix(features)), index=features.index)

    def score_matrix(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Scores of every row of *x* (rows × features, in the boosters' order)."""
        log_value, log_odds = self.log_scores(x)
        value = self.spec.level * np.exp(log_value)
        low, high = self.spec.interval.bounds(value)
        return {
            "network_value": value,
            "network_value_low": low,
            "network_value_high": high,
            "top_probability": 1.0 / (1.0 + np.exp(-log_odds)),
        }

    def log_scores(self, x: np.ndarray) -> np.ndarray:
        """Log of the network value in units of `Spec.level`, and calibrated log-odds of the top: 2 × rows."""
        if len(x) == 0:
            return np.zeros((len(HEADS), 0))
        # the same to the bit; many rows are left to LightGBM's threads
        tables = self._joint_tables if len(x) < SINGLE_THREAD_ROWS else None
        scores = (
            tables.raw_scores(x)
            if tables
            else np.stack([self._predict(head, x, raw_score=True) for head in HEADS])
        )
        scores[1] = self.spec.slope * scores[1] + self.spec.intercept
        return scores

    def contributions(self, head: Head, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """SHAP values (rows × features) and base values (rows), which add up to the served score.

        Their sum is log(network_value) for the value head, and the log-odds of top_probability for the top
        head (TreeSHAP, Lundberg et al. 2020; by LightGBM itself where trees are too large for tables).
        """
        tables = self._tables_by_head[head]
        if tables:
            values, base = tables(x)[:, 0], np.full(len(x), tables.base_values[0])
        else:
            full = self._predict(head, x, pred_contrib=True)
            values, base = full[:, :-1], full[:, -1]
        if head == "value":
            return values, base + np.log(self.spec.level)
        return values * self.spec.slope, base * self.spec.slope + self.spec.intercept

    def both_contributions(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`contributions` of the value head and the top head at once: rows × 2 × features, and rows × 2.

        For a few rows this costs little more than one head, as both share one look-up.
        """
        tables = self._joint_tables
        if tables is None:
            heads = [self.contributions(head, x) for head in HEADS]
            return (
                np.stack([values for values, _ in heads], axis=1),
                np.stack([base for _, base in heads], axis=1),
            )
        spec = self.spec
        values = tables(x)
        base = tables.base_values * (1.0, spec.slope) + (np.log(spec.level), spec.intercept)
        values[:, 1] *= spec.slope
        return values, np.broadcast_to(base, (len(x), 2))

    def _predict(self, head: Head, x: np.ndarray, **kind: bool) -> np.ndarray:
        booster = self.value if head == "value" else self.top
        # for few rows, starting threads costs more than they save
        threads = 1 if len(x) < SINGLE_THREAD_ROWS else 0
        return np.asarray(booster.predict(x, **kind, num_threads=threads))

    @cached_property
    def _tables_by_head(self) -> dict[Head, ShapleyTables | None]:
        return {
            "value": ShapleyTables.from_boosters(self.value),
            "top": ShapleyTables.from_boosters(self.top),
        }

    @cached_property
    def _joint_tables(self) -> ShapleyTables | None:
        return ShapleyTables.from_boosters(self.value, self.top)


def _is_numeric(column: pd.Series) -> bool:
    try:
        column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return False
    return True
