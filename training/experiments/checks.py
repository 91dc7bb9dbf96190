"""Whether an experiment went as planned: ratio of the arms, balance, contamination, attrition, data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ripple.features.dataset import Dataset
from ripple.training.examples.provenance import data_digests
from ripple.training.experiments.design import ANALYSIS, Design
from ripple.training.experiments.estimation import TooFewUnits, estimate_effect, holm
from ripple.training.experiments.layout import TREATMENT
from ripple.training.experiments.outcomes import ACTIVE, AUDIENCE, OWN
from ripple.training.experiments.participants import Compliance, Participants
from ripple.training.experiments.population import own_revenue

MISMATCH = 0.01
"""The p value below which the ratio of the arms, or the loss of customers, is not taken for chance."""
IMBALANCE = 0.05
"""The p value, corrected for the number of variables, below which arms differ before the start."""
MAX_CONTAMINATION = 0.1
"""The share of ties with the other arm, or of held-out customers who were treated, that is tolerated."""


@dataclass(frozen=True)
class Check:
    """A check of an experiment: its name, whether it was passed, and what was found in a sentence."""

    name: str
    passed: bool
    finding: str


def check_experiment(
    dataset: Dataset,
    design: Design,
    assignments: pd.DataFrame,
    found: Participants,
    before: pd.DataFrame,
    complied: Compliance,
) -> list[Check]:
    """All checks.

    Args:
        dataset: the data at the read-out.
        design: the pre-registration.
        assignments: as designed.
        found: what the data have of them.
        before: outcomes before the start, row by row those of `found.rows`.
        complied: who was treated.
    """
    return [
        _sample_ratio(assignments, found),
        _attrition(assignments, found),
        _balance(found.rows, before),
        _contamination(dataset, design, found, complied),
        _treated_as_planned(complied),
        _same_data(dataset, design),
    ]


def _arms(rows: pd.DataFrame) -> tuple[int, int]:
    treated = int((rows["arm"] == TREATMENT).sum())
    return treated, len(rows) - treated


def _sample_ratio(assignments: pd.DataFrame, found: Participants) -> Check:
    """Sample ratio mismatch, by an exact binomial test (Fabijan et al. 2019)."""
    planned, (treated, held) = _arms(assignments), _arms(found.rows)
    share = planned[0] / sum(planned)
    p = float(stats.binomtest(treated, treated + held, share).pvalue) if treated + held else 0.0
    return Check(
        "ratio of the arms",
        p >= MISMATCH,
        f"{treated:,} treated and {held:,} held-out customers are compared; {planned[0]:,} and "
        f"{planned[1]:,} were planned"
        + (
            ""
            if p >= MISMATCH
            else f". That is no chance (p = {p:.2g}): find out why before you trust the result"
        ),
    )


def _attrition(assignments: pd.DataFrame, found: Participants) -> Check:
    """Whether more customers of one arm were lost, by Fisher's exact test."""
    planned, lost = _arms(assignments), _arms(found.lost)
    table = [[lost[0], planned[0] - lost[0]], [lost[1], planned[1] - lost[1]]]
    p = float(stats.fisher_exact(table)[1])
    merged = f"; {'; '.join(found.merged[:5])}" if found.merged else ""
    if not sum(lost):
        return Check("lost customers", True, f"0 customers are missing from the data{merged}")
    names = ", ".join(map(str, found.lost.index[:3]))
    text = (
        f"{lost[0]:,} treated and {lost[1]:,} held-out customers are not in the data any more and are left "
        f"out, such as {names}{merged}"
    )
    return Check(
        "lost customers", p >= MISMATCH, text + ("" if p >= MISMATCH else ". The arms lost unequally many")
    )


def _balance(rows: pd.DataFrame, before: pd.DataFrame) -> Check:
    """Whether the arms differed before the start, by randomisation tests corrected by Holm."""
    columns: Mapping[str, pd.Series] = {
        "predicted network value": rows["network_value"],
        "predicted own spend": rows["direct_value"],
        "own revenue before": before[OWN],
        "audience revenue before": before[AUDIENCE],
        "activity before": before[ACTIVE],
    }
    treated = (rows["arm"] == TREATMENT).to_numpy()
    names, p_values = [], []
    for name, column in columns.items():
        values = column.to_numpy(np.float64)
        if np.ptp(values) > 0:
            try:
                test = estimate_effect(values, treated, rows["unit"].to_numpy(), rows["stratum"].to_numpy())
            except TooFewUnits:
                continue
            names.append(name)
            p_values.append(test.randomisation_p)
    unequal = [name for name, p in zip(names, holm(p_values), strict=True) if p < IMBALANCE]
    return Check(
        "balance before the start",
        not unequal,
        f"the arms differ in {', '.join(unequal)} by more than chance; the analysis adjusts for it, but find "
        "out why"
        if unequal
        else f"the arms are alike in {len(names)} of {len(names)} variables",
    )


def _contamination(dataset: Dataset, design: Design, found: Participants, complied: Compliance) -> Check:
    """The share of the audience's ties that come from the other arm: of members, and of what they spent.

    If what reaches a member of the audience goes with the share s of their ties that come from the other arm,
    the treated arm has 1 − s of it and the held-out arm s: the difference is 1 − 2·s.
    """
    other = found.audience["other_arm"].to_numpy(np.float64)
    members = pd.Index(found.audience["customer_id"])
    before = design.start - (design.end - design.start)
    spent = own_revenue(dataset, before, design.start, members).clip(lower=0).to_numpy()
    share = float(other.mean()) if other.size else 0.0
    by_revenue = float(np.average(other, weights=spent)) if spent.sum() > 0 else share
    understated = min(2 * by_revenue, 1.0)
    return Check(
        "contamination",
        max(share, by_revenue) <= MAX_CONTAMINATION,
        f"{share:.0%} of the audience's ties come from the other arm, {by_revenue:.0%} where members count "
        "by what they spent before"
        + (
            f", so the effect on the audience is understated by about {understated:.0%}"
            if understated >= 0.005
            else ""
        )
        + (
            f"; {len(complied.held):,} held-out customers were treated, which adds to it"
            if complied.held
            else ""
        ),
    )


def _treated_as_planned(complied: Compliance) -> Check:
    if not complied.recorded:
        return Check("treated as planned", True, "not known, as the data have no table plays_log")
    text = f"{complied.treated:.0%} of the treatment arm were contacted for their play"
    if complied.held:
        text += (
            f"; {len(complied.held):,} of the held-out arm were too ({complied.held_share:.0%}), such as "
            f"{', '.join(complied.held[:3])}. They count as held out, so the effect is understated by about "
            "that share"
        )
    return Check("treated as planned", complied.held_share <= MAX_CONTAMINATION, text)


def _same_data(dataset: Dataset, design: Design) -> Check:
    """Whether what was known at the design is still the same, and so is the analysis."""
    now = data_digests(dataset.limited_to(design.as_of))
    changed = sorted(name for name, value in design.data.items() if now.get(name) != value)
    text = (
        f"rows of {', '.join(changed)} from before {design.as_of:%Y-%m-%d} have been added, changed or "
        "removed since; they are used as they are now"
        if changed
        else "what was known at the design is unchanged"
    )
    if design.analysis != ANALYSIS:
        text += ". This version of Ripple analyses otherwise than design.json says"
    return Check("data as designed", not changed and design.analysis == ANALYSIS, text)
