"""Robustness of the label: placebos, which should credit nothing, and sensitivity to each setting.

- *Shuffled times*: adoption times are permuted within stratum and product (the shuffle test of
  Anagnostopoulos, Kumar & Mahdian 2008). Who adopts stays, and with it homophily; who was first does not.
- *Late ties*: only those count who were first in touch after the adoption, and so cannot have caused it.

Shuffled times overstate what is due to chance: influenced adopters keep the ties to their sources. Neither
placebo proves that the rest is causal.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from ripple.training.attribution.adoptions import PURCHASES, AdoptionHistory, Outcome, read_history
from ripple.training.attribution.exposures import read_contacts
from ripple.training.attribution.influence import Attributions, attribute_adoptions
from ripple.training.attribution.label import baseline_strata, influence_values

SHUFFLED_TIMES, LATE_TIES = "shuffled times", "late ties"
"""The names of the placebos."""
MIN_SHARE = 0.01
"""The share of revenue that must be credited for the label to show any influence."""
MIN_FOLLOWERS = 10
"""The number of adoptions of products that somebody had adopted before, below which nothing is measured."""


@dataclass(frozen=True)
class Robustness:
    """Influence credited in one window, and under placebos and other settings.

    Attributes:
        revenue, influence: of the window, in currency.
        placebos: by name, `influence` in currency and `share` of the label's (0 where that is 0).
        sensitivity: by variant, `influence`, its `ratio` to the label's, and `top_overlap`, the share of the
            label's top customers by influence that the variant's top has too.
        followers: the number of adoptions of products that another customer had adopted before. Influence is
            measured on these alone; None where they were not counted.
    """

    start: datetime
    end: datetime
    revenue: float
    influence: float
    placebos: pd.DataFrame
    sensitivity: pd.DataFrame
    followers: int | None = None

    @property
    def revenue_share(self) -> float:
        """Influence credited ÷ revenue."""
        return self.influence / self.revenue if self.revenue > 0 else 0.0

    @property
    def placebo_share(self) -> float:
        """The larger of the placebos' shares: up to this much of what is credited may be due to chance."""
        return float(self.placebos["share"].max())

    @property
    def has_influence(self) -> bool:
        """Whether enough of revenue is credited, and more than under either placebo."""
        return self.revenue_share >= MIN_SHARE and self.placebo_share < 1

    @property
    def is_measurable(self) -> bool:
        """Whether enough was adopted after others for influence to be seen, were there any."""
        return self.has_influence or self.followers is None or self.followers >= MIN_FOLLOWERS

    @property
    def absence(self) -> str:
        """Why nothing may be called influence, as a sentence: it was not found, or cannot be measured."""
        return "No influence was found." if self.is_measurable else "Influence cannot be measured here."


def chance_share(totals: Mapping[str, float], tested: Robustness | None) -> float:
    """Share of network value that may be due to chance, 0 to 1.

    Recorded referrals are not. Of influence it is the share that the placebos find, or all where no influence
    was found.

    Args:
        totals: network value and its parts in the window, in currency.
    """
    if totals["network_value"] <= 0:
        return 1.0
    influence = totals["influence_value"] / totals["network_value"]
    return influence * (tested.placebo_share if tested and tested.has_influence else 1.0)


def robustness(tables: Tables, start: datetime, end: datetime, settings: Settings) -> Robustness | None:
    """Recompute the label of (start, end] under placebos and other settings; None without interactions."""
    if "interactions" not in tables:
        return None
    window = AttributionWindow(tables, start, end, settings)
    label = window.influence_value(settings)
    placebos = {
        SHUFFLED_TIMES: window.influence_value(settings, shuffled=True),
        LATE_TIES: window.influence_value(settings, late_ties=True),
    }
    variants = {name: window.influence_value(variant) for name, variant in _variants(settings).items()}
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
        follower_count(window.history),
    )


def follower_count(history: AdoptionHistory) -> int:
    """The number of adoptions to explain whose product another customer had adopted on an earlier day."""
    adoptions, cases = history.adoptions, history.cases
    first = np.full(history.product_count, np.inf)
    np.minimum.at(first, adoptions.product, adoptions.day)
    return int((adoptions.day[cases] > first[adoptions.product[cases]]).sum())


class AttributionWindow:
    """The adoptions and contacts of a window, read once to be attributed several times."""

    def __init__(
        self,
        tables: Tables,
        start: datetime,
        end: datetime,
        settings: Settings,
        outcome: Outcome = PURCHASES,
    ) -> None:
        self.history = read_history(tables, start, end, settings.credit, outcome)
        self.contacts = read_contacts(tables, self.history, start, end)
        self.strata: dict[bool, Ints] = {}

    def influence_value(self, settings: Settings, shuffled: bool = False, late_ties: bool = False) -> Floats:
        """Influence value of each customer under these settings."""
        return influence_values(*self.attributed(settings, shuffled, late_ties))[0]

    def attributed(
        self, settings: Settings, shuffled: bool = False, late_ties: bool = False
    ) -> tuple[AdoptionHistory, Attributions]:
        """The adoptions, on shuffled days for one placebo, and their possible causes."""
        stratum, history = self.stratum(settings), self.history
        if shuffled:
            history = history.with_adoption_days(shuffled_times(history, stratum, settings.seed))
        return history, attribute_adoptions(self.contacts, history, stratum, settings, late_ties)

    def stratum(self, settings: Settings) -> Ints:
        """The strata of the settings' baseline, computed once with communities and once without."""
        by_stratum = settings.credit.by_stratum
        if by_stratum not in self.strata:
            self.strata[by_stratum] = baseline_strata(self.contacts, self.history, settings)
        return self.strata[by_stratum]


def shuffled_times(history: AdoptionHistory, stratum: Ints, seed: int) -> Floats:
    """Day of each adoption, permuted among the cases of a stratum and product.

    An adoption whose permuted day would precede the customer's joining keeps its day. Its value stays.
    """
    adoptions, cases = history.adoptions, history.cases
    cell = stratum[adoptions.customer[cases]] * history.product_count + adoptions.product[cases]
    rng = np.random.default_rng(seed)
    permuted = cases[np.lexsort((rng.random(cases.size), cell))]
    day = adoptions.day.copy()
    day[cases[np.argsort(cell, kind="stable")]] = adoptions.day[permuted]
    return np.where(day > history.joined[adoptions.customer], day, adoptions.day)


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
    top, variant_top = (set(np.argsort(-value, kind="stable")[:size].tolist()) for value in (label, variant))
    return len(top & variant_top) / size
