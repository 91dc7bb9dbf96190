"""What would make the label doubtful: placebos that should find nothing, settings that should not matter.

- *Shuffled times*: within stratum and product the adoption times are dealt out anew (the shuffle test of
  Anagnostopoulos, Kumar & Mahdian 2008). Who adopts stays, and with it likeness; who was first does not.
- *Late ties*: only those count who were first in touch after the adoption, and so cannot have caused it.

Shuffled times overstate what is coincidence: adopters who were influenced still stand beside their sources.
Neither placebo proves that the rest is causal.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ripple.arrays import Floats, Ints
from ripple.features.expressions import sum_or_zero
from ripple.features.tables.tables import Tables
from ripple.models.batch_scoring import top_count
from ripple.settings import Settings
from ripple.training.attribution.adoptions import Events, read
from ripple.training.attribution.exposures import contacts
from ripple.training.attribution.influence import causes
from ripple.training.attribution.label import stratum_of, value_by_source

SHUFFLED_TIMES, LATE_TIES = "shuffled times", "late ties"
LEAST_SHARE = 0.01
"""Of revenue: below, the label says that there is no influence to speak of."""


@dataclass(frozen=True)
class Robustness:
    """Influence credited in one window, beside what placebos and other settings find.

    Attributes:
        revenue, influence: of the window, in currency.
        placebos: by name, `influence` in currency and `share` of the label's (0 where that is 0).
        sensitivity: by variant, `influence`, its `ratio` to the label's, and `top_overlap`, the share of the
            label's top customers by influence that the variant's top has too.
    """

    start: datetime
    end: datetime
    revenue: float
    influence: float
    placebos: pd.DataFrame
    sensitivity: pd.DataFrame

    @property
    def revenue_share(self) -> float:
        """Influence credited ÷ revenue."""
        return self.influence / self.revenue if self.revenue > 0 else 0.0

    @property
    def coincidence(self) -> float:
        """The larger of the placebos' shares: of what is credited, up to this much may be coincidence."""
        return float(self.placebos["share"].max())

    @property
    def influence_found(self) -> bool:
        """Whether there is influence to speak of, and more than either placebo finds."""
        return self.revenue_share >= LEAST_SHARE and self.coincidence < 1


def robustness(tables: Tables, start: datetime, end: datetime, settings: Settings) -> Robustness | None:
    """Put the label of (start, end] to the test; None without interactions."""
    if "interactions" not in tables:
        return None
    trial = _Trial(tables, start, end, settings)
    label = trial.value(settings)
    placebos = {
        SHUFFLED_TIMES: trial.value(settings, shuffled=True),
        LATE_TIES: trial.value(settings, late=True),
    }
    variants = {name: trial.value(variant) for name, variant in _variants(settings).items()}
    return Robustness(
        start,
        end,
        float(sum_or_zero(tables.orders_in(start, end).revenue).to_pyarrow().as_py()),
        float(label.sum()),
        _table({name: {"influence": v.sum(), "share": _ratio(v, label)} for name, v in placebos.items()}),
        _table(
            {
                name: {
                    "influence": v.sum(),
                    "ratio": _ratio(v, label),
                    "top_overlap": _top_overlap(label, v, settings.top_share),
                }
                for name, v in variants.items()
            }
        ),
    )


class _Trial:
    """The events of a window, credited again and again."""

    def __init__(self, tables: Tables, start: datetime, end: datetime, settings: Settings) -> None:
        self.events = read(tables, start, end, settings.credit)
        self.contacts = contacts(tables, self.events, start, end)
        self.strata: dict[bool, Ints] = {}

    def value(self, settings: Settings, shuffled: bool = False, late: bool = False) -> Floats:
        """Influence value of each customer."""
        stratum, events = self._stratum(settings), self.events
        if shuffled:
            events = events.with_times(shuffled_times(events, stratum, settings.seed))
        found = causes(self.contacts, events, stratum, settings, late)
        return value_by_source(events, found)[0]

    def _stratum(self, settings: Settings) -> Ints:
        """That of the baseline in question; communities are looked for once."""
        apart = settings.credit.by_stratum
        if apart not in self.strata:
            self.strata[apart] = stratum_of(self.contacts, self.events, settings)
        return self.strata[apart]


def shuffled_times(events: Events, stratum: Ints, seed: int) -> Floats:
    """Adoption times with those of the cases dealt out anew among adopters of a stratum and product.

    Who would then have adopted before joining keeps their own time. So does the value of an adoption.
    """
    adoptions, cases = events.adoptions, events.cases
    cell = stratum[adoptions.customer[cases]] * events.products + adoptions.product[cases]
    rng = np.random.default_rng(seed)
    dealt = cases[np.lexsort((rng.random(cases.size), cell))]
    at = adoptions.at.copy()
    at[cases[np.argsort(cell, kind="stable")]] = adoptions.at[dealt]
    return np.where(at > events.joined[adoptions.customer], at, adoptions.at)


def _variants(settings: Settings) -> dict[str, Settings]:
    credit = settings.credit
    changes: dict[str, dict[str, Any]] = {
        f"window of {credit.window_days / 2:g} days": {"window_days": credit.window_days / 2},
        f"window of {credit.window_days * 2:g} days": {"window_days": credit.window_days * 2},
        "baseline by stratum alone": {"baseline": "strata"},
        "baseline by product alone": {"baseline": "product"},
        "all counted as expansion": {"expansion": False},
    }
    return {
        name: settings.model_copy(update={"credit": credit.model_copy(update=change)})
        for name, change in changes.items()
    }


def _table(rows: dict[str, dict[str, float]]) -> pd.DataFrame:
    return pd.DataFrame.from_dict(rows, orient="index").astype(float)


def _ratio(value: Floats, label: Floats) -> float:
    return float(value.sum() / label.sum()) if label.sum() > 0 else 0.0


def _top_overlap(label: Floats, variant: Floats, share: float) -> float:
    size = top_count(share, label.size)
    own, other = (set(np.argsort(-value, kind="stable")[:size].tolist()) for value in (label, variant))
    return len(own & other) / size
