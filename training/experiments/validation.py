"""The label against experiments: does a unit of credited network value go with one of audience revenue?

A play that raises what is credited to treated customers should raise the revenue of their audience by as
much. The slope is the effect on audience revenue ÷ the effect on credited network value, all experiments and
plays together: assignment is the instrument by which the one is regressed on the other (Wald 1940). 1 is what
Ripple claims. The interval is that of Fieller (1954), which is right however weak the instrument: it has no
end where the effect on credited value may be zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from ripple.arrays import Bools, Floats, Ints
from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.training.experiments.design import Design
from ripple.training.experiments.estimation import estimate_effect
from ripple.training.experiments.layout import TREATMENT
from ripple.training.experiments.outcomes import AUDIENCE, CREDITED, outcomes
from ripple.training.experiments.participants import participants

Parts = tuple[Design, pd.DataFrame, pd.DataFrame]
"""A design, its assignments and its audience; see `design.read_design`."""


@dataclass(frozen=True)
class Slope:
    """The experimental effect on audiences per unit of credited network value.

    Attributes:
        experiments: the names of the experiments.
        plays: the plays in them, by name.
        audience, credited: the effects per treated customer, in currency.
        slope: the one ÷ the other; nan where nothing is credited.
        low, high: 95 % bounds; infinite where the experiments do not bound it.
    """

    experiments: tuple[str, ...]
    plays: tuple[str, ...]
    audience: float
    credited: float
    slope: float
    low: float
    high: float

    @property
    def text(self) -> str:
        """The slope in a sentence."""
        if math.isnan(self.slope):
            return "Nobody was credited with more or less in one arm than in the other: nothing to compare."
        if not math.isfinite(self.low) or not math.isfinite(self.high):
            return (
                f"Slope {self.slope:.2f}, but these experiments do not bound it: too little was credited for "
                "what the plays did. More customers or more experiments are needed."
            )
        verdict = "is" if self.low <= 1 <= self.high else "is not"
        return (
            f"Slope {self.slope:.2f} (95 % interval {self.low:.2f} to {self.high:.2f}): for each unit of "
            f"credited network value came {self.slope:.2f} of audience revenue. 1, as Ripple claims, "
            f"{verdict} in the interval."
        )


def validate(dataset: Dataset, experiments: Sequence[Parts], as_of: datetime) -> Slope:
    """The slope over all plays of *experiments*, each read until it ended or until *as_of*.

    Raises:
        InputError: an experiment had not ended at *as_of*: half of an effect is no check of the label.
    """
    parts = [_observed(dataset, *one, as_of) for one in experiments]
    rows = pd.concat(parts, ignore_index=True)
    for column in ("unit", "stratum"):
        rows[column] = rows.groupby(["experiment", "play", column]).ngroup()
    effect, credited, slope, low, high = slope_of(
        rows[AUDIENCE].to_numpy(np.float64),
        rows[CREDITED].to_numpy(np.float64),
        rows["treated"].to_numpy(bool),
        rows["unit"].to_numpy(),
        rows["stratum"].to_numpy(),
        rows[["before", "expected"]].to_numpy(np.float64),
    )
    names = tuple(design.name for design, _, _ in experiments)
    return Slope(names, tuple(sorted(set(rows["play"]))), effect, credited, slope, low, high)


def slope_of(
    audience: Floats,
    credited: Floats,
    treated: Bools,
    unit: Ints,
    stratum: Ints | None = None,
    covariates: Floats | None = None,
) -> tuple[float, float, float, float, float]:
    """Effects on audience and on credited value, their ratio, and its 95 % bounds.

    Arrays are those of `estimation.estimate_effect`.
    """
    # errors are quadratic in the outcome, so that of the difference gives the covariance
    numerator, denominator, difference = (
        estimate_effect(values, treated, unit, stratum, covariates, draws=0)
        for values in (audience, credited, audience - credited)
    )
    covariance = (numerator.error**2 + denominator.error**2 - difference.error**2) / 2
    critical = (numerator.high - numerator.effect) / numerator.error if numerator.error > 0 else 0.0
    low, high = _fieller(
        numerator.effect,
        denominator.effect,
        numerator.error**2,
        denominator.error**2,
        covariance,
        critical,
    )
    slope = numerator.effect / denominator.effect if denominator.effect else float("nan")
    return numerator.effect, denominator.effect, slope, low, high


def _fieller(
    numerator: float,
    denominator: float,
    variance: float,
    denominator_variance: float,
    covariance: float,
    critical: float,
) -> tuple[float, float]:
    """The ratios b for which numerator − b·denominator is within *critical* of its errors of zero."""
    square = denominator**2 - critical**2 * denominator_variance
    middle = numerator * denominator - critical**2 * covariance
    if square <= 0:
        return -math.inf, math.inf
    root = math.sqrt(max(middle**2 - square * (numerator**2 - critical**2 * variance), 0.0))
    return (middle - root) / square, (middle + root) / square


def _observed(
    dataset: Dataset, design: Design, assignments: pd.DataFrame, audience: pd.DataFrame, as_of: datetime
) -> pd.DataFrame:
    if as_of < design.end:
        raise InputError(
            f"The experiment {design.name} ends on {design.end:%Y-%m-%d}, and the data are read as of "
            f"{as_of:%Y-%m-%d}: an experiment is held against the label when it is over."
        )
    known = dataset.limited_to(as_of)
    found = participants(known, assignments, audience)
    ids = pd.Index(found.rows["id"], name="customer_id")
    length = design.end - design.start
    before = outcomes(known, design.start - length, design.start, ids, found.audience, credited=False)
    after = outcomes(known, design.start, design.end, ids, found.audience)
    return found.rows.assign(
        experiment=design.name,
        treated=found.rows["arm"] == TREATMENT,
        before=before[AUDIENCE].to_numpy(),
        expected=found.rows["network_value"],
        **{name: after[name].to_numpy() for name in (AUDIENCE, CREDITED)},
    )


def no_name_twice(experiments: Iterable[Parts]) -> None:
    """Check that no experiment is there twice.

    Raises:
        InputError: one is.
    """
    seen: set[str] = set()
    for design, _, _ in experiments:
        if design.name in seen:
            raise InputError(f"The experiment {design.name} is named twice; name each folder once.")
        seen.add(design.name)
