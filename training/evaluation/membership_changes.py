"""Changes of top membership between two versions, and the changed effects of features behind them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ripple.models.bundle import Bundle
from ripple.training.evaluation.metrics import rank_correlation

MAX_LISTED, MAX_REASONS = 50, 3
"""The numbers of customers that are listed at most each way, and of reasons that are given for each."""


@dataclass(frozen=True)
class ScoredVersion:
    """A version, and features and scores of all customers at the end of its data, indexed by customer_id."""

    number: str
    as_of: datetime
    bundle: Bundle
    features: pd.DataFrame
    scores: pd.DataFrame


@dataclass(frozen=True)
class EffectShift:
    """The values of one feature before and now, and the change of its effect on the logarithm of value."""

    feature: str
    before: float
    now: float
    effect: float


@dataclass(frozen=True)
class MembershipChange:
    """A customer who entered or left the top.

    Attributes:
        rank_before, rank_now: None where the customer was not there.
        value_before, value_now: expected network value, in currency; nan where the customer was not there.
        by_data: log of the factor by which the earlier version's score of them has changed since.
        by_model: log of the factor between the two versions' scores of them today. Both are nan where the
            customer was not there at both moments, or the earlier version needs a feature that is gone.
        shifts: the features that moved their score most in the direction of the change, the strongest first.
    """

    customer: str
    rank_before: int | None
    rank_now: int | None
    value_before: float
    value_now: float
    by_data: float = math.nan
    by_model: float = math.nan
    shifts: tuple[EffectShift, ...] = ()


@dataclass(frozen=True)
class MembershipChanges:
    """The difference in top membership between a later version and an earlier one.

    Attributes:
        number, as_of: of the earlier version.
        stayed, entered, left: numbers of customers.
        correlation: Spearman's ρ between both values of the customers who were there at both moments.
        entrants, leavers: up to `MAX_LISTED` of those who entered and left, by rank.
        mean_shifts: mean change of each feature's effect, on the log scale: column `entered` for those who
            entered, `left` for those who left.
    """

    number: str
    as_of: datetime
    stayed: int
    entered: int
    left: int
    correlation: float
    entrants: tuple[MembershipChange, ...]
    leavers: tuple[MembershipChange, ...]
    mean_shifts: pd.DataFrame = field(default_factory=pd.DataFrame)

    def record(self) -> dict[str, Any]:
        """The counts as plain data."""
        return {
            "number": self.number,
            "as_of": self.as_of.isoformat(),
            "stayed": self.stayed,
            "entered": self.entered,
            "left": self.left,
            "correlation": None if math.isnan(self.correlation) else self.correlation,
        }


def membership_changes(now: ScoredVersion, before: ScoredVersion) -> MembershipChanges:
    """The changes of top membership from the version *before* to the version *now*."""
    tops = [set(one.scores.index[one.scores["top_member"]]) for one in (now, before)]
    entered = _by_rank(now, tops[0] - tops[1])
    left = _by_rank(before, tops[1] - tops[0])
    both = now.scores.index.intersection(before.scores.index)
    values = [one.scores.loc[both, "network_value"].to_numpy() for one in (now, before)]
    pair = _VersionPair(now, before)
    return MembershipChanges(
        before.number,
        before.as_of,
        len(tops[0] & tops[1]),
        len(entered),
        len(left),
        rank_correlation(*values) if len(both) > 1 else math.nan,
        tuple(pair.changes(entered[:MAX_LISTED], sign=1)),
        tuple(pair.changes(left[:MAX_LISTED], sign=-1)),
        pd.DataFrame(
            {"entered": pair.effect_shifts(entered).mean(), "left": pair.effect_shifts(left).mean()}
        ).fillna(0.0),
    )


def _by_rank(version: ScoredVersion, customers: set[Any]) -> list[Any]:
    return list(version.scores.loc[list(customers)].sort_values("rank").index)


@dataclass(frozen=True)
class _VersionPair:
    now: ScoredVersion
    before: ScoredVersion

    def _in_both(self, customers: Sequence[Any]) -> list[Any]:
        indexes = self.now.features.index, self.before.features.index
        return [one for one in customers if all(one in index for index in indexes)]

    def effect_shifts(self, customers: Sequence[Any]) -> pd.DataFrame:
        """The change of each feature's effect, for those of *customers* who were there at both moments."""
        both = self._in_both(customers)
        now, before = (_effects(version, both) for version in (self.now, self.before))
        return now.sub(before, fill_value=0.0)

    def changes(self, customers: Sequence[Any], sign: int) -> list[MembershipChange]:
        """The change of each of *customers*, with what moved their score in the direction *sign*."""
        shifts = self.effect_shifts(customers)
        by_data, by_model = self._decomposed(self._in_both(customers))
        return [
            MembershipChange(
                str(one),
                _score(self.before, one, "rank"),
                _score(self.now, one, "rank"),
                _score(self.before, one, "network_value", math.nan),
                _score(self.now, one, "network_value", math.nan),
                by_data.get(one, math.nan),
                by_model.get(one, math.nan),
                self._strongest(one, shifts.loc[one], sign) if one in shifts.index else (),
            )
            for one in customers
        ]

    def _decomposed(self, customers: list[Any]) -> tuple[dict[Any, float], dict[Any, float]]:
        """`by_data` and `by_model` of *customers*, by id."""
        earlier = self.before.bundle
        if not customers or not set(earlier.spec.names) <= set(self.now.features):
            return {}, {}
        then = np.log(self.before.scores.loc[customers, "network_value"].to_numpy())
        today = np.log(self.now.scores.loc[customers, "network_value"].to_numpy())
        same_model = np.log(earlier.score(self.now.features.loc[customers])["network_value"].to_numpy())
        return (
            dict(zip(customers, (same_model - then).tolist(), strict=True)),
            dict(zip(customers, (today - same_model).tolist(), strict=True)),
        )

    def _strongest(self, customer: Any, shifts: pd.Series, sign: int) -> tuple[EffectShift, ...]:
        along = (sign * shifts).sort_values(ascending=False, kind="stable").head(MAX_REASONS)
        return tuple(
            EffectShift(
                str(name),
                _value(self.before, customer, str(name)),
                _value(self.now, customer, str(name)),
                float(sign * size),
            )
            for name, size in along.items()
            if size > 0
        )


def _effects(version: ScoredVersion, customers: list[Any]) -> pd.DataFrame:
    """SHAP values on the value head of *version*: customers × features."""
    bundle = version.bundle
    values, _ = bundle.contributions("value", bundle.matrix(version.features.loc[customers]))
    return pd.DataFrame(values, index=pd.Index(customers), columns=bundle.spec.names)


def _score(version: ScoredVersion, customer: Any, name: str, default: Any = None) -> Any:
    if customer not in version.scores.index:
        return default
    score: Any = version.scores.at[customer, name]
    return score.item()


def _value(version: ScoredVersion, customer: Any, name: str) -> float:
    value: Any = version.features.at[customer, name] if name in version.features else math.nan
    return float(value)
