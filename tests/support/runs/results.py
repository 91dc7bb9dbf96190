"""Training results that differ from another one in some fields, in whatever part these are."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from ripple.training.result import TrainingResult

PARTS = ("data", "label", "evaluation", "population", "insights")


def altered(result: TrainingResult, **changed: Any) -> TrainingResult:
    """*result* with fields of its own or of its parts *changed*, by their names."""
    for part in PARTS:
        own = {field.name for field in fields(getattr(result, part))} & changed.keys()
        new = replace(getattr(result, part), **{name: changed.pop(name) for name in sorted(own)})
        changed[part] = new
    return replace(result, **changed)


def with_heads(result: TrainingResult, **columns: float) -> TrainingResult:
    """*result* with these figures in *columns* of the table of heads."""
    evaluated = result.evaluation.backtest
    return altered(result, backtest=replace(evaluated, heads=evaluated.heads.assign(**columns)))


def with_loss(result: TrainingResult, loss: float) -> TrainingResult:
    """*result* with settings by which this much capture may be lost."""
    gate = result.settings.gate.model_copy(update={"capture_loss": loss})
    return replace(result, settings=result.settings.model_copy(update={"gate": gate}))


def with_totals(result: TrainingResult, referral: float, influence: float) -> TrainingResult:
    """*result* with these totals of credit."""
    totals = {"network_value": referral + influence, "referral_value": referral, "influence_value": influence}
    return altered(result, totals=result.label.totals | totals)
