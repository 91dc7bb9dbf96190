"""Which of two versions foresees better, and how sure that is: by the same customers and closed cutoffs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from ripple.errors import InputError
from ripple.training.evaluation import metrics
from ripple.training.evaluation.bootstrap import BOUNDS, draws, everybody, ranked
from ripple.training.evaluation.out_of_sample import CUTOFF

LEAST_SHARED, LEAST_AGREEMENT = 0.5, 0.5
"""Share of the customers both have to know, and rank correlation of what each holds to have come true."""


class Incomparable(InputError):
    """Two versions were not judged by the same thing; the message says what differs."""


@dataclass(frozen=True)
class Comparison:
    """Capture of a version and of its rival at the cutoffs at which both were judged.

    Attributes:
        cutoffs: captures by cutoff, ``{"cutoff", "capture", "rival"}`` each.
        customers: how many different customers they were judged by.
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
    """Compare two tables of `evaluation.out_of_sample` by the value that the top *share* by each held.

    What came true is what *own* holds, so give the later version first.

    Raises:
        Incomparable: no cutoff in common, different customers, or another idea of what came true.
    """
    both = own.merge(rival, on=[CUTOFF, "customer_id"], suffixes=("", "_rival"))
    _refuse_strangers(own, rival, both)
    places = ranked(both, ["predicted", "predicted_rival"], share)
    observed = np.array([place.captures(everybody(places)) for place in places])
    resampled = np.array(
        [np.mean([place.captures(drawn) for place in places], axis=0) for drawn in draws(places, seed)]
    )
    differences = resampled[:, 0] - resampled[:, 1]
    low, high = np.nanquantile(differences, BOUNDS)
    return Comparison(
        [
            {CUTOFF: day, "capture": float(one), "rival": float(other)}
            for day, (one, other) in zip(_days(both), observed, strict=True)
        ],
        both["customer_id"].nunique(),
        float(observed[:, 0].mean()),
        float(observed[:, 1].mean()),
        float(low),
        float(high),
        float(np.nanmean((np.sign(differences) + 1) / 2)),
    )


def _refuse_strangers(own: pd.DataFrame, rival: pd.DataFrame, both: pd.DataFrame) -> None:
    first, second = _days(own), _days(rival)
    common = sorted(set(own[CUTOFF]) & set(rival[CUTOFF]))
    if not common:
        raise Incomparable(
            f"They were judged at no cutoff in common: one at {', '.join(first)}, the other at "
            f"{', '.join(second)}."
        )
    shared = len(both) / max(own[CUTOFF].isin(common).sum(), rival[CUTOFF].isin(common).sum())
    if shared < LEAST_SHARED:
        raise Incomparable(
            f"They were judged by different customers: {shared:.0%} of them are the same. They come from "
            "different datasets."
        )
    agreement = metrics.rank_correlation(both["realised"].to_numpy(), both["realised_rival"].to_numpy())
    if not agreement >= LEAST_AGREEMENT:
        raise Incomparable(
            "What came true after the same cutoffs differs: the network value of the same customers has a "
            f"rank correlation of {agreement:.2f} only. They come from different datasets, or credit revenue "
            "by different settings."
        )


def _days(frame: pd.DataFrame) -> list[str]:
    return [f"{cutoff:%Y-%m-%d}" for cutoff in sorted(frame[CUTOFF].unique())]
