"""Outcomes that nobody can influence, named by the user: the label must credit next to nothing of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import ibis.expr.types as ir
import numpy as np

from ripple.arrays import Floats, sums
from ripple.errors import InputError
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.suggestions import nearest
from ripple.training.attribution.adoptions import FEATURE_USES, PURCHASES, AdoptionHistory, Outcome
from ripple.training.attribution.controls.jackknife import jackknife, sampled_by_stratum
from ripple.training.attribution.influence import attribute_adoptions
from ripple.training.attribution.robustness import AttributionWindow

MIN_ADOPTIONS = 50
"""The number of cases of an outcome below which nothing is said about it."""
PLACES = {"orders": ("product", PURCHASES), "usage": ("feature", FEATURE_USES)}
"""Table → the column in which outcomes are looked for, and what of the table counts as an outcome."""


@dataclass(frozen=True)
class ControlOutcome:
    """An outcome that nobody can influence, and the share of it that the label credits to somebody.

    Attributes:
        name: a product or a feature.
        adoptions: the number of customers who had it for the first time, of those that were looked at.
        credited: the share of these credited to somebody; nan where they are too few to say.
        error: the standard error of `credited`.
    """

    name: str
    adoptions: int
    credited: float
    error: float

    def record(self) -> dict[str, Any]:
        """The control as plain data; what is unknown is null."""
        return {
            "outcome": self.name,
            "adoptions": self.adoptions,
            "credited": None if np.isnan(self.credited) else self.credited,
            "error": None if np.isnan(self.error) else self.error,
        }


def control_outcomes(
    tables: Tables, start: datetime, end: datetime, settings: Settings
) -> Iterator[ControlOutcome]:
    """Each of the outcomes that the settings name, in (start, end]; needs interactions.

    The label is estimated anew from the first time each customer has the outcome, with the same contacts,
    strata, model and settings, as if there were nothing else to be influenced to. Whoever is in touch with
    others that have it early should make it no likelier.

    Raises:
        InputError: there is no such product or feature.
    """
    validate_outcomes(tables, settings.controls.outcomes)
    for name in settings.controls.outcomes:
        window = AttributionWindow(tables, start, end, settings, _only(tables, name))
        stratum = window.stratum(settings)
        history = sampled_by_stratum(window.history, stratum, settings.seed)
        if history.cases.size < MIN_ADOPTIONS:
            yield ControlOutcome(name, history.cases.size, float("nan"), float("nan"))
            continue

        def credited(part: AdoptionHistory) -> Floats:
            found = attribute_adoptions(window.contacts, part, stratum, settings)  # noqa: B023
            by_case = sums(found.adoption, found.probability, part.adoptions.size)
            return np.array([by_case.sum() / max((part.adoptions.day[part.cases] > 0).sum(), 1)])

        (share,), (error,) = jackknife(credited, history, stratum, settings.seed)
        in_window = int((history.adoptions.day[history.cases] > 0).sum())
        yield ControlOutcome(name, in_window, float(share), float(error))


def validate_outcomes(tables: Tables, outcomes: Sequence[str]) -> None:
    """Check that each outcome is a product of an order or a feature that was used.

    Raises:
        InputError: one is neither.
    """
    if not outcomes:
        return
    known = {name for table in PLACES if table in tables for name in _names(tables, table)}
    for outcome in outcomes:
        if outcome not in known:
            raise InputError(
                f"controls.outcomes names '{outcome}', which is no product of orders and no feature of usage"
                f"{nearest(outcome, known)}"
            )


def _names(tables: Tables, table: str) -> list[str]:
    column = PLACES[table][0]
    return [str(name) for name in tables[table].select(column).distinct()[column].to_pyarrow().to_pylist()]


def _only(tables: Tables, name: str) -> Outcome:
    """The outcome that consists of this one product, or feature where there is no such product."""
    table = next(table for table in PLACES if table in tables and name in _names(tables, table))
    whole = PLACES[table][1]

    def adoptions(tables: Tables, start: datetime, end: datetime) -> ir.Table:
        rows = whole.adoptions(tables, start, end)
        return rows.filter(rows["product"] == name)

    return replace(whole, adoptions=adoptions, explained_by_referrals=False)
