"""The layout of an experiment: units of customers, strata of units, and arms, from a population at a date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ripple.arrays import Ints
from ripple.errors import InputError
from ripple.training.experiments.assignment import MIN_PER_ARM, draw, strata, stratum_size
from ripple.training.experiments.population import Population
from ripple.training.experiments.units import (
    audience,
    community_units,
    ego_units,
    foreign_shares,
    overlap,
    unit_totals,
)

Units = Literal["ego", "community", "customer"]
"""How customers are put into units: those with a common audience, communities, or each of their own."""
TREATMENT, HOLDOUT = "treatment", "holdout"
MAX_VALUE_SHARE = 0.25
"""The share of all expected value that one unit may hold; whose holds more is left out."""


@dataclass(frozen=True)
class Layout:
    """Who is in which unit and arm, and whose audience everybody else is.

    Attributes:
        assignments: by customer_id, `play`, `arm`, `unit`, `stratum`, `network_value`, `direct_value` and
            `audience_size`.
        audience: `customer_id`, each once, `owner`, the customer of the experiment with the strongest tie to
            them, and `other_arm`, the share of their ties that come from the other arm than the owner's.
        left_out: the customers of units that hold more than `MAX_VALUE_SHARE` of the value.
        overlap_customers, overlap_units, overlap_arms: the share of the audience's ties that come from
            another customer, unit or arm than the owner's.
    """

    assignments: pd.DataFrame
    audience: pd.DataFrame
    left_out: tuple[str, ...]
    overlap_customers: float
    overlap_units: float
    overlap_arms: float


def layout(population: Population, holdout: float, units: Units, most: int, seed: int) -> Layout:
    """Assign the candidates of *population* to arms.

    Args:
        population: who may be treated.
        holdout: the share of units that is held out.
        units: how customers are put into units.
        most: the number of candidates of a unit, at most.
        seed: of all draws.

    Raises:
        InputError: an arm would have fewer than two units.
    """
    unit = _units(population, units, most, seed)
    value = population.candidates[["network_value", "direct_value"]].sum(axis=1).to_numpy(np.float64)
    share = unit_totals(unit, value) / value.sum() if value.sum() > 0 else np.zeros(unit.max(initial=-1) + 1)
    # where there are few units, each of them holds much
    large = share > max(MAX_VALUE_SHARE, 3 / max(share.size, 1))
    kept = ~large[unit]
    left_out = tuple(map(str, population.candidates.index[~kept]))
    rest = Population(population.candidates[kept], population.customers, population.ties)
    unit = np.unique(unit[kept], return_inverse=True)[1]
    numbers = rest.numbers
    reached = audience(rest.ties, numbers)
    sizes = np.bincount(reached.owner, minlength=len(numbers))
    stratum = _strata(rest.candidates, unit, sizes, holdout)
    treated = draw(stratum, holdout, seed)
    if min(treated.sum(), (~treated).sum()) < MIN_PER_ARM:
        raise InputError(
            f"{len(numbers)} customers of these plays are in {stratum.size} units, so that {treated.sum()} "
            f"units would be treated and {(~treated).sum()} held out: each arm needs {MIN_PER_ARM} at least. "
            "Name more plays, or choose another share to hold out."
        )
    arm = treated[unit]
    table = rest.candidates[["play", "network_value", "direct_value"]].round(2)
    table.insert(1, "arm", np.where(arm, TREATMENT, HOLDOUT))
    table.insert(2, "unit", unit)
    table.insert(3, "stratum", stratum[unit])
    table["audience_size"] = sizes
    members = pd.DataFrame(
        {
            "customer_id": rest.customers[reached.member],
            "owner": rest.candidates.index[reached.owner],
            "other_arm": np.round(foreign_shares(rest.ties, numbers, reached, arm), 4),
        }
    )
    return Layout(
        table,
        members,
        left_out,
        overlap(rest.ties, numbers, reached, np.arange(len(numbers))),
        overlap(rest.ties, numbers, reached, unit),
        overlap(rest.ties, numbers, reached, arm),
    )


def _units(population: Population, units: Units, most: int, seed: int) -> Ints:
    if units == "ego":
        return ego_units(population.ties, population.numbers, most)
    if units == "community":
        return community_units(population.ties, population.numbers, seed)
    return np.arange(len(population.candidates))


def _strata(candidates: pd.DataFrame, unit: Ints, sizes: Ints, holdout: float) -> Ints:
    """Strata of units by the play of most of their customers, then network value, own spend and audience."""
    plays = pd.crosstab(unit, candidates["play"].to_numpy())
    main = plays.to_numpy().argmax(axis=1)
    values = np.column_stack(
        [
            unit_totals(unit, candidates["network_value"].to_numpy(np.float64)),
            unit_totals(unit, candidates["direct_value"].to_numpy(np.float64)),
            unit_totals(unit, sizes),
        ]
    )
    stratum, first = np.zeros(main.size, dtype=np.int64), 0
    for play in range(plays.shape[1]):
        rows = np.flatnonzero(main == play)
        if rows.size:
            stratum[rows] = first + strata(values[rows], stratum_size(holdout))
            first = int(stratum[rows].max()) + 1
    return stratum
