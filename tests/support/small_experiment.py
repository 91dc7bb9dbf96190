"""A small experiment: its design in a folder, and what could have been read of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd

from ripple.training.experiments.checks import Check
from ripple.training.experiments.design import Design, PlayPlan, Prospect, write_design
from ripple.training.experiments.estimation import Effect
from ripple.training.experiments.layout import Layout
from ripple.training.experiments.outcomes import ACTIVE, AUDIENCE, CREDITED, OUTCOMES, OWN, TOTAL
from ripple.training.experiments.readout import OutcomeReading, PlayReading, Readout

DESIGNED = datetime(2025, 6, 30, 22, 15)
START = datetime(2025, 7, 1)
DAYS = 60
END = START + timedelta(days=DAYS)
ARMS = {"c1": "treatment", "c2": "holdout", "c3": "treatment", "c4": "holdout"}
"""The arms of the customers, each a unit of their own."""
_PLAN = PlayPlan(
    treated=2,
    held=2,
    treated_units=2,
    held_units=2,
    value=400.0,
    cost=20.0,
    prospects={name: Prospect(wanted=40.0) for name in OUTCOMES},
)
_DESIGN = Design(
    name="july",
    as_of=DESIGNED,
    start=START,
    end=END,
    currency="EUR",
    plays={"rescue": _PLAN},
    holdout=0.5,
    units="customer",
    most_per_unit=1,
    seed=3,
    model="1",
    data={},
    margin_share=0.5,
    outcomes=OUTCOMES,
    overlap_customers=0.1,
    overlap_units=0.1,
    overlap_arms=0.05,
)
_EFFECT = Effect(60.0, 15.0, 30.0, 90.0, 0.001, 0.001, 200.0, 2, 2, 2, 2, 1)


def write_small_design(folder: Path, name: str = "july", shift_days: int = 0) -> Design:
    """Write the design of an experiment called *name* to *folder*, so many days later."""
    later = timedelta(days=shift_days)
    design = _DESIGN.model_copy(
        update={"name": name, "as_of": DESIGNED + later, "start": START + later, "end": END + later}
    )
    table = pd.DataFrame(
        {
            "play": "rescue",
            "arm": list(ARMS.values()),
            "unit": range(len(ARMS)),
            "stratum": 0,
            "network_value": 300.0,
            "direct_value": 100.0,
            "audience_size": 1,
        },
        index=pd.Index(list(ARMS), name="customer_id"),
    )
    audience = pd.DataFrame({"customer_id": ["a1", "a2"], "owner": ["c1", "c2"], "other_arm": [0.0, 0.1]})
    return write_design(folder, design, Layout(table, audience, (), 0.1, 0.1, 0.05), "# Experiment\n")


def small_readout(name: str = "july", fraction: float = 1.0, shift_days: int = 0) -> Readout:
    """A read-out of the experiment after that *fraction* of its days, in which the play worked."""
    outcomes = tuple(
        OutcomeReading(outcome, effect, 0.001, 40.0, "worked")
        for outcome, effect in (
            (TOTAL, _EFFECT),
            (OWN, replace(_EFFECT, effect=24.0, low=4.0, high=44.0)),
            (AUDIENCE, replace(_EFFECT, effect=36.0, low=6.0, high=66.0)),
            (CREDITED, replace(_EFFECT, effect=30.0, low=5.0, high=55.0)),
            (ACTIVE, replace(_EFFECT, effect=0.04, low=-0.02, high=0.1, held_mean=0.8)),
        )
    )
    play = PlayReading("rescue", outcomes, 400.0 * fraction, 20.0, 40.0, 0.6)
    start = START + timedelta(days=shift_days)
    checks = (
        Check("ratio of the arms", True, "2 treated and 2 held-out customers are compared"),
        Check("treated as planned", False, "1 of the held-out arm were too (50%)"),
    )
    until = start + timedelta(days=round(DAYS * fraction))
    return Readout(name, "EUR", start, until, fraction, (play,), checks)
