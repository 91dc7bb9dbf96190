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
