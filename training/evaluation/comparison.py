"""The comparison of two versions at the same closed cutoffs and customers, with its statistical certainty."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ripple.errors import InputError
from ripple.training.evaluation import metrics
from ripple.training.evaluation.bootstrap import (
    observed_captures,
    percentile_bounds,
    ranked_cutoffs,
    resampled_captures,
)
from ripple.training.evaluation.prediction_table import CUTOFF

MIN_SHARED_CUSTOMERS = 0.5
"""The share of the customers that both versions must have predicted."""
MIN_LABEL_CORRELATION = 0.5
"""The rank correlation that the realised values held by both versions must have."""


class Incomparable(InputError):
    """Two versions were not evaluated on the same outcome; the message says what differs."""


@dataclass(frozen=True)
class Comparison:
    """Capture of a version and of its rival at the cutoffs at which both were evaluated.

    Attributes:
        cutoffs: captures by cutoff, ``{"cutoff", "capture", "rival"}`` each.
        customers: number of different customers they were evaluated on.
        capture, rival: means over the cutoffs.
        low, high: 95 % bounds of capture − rival from a paired bootstrap over customers.
        sure: share of the resamples in which the version captures more than the rival, ties counted half.
    """

    cutoffs: list[dict[str, Any]]
    customers: int
    capture: float
    rival: float
    low: float
    high: float
    sure: float

    @property
    def difference(self) -> float:
        """Capture minus the rival's."""
        return self.capture - self.rival

    def record(self) -> dict[str, Any]:
        """The comparison as plain data."""
        return asdict(self) | {"difference": self.difference}


def compare(own: pd.DataFrame, rival: pd.DataFrame, share: float, seed: int) -> Comparison:
    """Compare two tables of out-of-sample predictions by the value that the top *share* by each captures.

    The realised values are those in *own*, so the later version must come first.

    Raises:
        Incomparable: no cutoff in common, different customers, or other realised values.
    """
    both = own.merge(rival, on=[CUTOFF, "customer_id"], suffixes=("", "_rival"))
    _validate_comparable(own, rival, both)
    cutoffs = ranked_cutoffs(both, ["predicted", "predicted_rival"], share)
    observed = observed_captures(cutoffs)
    resampled = resampled_captures(cutoffs, seed).mean(axis=1)
    differences = resampled[:, 0] - resampled[:, 1]
    low, high = percentile_bounds(differences)
    return Comparison(
        [
            {CUTOFF: day, "capture": float(capture), "rival": float(rival_capture)}
            for day, (capture, rival_capture) in zip(_days(both), observed, strict=True)
        ],
        both["customer_id"].nunique(),
        float(observed[:, 0].mean()),
        float(observed[:, 1].mean()),
        low,
        high,
        float(np.nanmean((np.sign(differences) + 1) / 2)),
    )


def _validate_comparable(own: pd.DataFrame, rival: pd.DataFrame, both: pd.DataFrame) -> None:
    own_days, rival_days = _days(own), _days(rival)
    common = sorted(set(own[CUTOFF]) & set(rival[CUTOFF]))
    if not common:
        raise Incomparable(
            f"They were evaluated at no cutoff in common: one at {', '.join(own_days)}, the other at "
            f"{', '.join(rival_days)}."
        )
    shared = len(both) / max(own[CUTOFF].isin(common).sum(), rival[CUTOFF].isin(common).sum())
    if shared < MIN_SHARED_CUSTOMERS:
        raise Incomparable(
            f"They were evaluated on different customers: {shared:.0%} of them are the same. They come from "
            "different datasets."
        )
    correlation = metrics.rank_correlation(both["realised"].to_numpy(), both["realised_rival"].to_numpy())
    if not correlation >= MIN_LABEL_CORRELATION:
        raise Incomparable(
            "The realised values after the same cutoffs differ: the network value of the same customers has "
            f"a rank correlation of {correlation:.2f} only. They come from different datasets, or credit "
            "revenue by different settings."
        )


def _days(predictions: pd.DataFrame) -> list[str]:
    return [f"{cutoff:%Y-%m-%d}" for cutoff in sorted(predictions[CUTOFF].unique())]
