"""One model version as plain files, and the only code that turns features into scores.

A bundle is a folder of boosters in LightGBM's text format (``value.txt``, ``top.txt``; ``any.txt``,
``low.txt`` and ``high.txt`` for the range of a value) and ``bundle.json``. Nothing in it is executed or
unpickled. Training writes it; the MLflow model, the batch job and the service score with
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
from .value_range import RangeScores, ValueRange

Head = Literal["value", "top"]
HEADS: tuple[Head, ...] = ("value", "top")
"""The two boosters that are explained: the expected network value, and membership in the top share."""
RANGE_HEADS = ("any", "low", "high")
"""The boosters of the range: whether there is any value, and a low and a high quantile where there is."""
SINGLE_THREAD_ROWS = 256
"""The number of rows below which one thread is faster than several."""
SCORES = ("network_value", "network_value_low", "network_value_high", "top_probability")
"""The scores of a customer: three in currency over the horizon, and a calibrated probability."""
RANGE_SCORES = ("any_value_probability", "if_any_value_low", "if_any_value_high")
"""Further scores of a bundle with heads of a range: the calibrated probability that there is any network
value, and the bounds in currency where there is any."""
MAX_NAMED_LEVELS = 3
"""The number of levels of one value that are all named in words."""


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
class Category:
    """A feature that stands for the levels of an attribute of customers.

    Attributes:
        feature: The name of the feature.
        attribute: The name of the attribute in the data.
        levels: Level and value of the feature, the most frequent first.
        other: The value of every other level, such as one that is new since training.
    """

    feature: str
    attribute: str
    levels: tuple[tuple[str, float], ...]
    other: float

    @cached_property
    def value_by_level(self) -> dict[str, float]:
        """The value of the feature by level."""
        return dict(self.levels)

    def encode(self, levels: pd.Series) -> pd.Series:
        """The values of *levels*; undefined where they are."""
        return levels.map(self.value_by_level).fillna(self.other).where(levels.notna()).astype("float64")

    def unknown(self, levels: pd.Series) -> pd.Series:
        """How many of *levels* are each of those that this does not know."""
        return levels[levels.notna() & ~levels.isin(self.value_by_level)].value_counts()

    def in_words(self, value: float) -> str | None:
        """The levels that have this *value*; None if it is that of no level."""
        names = [level for level, own in self.levels if own == value]
        if len(names) > MAX_NAMED_LEVELS:
            return f"{', '.join(names[:2])} or one of {len(names) - 2} more"
        return " or ".join(names) or ("a new level" if value == self.other else None)


@dataclass(frozen=True)
class Interval:
    """A prediction interval of a value: conformal multipliers by band of predicted value.

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
        interval: Prediction interval of a bundle without heads of a range, as versions before them have.
        value_range: Calibration of the heads of the range.
        range_levels: Logarithm of the currency that an output of zero of the low and the high head
            stands for.
        categories: The features that stand for levels of attributes, with their values.
        top_share: Share of customers that is the top.
        trained_until: Moment up to which data was used, in ISO 8601.
        label: Name of what the value head predicts.
    """

    features: tuple[FeatureSpec, ...]
    level: float
    slope: float
    intercept: float
    interval: Interval | None
    currency: str
    horizon_days: int
    top_share: float
    trained_until: str
    label: str
    value_range: ValueRange | None = None
    range_levels: tuple[float, float] = (0.0, 0.0)
    categories: tuple[Category, ...] = ()

    @cached_property
    def category_by_feature(self) -> dict[str, Category]:
        """`categories` by the name of their feature."""
        return {category.feature: category for category in self.categories}

    @cached_property
    def unit_by_feature(self) -> dict[str, str]:
        """The unit of every feature."""
        return {feature.name: feature.unit for feature in self.features}

    @property
    def coverage(self) -> float:
        """Nominal coverage of the bounds of the network value."""
        return (self.value_range or self.banded_interval).coverage

    @property
    def banded_interval(self) -> Interval:
        """`interval` of a bundle without heads of a range."""
        assert self.interval is not None, "a bundle has an interval or a range"
        return self.interval

    @property
    def names(self) -> list[str]:
        """Feature names in the order the boosters expect."""
        return [feature.name for feature in self.features]

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Spec:
        """The spec of which `dataclasses.asdict` gives *fields*."""
        interval, value_range = fields["interval"], fields.get("value_range")
        return cls(
            **fields
            | {
                "features": tuple(FeatureSpec(**feature) for feature in fields["features"]),
                "interval": interval and Interval(**_tuples(interval)),
                "value_range": value_range and ValueRange(**_tuples(value_range)),
                "range_levels": tuple(fields.get("range_levels", cls.range_levels)),
                "categories": tuple(Category(**_tuples(one)) for one in fields.get("categories", ())),
            }
        )


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    """*fields* as JSON holds them, with lists of numbers, or of lists of them, as tuples."""
    return {
        name: tuple(tuple(row) if isinstance(row, list) else row for row in value)
        if isinstance(value, list)
        else value
        for name, value in fields.items()
    }


@dataclass(frozen=True)
class Bundle:
    """One model version: its boosters and their spec.

    Attributes:
        ranges: The boosters of `RANGE_HEADS`; none in versions before them.
    """

    value: lgb.Booster
    top: lgb.Booster
    spec: Spec
    ranges: tuple[lgb.Booster, ...] = ()

    @classmethod
    def load(cls, folder: Path) -> Bundle:
        """Read the bundle in *folder*.

        Raises:
            FeatureMismatch: boosters and spec do not name the same features in the same order.
        """
        spec = Spec.from_json(json.loads((folder / "bundle.json").read_text(encoding="utf-8")))
        names = (*HEADS, *(RANGE_HEADS if spec.value_range else ()))
        value, top, *ranges = (lgb.Booster(model_file=str(folder / f"{name}.txt")) for name in names)
        for booster in (value, top, *ranges):
            if booster.feature_name() != spec.names:
                raise FeatureMismatch(f"{folder}: the boosters and bundle.json name different features.")
        return cls(value, top, spec, tuple(ranges))

    def save(self, folder: Path) -> None:
        """Write the bundle into *folder*, which exists."""
        for name, booster in zip((*HEADS, *RANGE_HEADS), self._boosters, strict=False):
            (folder / f"{name}.txt").write_text(booster.model_to_string(), encoding="utf-8")
        fields = asdict(self.spec)
        if not self.spec.categories:
            del fields["categories"]  # so a bundle without any keeps its bytes
        text = json.dumps(fields, indent=1, ensure_ascii=False)
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

    def encode(self, features: pd.DataFrame, attributes: pd.DataFrame | None) -> pd.DataFrame:
        """The *features* with the values that levels of categories had when this bundle was trained.

        Args:
            attributes: Text attributes of the same customers; an attribute that is not there is undefined.
        """
        if attributes is None or not self.spec.categories:
            return features
        rows = attributes.reindex(features.index).astype("object")
        empty = pd.Series(None, features.index, dtype="object")
        return features.assign(
            **{one.feature: one.encode(rows.get(one.attribute, empty)) for one in self.spec.categories}
        )

    @property
    def score_names(self) -> tuple[str, ...]:
        """`SCORES`, and `RANGE_SCORES` where there are heads of a range."""
        return SCORES + RANGE_SCORES if self.ranges else SCORES

    def score(self, features: pd.DataFrame) -> pd.DataFrame:
        """Scores of every row: the columns of `score_names`, the index of *features*."""
        return pd.DataFrame(self.score_matrix(self.matrix(features)), index=features.index)

    def score_matrix(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Scores of every row of *x* (rows × features, in the boosters' order)."""
        log_value, log_odds, *range_scores = self._raw_scores(x)
        value = self.spec.level * np.exp(log_value)
        top = {"top_probability": 1.0 / (1.0 + np.exp(-log_odds))}
        if self.spec.value_range is None:
            low, high = self.spec.banded_interval.bounds(value)
            return {"network_value": value, "network_value_low": low, "network_value_high": high} | top
        log_any, low, high = range_scores
        low_level, high_level = self.spec.range_levels
        ranges = self.spec.value_range.ranges(value, RangeScores(log_any, low + low_level, high + high_level))
        return (
            {"network_value": value, "network_value_low": ranges.low, "network_value_high": ranges.high}
            | top
            | dict(zip(RANGE_SCORES, ranges[2:], strict=True))
        )

    def log_scores(self, x: np.ndarray) -> np.ndarray:
        """Log of the network value in units of `Spec.level`, and calibrated log-odds of the top: 2 × rows."""
        return self._raw_scores(x)[: len(HEADS)]

    def _raw_scores(self, x: np.ndarray) -> np.ndarray:
        """`log_scores` and the raw scores of the heads of the range: boosters × rows."""
        if len(x) == 0:
            return np.zeros((len(self._boosters), 0))
        # the same to the bit; many rows are left to LightGBM's threads
        tables = self._raw_tables if len(x) < SINGLE_THREAD_ROWS else None
        scores = (
            tables.raw_scores(x)
            if tables
            else np.stack([self._predict(booster, x, raw_score=True) for booster in self._boosters])
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
            full = self._predict(self.value if head == "value" else self.top, x, pred_contrib=True)
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

    @property
    def _boosters(self) -> tuple[lgb.Booster, ...]:
        return (self.value, self.top, *self.ranges)

    def _predict(self, booster: lgb.Booster, x: np.ndarray, **kind: bool) -> np.ndarray:
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

    @cached_property
    def _raw_tables(self) -> ShapleyTables | None:
        return ShapleyTables.from_boosters(*self._boosters) if self.ranges else self._joint_tables


def _is_numeric(column: pd.Series) -> bool:
    try:
        column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        return False
    return True
