"""The two-hop test: credit along paths of two contacts that skip the middle customer must vanish.

Somebody who had adopted a product was in touch with a customer in the middle who had not, and who was in
touch with somebody that adopts it. The first was never in touch with the last. If adoptions pass from
adopter to adopter along contacts, as the label assumes, the first cannot have caused the last. What moves
whole neighbourhoods without influence (likeness, campaigns) would be credited to them all the same, and so
would influence along ties that no table shows.

Both are estimated together: direct contacts with a kernel of their own, as in `influence`, and paths of two
with another, so that what direct contacts explain is not credited to paths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ripple.arrays import Floats, Ints
from ripple.settings import Credit, Settings
from ripple.training.attribution.adoptions import AdoptionHistory
from ripple.training.attribution.controls.jackknife import jackknife, sampled_by_stratum
from ripple.training.attribution.exposures import (
    AGE_BINS,
    Exposures,
    Subjects,
    age_edges,
    find_exposures,
)
from ripple.training.attribution.influence import EM_ROUNDS, InfluenceModel

MIN_CASES = 100
"""The number of adoptions below which the test says nothing."""


@dataclass(frozen=True)
class TwoHop:
    """Adoptions credited to direct contacts, and to paths of two that skip the middle, as shares of all.

    Attributes:
        adoptions: the number of adoptions looked at.
        direct: the share credited to direct contacts, by this simpler model with sources of equal strength.
        skipping: the share credited to paths that skip the middle.
        error: the standard error of `skipping`; nan where there is a single stratum.
    """

    adoptions: int
    direct: float
    skipping: float
    error: float

    def record(self) -> dict[str, Any]:
        """The test as plain data."""
        error = None if np.isnan(self.error) else self.error
        return {
            "adoptions": self.adoptions,
            "direct": self.direct,
            "skipping": self.skipping,
            "error": error,
        }


def two_hop(contacts: ir.Table, history: AdoptionHistory, stratum: Ints, settings: Settings) -> TwoHop | None:
    """The test on a sample of the adoptions of *history*; None where there are too few.

    Args:
        contacts: see `exposures.read_contacts`.
        history: the adoptions.
        stratum: of each customer; see `label.baseline_strata`.
        settings: as for the label.
    """
    history = sampled_by_stratum(history, stratum, settings.seed)
    if history.cases.size < MIN_CASES or not np.any(np.bincount(history.adoptions.product) > 1):
        return None

    def shares(part: AdoptionHistory) -> Floats:
        return _credited_shares(contacts, part, stratum, settings)

    (direct, skipping), (_, error) = jackknife(shares, history, stratum, settings.seed)
    return TwoHop(history.cases.size, float(direct), float(skipping), float(error))


def _credited_shares(
    contacts: ir.Table, history: AdoptionHistory, stratum: Ints, settings: Settings
) -> Floats:
    """The shares of the cases credited to direct contacts and to paths of two."""
    with threadpool_limits(1, user_api="blas"):
        model = InfluenceModel(contacts, history, stratum, settings, search=_both, bins=2 * AGE_BINS)
        background = np.ones(history.cases.size)
        for _ in range(EM_ROUNDS):
            background = model.em_step(background)
        share = model.shares(background)
    skips = model.of_cases.age_bin >= AGE_BINS
    return np.array([share[~skips].sum(), share[skips].sum()]) / history.cases.size


def _both(
    contacts: ir.Table, history: AdoptionHistory, subjects: Subjects, credit: Credit, late_ties: bool
) -> Exposures:
    """Direct exposures, and those along paths that skip the middle, whose bins of age come after."""
    direct = find_exposures(contacts, history, subjects, credit, late_ties)
    skipping = paths_that_skip(contacts, history, subjects, credit)
    subject = np.concatenate((direct.subject, skipping.subject))
    source = np.concatenate((direct.source, skipping.source))
    order = np.lexsort((source, subject))
    return Exposures(
        subject[order],
        source[order],
        np.concatenate((direct.age_bin, skipping.age_bin + AGE_BINS))[order],
        np.concatenate((direct.tie_strength, skipping.tie_strength))[order],
    )


def paths_that_skip(
    contacts: ir.Table, history: AdoptionHistory, subjects: Subjects, credit: Credit
) -> Exposures:
    """Earlier adopters two contacts away from each subject, never one, with nobody between who had adopted.

    Every tie has strength 1.
    """
    moments = ibis.memtable(
        pd.DataFrame(
            {
                "subject": np.arange(subjects.day.size),
                "customer": subjects.customer,
                "product": subjects.product,
                "moment": subjects.day,
                "joined": history.joined[subjects.customer],
            }
        )
    )
    adoptions = history.adoptions
    adopted = ibis.memtable(
        pd.DataFrame(
            {
                "key": adoptions.customer * history.product_count + adoptions.product,
                "adopted": adoptions.day,
            }
        )
    )
    contacts = contacts.filter(~contacts.referral)
    ties = contacts.group_by("source", "target").aggregate(first=contacts.day.min())
    near = moments.join(ties, moments.customer == ties.target)
    near = near.filter(near.first < near.moment)
    near = near.select("subject", "customer", "product", "moment", "joined", middle=near.source)
    near = near.mutate(key=near.middle * history.product_count + near.product).left_join(adopted, "key")
    near = near.select(
        "subject",
        "customer",
        "product",
        "moment",
        "joined",
        "middle",
        passes=(near.adopted < near.moment).fill_null(False),
    )
    far = near.join(ties, near.middle == ties.target)
    far = far.filter((far.first < far.moment) & (far.source != far.customer))
    far = far.mutate(key=far.source * history.product_count + far.product).join(adopted, "key")
    far = far.mutate(age=far.moment - ibis.greatest(far.adopted, far.joined))
    far = far.filter((far.adopted < far.moment) & (far.age >= 0) & (far.age <= credit.window_days))
    pairs = far.group_by("subject", "source").aggregate(age=far.age.min(), passes=far.passes.any())
    pairs = pairs.filter(~pairs.passes).anti_join(
        near.select("subject", source=near.middle), ["subject", "source"]
    )
    rows = pairs.select("subject", "source", "age").to_pyarrow()
    subject, source = rows["subject"].to_numpy(), rows["source"].to_numpy()
    order = np.lexsort((source, subject))
    bins = np.searchsorted(age_edges(credit), rows["age"].to_numpy()[order])
    return Exposures(subject[order], source[order], bins, np.ones(order.size))
