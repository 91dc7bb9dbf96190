"""Slices: how well the model does among customers of one tenure, reach or segment, and among new ones."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ripple.training.evaluation.metrics import ratio

TENURE_DAYS = (180.0, 365.0)
"""The days since joining at which one slice of tenure ends and the next begins."""
MAX_SEGMENTS = 12
"""The number of levels above which an attribute is a name rather than a segment."""
EVERYBODY = "everybody"
COLD_START = "new since training"
"""The slice of customers who had not joined by any cutoff that the heads were trained on."""
UNEVEN = 2.0
"""The factor by which predicted ÷ realised of a slice may differ from 1 before it is pointed out."""
TOTALS = ("customers", "realised", "predicted", "chosen", "at_top", "calibrated", "inside")


def slice_masks(
    features: pd.DataFrame, attributes: pd.DataFrame, cold: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """The name and mask of every slice.

    Args:
        features: one row per customer; slices are read off `tenure_days` and `out_degree`, if they are there.
        attributes: text attributes of the same customers, in the same order.
        cold: the mask of those who are new since training.
    """
    yield EVERYBODY, np.ones(len(cold), dtype=bool)
    yield COLD_START, cold
    yield "known in training", ~cold
    if "tenure_days" in features:
        band = np.digitize(features["tenure_days"], TENURE_DAYS)
        for i, name in enumerate(("under 180", "180 to 365", "over 365")):
            yield f"tenure {name} days", band == i
    if "out_degree" in features:
        degree = features["out_degree"].to_numpy()
        decile = np.argsort(np.argsort(degree, kind="stable")) * 10 // len(degree) + 1
        for i in range(1, 11):
            yield f"degree decile {i}", decile == i
    for attribute, column in attributes.items():
        levels = column.dropna().unique()
        if len(levels) <= MAX_SEGMENTS:
            for level in sorted(levels):
                yield f"{attribute} = {level}", (column == level).fillna(False).to_numpy(dtype=bool)


@dataclass(frozen=True)
class Slice:
    """One slice at one cutoff: totals, and captures inside it by ranking.

    Attributes:
        customers: their number.
        realised, predicted: total values, in currency.
        chosen, at_top: numbers of those among the predicted and the true top of all customers.
        calibrated, inside: number of those who have an interval, and of those whose realised value is in it.
        captures: by ranking, the value that its top share captures inside the slice.
    """

    customers: int
    realised: float
    predicted: float
    chosen: int
    at_top: int
    calibrated: int
    inside: int
    captures: Mapping[str, float]


def summed(cutoffs: Sequence[Mapping[str, Slice]]) -> pd.DataFrame:
    """Totals of slices over *cutoffs*, each of which has its slices by name.

    Returns:
        One row per `slice`: `customers` (times cutoffs), `top_share` and `true_top_share` (of the predicted
        and the true top, the part inside), `predicted_share` (total predicted ÷ realised; nan without
        value), `coverage` of the interval (nan where nothing was calibrated), and the means over cutoffs of
        each of `captures`.
    """
    chosen, at_top = (sum(getattr(one[EVERYBODY], kind) for one in cutoffs) for kind in ("chosen", "at_top"))
    rows = []
    for name in dict.fromkeys(itertools.chain.from_iterable(cutoffs)):
        at_cutoffs = [one[name] for one in cutoffs if name in one]
        total = {key: sum(getattr(one, key) for one in at_cutoffs) for key in TOTALS}
        captures = pd.DataFrame([one.captures for one in at_cutoffs]).mean()
        rows.append(
            {
                "slice": name,
                "customers": total["customers"],
                "top_share": ratio(total["chosen"], chosen),
                "true_top_share": ratio(total["at_top"], at_top),
                "predicted_share": ratio(total["predicted"], total["realised"]),
                "coverage": ratio(total["inside"], total["calibrated"]),
                **captures,
            }
        )
    return pd.DataFrame(rows)


def uneven(slices: pd.DataFrame) -> pd.DataFrame:
    """The rows of `summed` whose total value is predicted much too high or too low."""
    share = slices["predicted_share"]
    return slices[np.isfinite(share) & ~share.between(1 / UNEVEN, UNEVEN)]
