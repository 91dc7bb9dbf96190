"""Customers who entered or left the top since an earlier version, and which of their reasons changed."""

from __future__ import annotations

import math
from typing import Any

from ripple.models.bundle import Spec
from ripple.models.reasons import value_in_words
from ripple.training.evaluation.membership_changes import EffectShift, MembershipChange, MembershipChanges
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

NO_CHAMPION = "There is no earlier champion to compare with"
NOT_A_CUSTOMER = "not a customer"


def membership_changes_section(result: TrainingResult) -> dict[str, Any]:
    """Changes since the champion that the run was compared with."""
    if result.changes is None:
        summary = f"{NO_CHAMPION}."
        return {"finding": NO_CHAMPION, "summary": summary, "entered": [], "left": []}
    return membership_changes(result.changes, result.population.bundle.spec)


def membership_changes(changes: MembershipChanges, spec: Spec) -> dict[str, Any]:
    """*changes* as sentences and tables."""
    top, total = words.exact_percent(spec.top_share), changes.stayed + changes.entered
    finding = (
        f"{words.count(changes.entered)} of {words.count(total)} customers in the top {top} were not there "
        f"in version {changes.number}, as of {words.day(changes.as_of)}; {words.count(changes.left)} have "
        "left it"
    )
    return {
        "finding": finding,
        "summary": f"{finding}.",
        "reasons": [*_agreement(changes), *_reasons(changes)],
        "entered": [_row(mover, spec) for mover in changes.entrants],
        "left": [_row(mover, spec) for mover in changes.leavers],
        "not_listed": (changes.entered - len(changes.entrants), changes.left - len(changes.leavers)),
        "number": changes.number,
    }


def _agreement(changes: MembershipChanges) -> list[str]:
    if not math.isfinite(changes.correlation):
        return []
    correlation = words.decimal(changes.correlation)
    return [f"The Spearman correlation of the values of customers in both versions is {correlation}."]


def _reasons(changes: MembershipChanges) -> list[str]:
    """Features that raised those who entered and lowered those who left, and the parts of data and model."""
    sentences = []
    for key, movers, group, verb, sign in (
        ("entered", changes.entrants, "Customers who entered", "raised", 1),
        ("left", changes.leavers, "Customers who left", "lowered", -1),
    ):
        known = [mover for mover in movers if math.isfinite(mover.by_data)]
        if not known:
            continue
        moved = (sign * changes.mean_shifts[key]).sort_values(ascending=False)
        strongest = moved[moved > 0].head(3)
        features = [
            f"{words.feature_words(str(name))} ({words.factor(sign * size)})"
            for name, size in strongest.items()
        ]
        data, model = (
            sum(getattr(mover, part) for mover in known) / len(known) for part in ("by_data", "by_model")
        )
        sentences.append(
            f"{group} were {verb} most by {words.joined(features)}, on average. Their data changed the score "
            f"{words.factor(data)}, the other model {words.factor(model)}."
            if features
            else f"{group} moved because others did: their own features hardly changed."
        )
    return sentences


def _row(mover: MembershipChange, spec: Spec) -> dict[str, Any]:
    in_both = math.isfinite(mover.value_before) and math.isfinite(mover.value_now)
    return {
        "id": mover.customer,
        "ranks": [_rank(mover.rank_before), _rank(mover.rank_now)],
        "values": [
            words.cell(value, words.money(value, spec.currency), NOT_A_CUSTOMER)
            for value in (mover.value_before, mover.value_now)
        ],
        "reasons": [_shift(shift, spec) for shift in mover.shifts]
        or ["their features did not change, those of others did" if in_both else NOT_A_CUSTOMER],
    }


def _rank(rank: int | None) -> Cell:
    return Cell(NOT_A_CUSTOMER, None, missing=True) if rank is None else Cell(words.count(rank), float(rank))


def _shift(shift: EffectShift, spec: Spec) -> str:
    before, now = (value_in_words(spec, shift.feature, value) for value in (shift.before, shift.now))
    change = f"stays at {now}" if before == now else f"went from {before} to {now}"
    return f"{words.feature_words(shift.feature)} {change}: {words.factor(shift.effect)}"
