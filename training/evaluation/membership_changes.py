"""Who entered and who left the top between two versions, and which of their reasons moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ripple.models.bundle import Bundle
from ripple.training.evaluation.metrics import rank_correlation

LISTED, REASONS = 50, 3


@dataclass(frozen=True)
class Scored:
    """A version, and the features and scores of all customers at its moment, indexed by customer_id."""

    number: str
    as_of: datetime
    bundle: Bundle
    features: pd.DataFrame
    scores: pd.DataFrame


@dataclass(frozen=True)
class Shift:
    """How one feature, and with it its part in the score, moved; *effect* is on the log scale."""

    feature: str
    before: float
    now: float
    effect: float


@dataclass(frozen=True)
class Mover:
    """A customer who entered or left the top.

    Attributes:
        rank_before, rank_now: None where the customer was not there.
        by_data: log of the factor by which the earlier version's score of them has changed since.
        by_model: log of the factor between the two versions' scores of them today. Both are nan where the
            customer was not there at both moments, or the earlier version needs a feature that is gone.
        shifts: what moved their score most in the direction in which they went, the strongest first.
    """

    customer: str
    rank_before: int | None
    rank_now: int | None
    value_before: float
    value_now: float
    by_data: float = math.nan
    by_model: float = math.nan
    shifts: tuple[Shift, ...] = ()


@dataclass(frozen=True)
class Changes:
    """What a later version says otherwise than an earlier one.

    Attributes:
        entered, left: how many; `came` and `went` hold up to `LISTED` of them.
        correlation: Spearman's ρ between both values of the customers who were there at both moments.
        carried: mean change of each feature's effect, on the log scale: columns `came` and `went`.
    """

    number: str
    as_of: datetime
    stayed: int
    entered: int
    left: int
    correlation: float
    came: tuple[Mover, ...]
    went: tuple[Mover, ...]
    carried: pd.DataFrame = field(default_factory=pd.DataFrame)

    def record(self) -> dict[str, Any]:
        """The counts as plain data."""
        found = asdict(self) | {"as_of": self.as_of.isoformat()}
        counts = {key: found[key] for key in ("number", "as_of", "stayed", "entered", "left")}
        return counts | {"correlation": None if math.isnan(self.correlation) else self.correlation}


def changes(now: Scored, before: Scored) -> Changes:
    """What *now* says otherwise than *before*."""
    tops = [set(one.scores.index[one.scores["top_member"]]) for one in (now, before)]
    came = _ordered(now, tops[0] - tops[1])
    went = _ordered(before, tops[1] - tops[0])
    both = now.scores.index.intersection(before.scores.index)
    values = [one.scores.loc[both, "network_value"].to_numpy() for one in (now, before)]
    moved = _Moved(now, before)
    return Changes(
        before.number,
        before.as_of,
        len(tops[0] & tops[1]),
        len(came),
        len(went),
        rank_correlation(*values) if len(both) > 1 else math.nan,
        tuple(moved.told(came[:LISTED], sign=1)),
        tuple(moved.told(went[:LISTED], sign=-1)),
        pd.DataFrame({"came": moved.shifted(came).mean(), "went": moved.shifted(went).mean()}).fillna(0.0),
    )


def _ordered(one: Scored, customers: set[Any]) -> list[Any]:
    return list(one.scores.loc[list(customers)].sort_values("rank").index)


@dataclass(frozen=True)
class _Moved:
    now: Scored
    before: Scored

    def _known(self, customers: Sequence[Any]) -> list[Any]:
        there = self.now.features.index, self.before.features.index
        return [one for one in customers if all(one in index for index in there)]

    def shifted(self, customers: Sequence[Any]) -> pd.DataFrame:
        """Change of each feature's effect, for those of *customers* who were there at both moments."""
        known = self._known(customers)
        now, before = (_effects(one, known) for one in (self.now, self.before))
        return now.sub(before, fill_value=0.0)

    def told(self, customers: Sequence[Any], sign: int) -> list[Mover]:
        """Each of *customers*, with what moved their score in the direction *sign*."""
        known = self._known(customers)
        moved = self.shifted(customers)
        by_data, by_model = self._split(known)
        return [
            Mover(
                str(one),
                _score(self.before, one, "rank"),
                _score(self.now, one, "rank"),
                _score(self.before, one, "network_value", math.nan),
                _score(self.now, one, "network_value", math.nan),
                by_data.get(one, math.nan),
                by_model.get(one, math.nan),
                self._shifts(one, moved.loc[one], sign) if one in moved.index else (),
            )
            for one in customers
        ]

    def _split(self, known: list[Any]) -> tuple[dict[Any, float], dict[Any, float]]:
        earlier = self.before.bundle
        if not known or not set(earlier.spec.names) <= set(self.now.features):
            return {}, {}
        then = np.log(self.before.scores.loc[known, "network_value"].to_numpy())
        today = np.log(self.now.scores.loc[known, "network_value"].to_numpy())
        same_model = np.log(earlier.score(self.now.features.loc[known])["network_value"].to_numpy())
        return (
            dict(zip(known, (same_model - then).tolist(), strict=True)),
            dict(zip(known, (today - same_model).tolist(), strict=True)),
        )

    def _shifts(self, customer: Any, moved: pd.Series, sign: int) -> tuple[Shift, ...]:
        along = (sign * moved).sort_values(ascending=False, kind="stable").head(REASONS)
        return tuple(
            Shift(
                str(name),
                _value(self.before, customer, str(name)),
                _value(self.now, customer, str(name)),
                float(sign * size),
            )
            for name, size in along.items()
            if size > 0
        )


def _effects(one: Scored, customers: list[Any]) -> pd.DataFrame:
    values, _ = one.bundle.contributions("value", one.bundle.matrix(one.features.loc[customers]))
    return pd.DataFrame(values, index=pd.Index(customers), columns=one.bundle.spec.names)


def _score(one: Scored, customer: Any, name: str, otherwise: Any = None) -> Any:
    if customer not in one.scores.index:
        return otherwise
    found: Any = one.scores.at[customer, name]
    return found.item()


def _value(one: Scored, customer: Any, name: str) -> float:
    found: Any = one.features.at[customer, name] if name in one.features else math.nan
    return float(found)
