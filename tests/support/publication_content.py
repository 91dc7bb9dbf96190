"""What a small publication holds besides scores: credited pairs, plays, and experiments with their arms."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from ripple.serving.experiment_schemas import Experiment, ExperimentEffect, ExperimentPlay
from ripple.serving.publications.influence import COLUMNS
from ripple.serving.schemas import ExperimentArm

PAIRS = pd.DataFrame(
    [
        ("c0003", "c0005", "pro", datetime(2026, 2, 3), "answer", 0.25, 12.5),
        ("c0003", "c0007", "team", datetime(2026, 3, 4), None, 0.5, 40.0),
        ("c0004", "c0003", "pro", datetime(2026, 1, 9), "referral", 1.0, 90.0),
        ("gone", "c0005", "team", datetime(2026, 1, 2), "share", 0.75, 7.0),
    ],
    columns=list(COLUMNS),
)
"""Whom customers of the snapshot, and one who is not in it, are credited with."""
PLAYS = """\
customer_id,display_name,owner,play,action,reasons,value,value_low,value_high,network_value,direct_value,max_cost
c0003,Ann,mia,rescue,call them,unhappy; reach is 4,90.5,10.0,200.0,60.5,30.0,4.5
c0005,NA,leo,rescue,call them,unhappy,80.0,9.0,190.0,50.0,30.0,
gone,Old,mia,rescue,call them,unhappy,70.0,8.0,180.0,40.0,30.0,3.5
c0004,,,connect,"invite them, and wait",,60.0,7.0,170.0,0.0,60.0,3.0
c0001,Bob,mia,connect,"invite them, and wait",top 10% by expected spend,50.0,6.0,160.0,0.0,50.0,2.5
"""
"""A list of plays as training writes it: with a customer who is not in the snapshot, and values not known."""
_RESCUE = ExperimentPlay(
    play="rescue",
    treated=3,
    held_out=2,
    treated_units=2,
    held_out_units=2,
    expected_value=180.5,
    cost=40.0,
    verdict="not read",
    finding=None,
    through_others=None,
    effects=[],
)
_EFFECT = ExperimentEffect(
    outcome="total_revenue",
    effect=61.5,
    low=12.0,
    high=111.0,
    p_value=0.01,
    held_out_mean=201.0,
    verdict="worked",
)
_JUNE = Experiment(
    name="june",
    status="running",
    designed="2026-05-31T00:00:00Z",
    start="2026-06-01T00:00:00Z",
    end="2026-09-29T00:00:00Z",
    horizon_days=120,
    model_version="1",
    units="ego",
    primary_outcome="total_revenue",
    outcomes={"total_revenue": "revenue of the customer and of the audience"},
    plays=[_RESCUE],
    read_until=None,
    final=False,
    failed_checks=[],
)
_READ = {
    "verdict": "worked",
    "finding": "worked. 61.50 EUR per treated customer.",
    "through_others": 0.6,
    "effects": [_EFFECT],
}
TESTED = [
    _JUNE.model_copy(
        update={
            **{"name": "a/b ü", "status": "ended", "start": "2026-01-01T00:00:00Z"},
            **{"end": "2026-03-02T00:00:00Z", "horizon_days": 60, "read_until": "2026-03-02T00:00:00Z"},
            **{"final": True, "plays": [_RESCUE.model_copy(update=_READ)]},
        }
    ),
    _JUNE,
]
"""An experiment that is over and was read, and one that runs."""
ARMS: dict[str, list[ExperimentArm]] = {
    name: [ExperimentArm(experiment="june", play="rescue", arm=arm, start=_JUNE.start, end=_JUNE.end)]
    for name, arm in (("c0003", "treatment"), ("c0005", "holdout"), ("gone", "holdout"))
}
"""The arms of two customers of the snapshot, and of one who is not in it."""
TOLD = (
    [one.model_dump() for one in TESTED],
    {name: [arm.model_dump() for arm in arms] for name, arms in ARMS.items()},
)
"""Both as plain data."""
