"""Who entered and who left the top since an earlier version, and which of their reasons moved."""

from __future__ import annotations

import math
from typing import Any

from ripple.models.bundle import Spec
from ripple.models.reasons import in_words
from ripple.training.evaluation.membership_changes import Changes, Mover, Shift
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

NONE_BEFORE = "There is no earlier champion that it can be compared with"
NOT_THERE = "was not there"


def moves(result: TrainingResult) -> dict[str, Any]:
    """Changes since the champion that the run was compared with."""
    if result.changes is None:
        said = f"{NONE_BEFORE}, so nothing is known of what changed."
        return {"finding": NONE_BEFORE, "short": said, "came": [], "went": []}
    return told(result.changes, result.bundle.spec)


def told(found: Changes, spec: Spec) -> dict[str, Any]:
    """*found* as sentences and tables."""
    top, total = words.share_name(spec.top_share), found.stayed + found.entered
    since = f"version {found.number}, as of {words.day(found.as_of)}"
    finding = (
        f"Of the {words.count(total)} customers in the top {top}, {words.count(found.entered)} were not "
        f"there in {since}, and {words.count(found.left)} who were have left"
    )
    return {
        "finding": finding,
        "short": f"{finding}.",
        "why": [*_agreement(found), *_why(found)],
        "came": [_row(mover, spec) for mover in found.came],
        "went": [_row(mover, spec) for mover in found.went],
        "more": (found.entered - len(found.came), found.left - len(found.went)),
        "number": found.number,
    }


def _agreement(found: Changes) -> list[str]:
    if not math.isfinite(found.correlation):
        return []
    rank = words.decimal(found.correlation)
    return [f"The values of customers who are in both agree with a Spearman of {rank}."]


def _why(found: Changes) -> list[str]:
    """Which features carried those who came, and lowered those who went; and whether data or model did it."""
    said = []
    for who, movers, verb, sign in (("came", found.came, "raised", 1), ("went", found.went, "lowered", -1)):
        known = [mover for mover in movers if math.isfinite(mover.by_data)]
        if not known:
            continue
        moved = (sign * found.carried[who]).sort_values(ascending=False)
        strongest = moved[moved > 0].head(3)
        features = [
            f"{words.spoken(str(name))} ({words.factor(sign * size)})" for name, size in strongest.items()
        ]
        data, model = (
            sum(getattr(mover, part) for mover in known) / len(known) for part in ("by_data", "by_model")
        )
        said.append(
            f"Those who {who} were {verb} most by {words.listed(features)}, on average; their own data "
            f"moved the score {words.factor(data)}, the other model {words.factor(model)}."
            if features
            else f"Those who {who} moved because others did: no feature of theirs changed much."
        )
    return said


def _row(mover: Mover, spec: Spec) -> dict[str, Any]:
    both = math.isfinite(mover.value_before) and math.isfinite(mover.value_now)
    return {
        "id": mover.customer,
        "ranks": [_rank(mover.rank_before), _rank(mover.rank_now)],
        "worths": [
            words.cell(value, words.money(value, spec.currency), NOT_THERE)
            for value in (mover.value_before, mover.value_now)
        ],
        "reasons": [_shift(shift, spec) for shift in mover.shifts]
        or ["no feature moved them; others passed" if both else NOT_THERE],
    }


def _rank(rank: int | None) -> Cell:
    return Cell(NOT_THERE, None, missing=True) if rank is None else Cell(words.count(rank), float(rank))


def _shift(shift: Shift, spec: Spec) -> str:
    unit = {feature.name: feature.unit for feature in spec.features}.get(shift.feature, "")
    before, now = (in_words(value, unit, spec.currency) for value in (shift.before, shift.now))
    change = f"stays at {now}" if before == now else f"went from {before} to {now}"
    return f"{words.spoken(shift.feature)} {change}: {words.factor(shift.effect)}"
