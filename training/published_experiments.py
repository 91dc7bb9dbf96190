"""What the service is told of the experiments that the home keeps, as plain data.

The fields are those of `Experiment` and `ExperimentArm` of the package `serving`, which checks them.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

from ripple.features.dataset import Dataset
from ripple.training.experiments.design import Design
from ripple.training.experiments.outcomes import TOTAL
from ripple.training.experiments.participants import participants
from ripple.training.experiments.text import play_sentences
from ripple.training.kept_experiments import KeptExperiment, read_experiments

Told = dict[str, Any]


def published_experiments(
    home: Path, as_of: datetime, dataset: Dataset | None = None
) -> tuple[list[Told], dict[str, list[Told]]]:
    """All experiments, and by customer_id the arms of those that run, for a snapshot of a moment.

    Args:
        home: what keeps the experiments.
        as_of: the moment; nothing that was not known then is told.
        dataset: whose customers the snapshot has, where ids may have been merged since a design.

    Raises:
        InputError: a file of an experiment is not as it was written.
    """
    kept = read_experiments(home, as_of)
    arms: defaultdict[str, list[Told]] = defaultdict(list)
    for one in kept:
        if one.status(as_of) == "running":
            for customer_id, arm in _arms(one, as_of, dataset).items():
                arms[customer_id].append(arm)
    return [described(one, as_of) for one in kept], dict(arms)


def described(kept: KeptExperiment, as_of: datetime) -> Told:
    """What the service tells of an experiment."""
    design, readout = kept.design, kept.readout
    checks = readout.checks if readout else ()
    return {
        "name": design.name,
        "status": kept.status(as_of),
        "designed": _utc(design.as_of),
        "start": _utc(design.start),
        "end": _utc(design.end),
        "horizon_days": design.days,
        "model_version": design.model,
        "units": design.units,
        "primary_outcome": TOTAL,
        "outcomes": design.outcomes,
        "plays": [_play(kept, play) for play in design.plays],
        "read_until": _utc(readout.until) if readout else None,
        "final": readout is not None and readout.fraction >= 1,
        "failed_checks": [f"{check.name}: {check.finding}" for check in checks if not check.passed],
    }


def _play(kept: KeptExperiment, play: str) -> Told:
    plan, readout = kept.design.plays[play], kept.readout
    told: Told = {
        "play": play,
        "treated": plan.treated,
        "held_out": plan.held,
        "treated_units": plan.treated_units,
        "held_out_units": plan.held_units,
        "expected_value": plan.value,
        "cost": plan.cost,
        "verdict": "not read",
        "finding": None,
        "through_others": None,
        "effects": [],
    }
    reading = next((one for one in readout.plays if one.play == play), None) if readout else None
    if reading is None or readout is None:
        return told
    total = reading.of(TOTAL)
    return told | {
        "verdict": "too small to say" if total is None else total.conclusion,
        "finding": " ".join(play_sentences(reading, readout)),
        "through_others": reading.through_others,
        "effects": [
            {
                "outcome": one.outcome,
                "effect": one.effect.effect,
                "low": one.effect.low,
                "high": one.effect.high,
                "p_value": one.p_value,
                "held_out_mean": one.effect.held_mean,
                "verdict": one.conclusion,
            }
            for one in reading.outcomes
        ],
    }


def _arms(kept: KeptExperiment, as_of: datetime, dataset: Dataset | None) -> dict[str, Told]:
    """The arm of each customer, by the id of now."""
    rows = kept.assignments.assign(id=kept.assignments.index)
    if dataset is not None:
        rows = participants(dataset.limited_to(as_of), kept.assignments, kept.audience).rows
    return {
        str(row.id): _arm(kept.design, str(row.play), str(row.arm)) for row in rows.itertuples(index=False)
    }


def _arm(design: Design, play: str, arm: str) -> Told:
    moments = {"start": _utc(design.start), "end": _utc(design.end)}
    return {"experiment": design.name, "play": play, "arm": arm} | moments


def _utc(moment: datetime) -> str:
    return f"{moment.isoformat()}Z"
