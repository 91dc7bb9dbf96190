"""Whether the top is expected to beat its best period so far, and how often such forecasts were realised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ripple.training.evaluation.prediction_table import CUTOFF
from ripple.training.examples.cutoffs import Schedule
from ripple.training.examples.examples import Examples
from ripple.training.examples.membership import top_mask


@dataclass(frozen=True)
class BestPeriods:
    """Forecasts of the top against the best closed period of each customer.

    Attributes:
        customers: of the top, with a closed period.
        expected: of those, how many are expected to exceed their best one.
        past_expected: customers of the predicted top at evaluation cutoffs, each as often as there, who were
            expected to exceed the best period that had closed by then.
        past_exceeded: of those, how many did.
        past_predicted, past_realised: the network value of those expected to, in currency.
    """

    customers: int
    expected: int
    past_expected: int
    past_exceeded: int
    past_predicted: float
    past_realised: float

    @property
    def past_ratio(self) -> float:
        """Realised ÷ predicted network value of those who had been expected to exceed their best period."""
        return self.past_realised / self.past_predicted if self.past_predicted > 0 else float("nan")


def best_periods(
    examples: Mapping[datetime, Examples],
    plan: Schedule,
    predictions: pd.DataFrame,
    scores: pd.DataFrame,
    end: datetime,
    top_share: float,
) -> BestPeriods:
    """Compare the top of *scores* at the *end*, and the predicted tops of *predictions*, with their past."""
    members = scores["network_value"][scores["top_member"]]
    now = _against_best(members, _best(examples, plan, end))
    past = []
    for cutoff, rows in predictions.groupby(CUTOFF, sort=True):
        top = rows[top_mask(rows["predicted"].to_numpy(), top_share)].set_index("customer_id")
        compared = _against_best(top["predicted"], _best(examples, plan, pd.Timestamp(str(cutoff))))
        past.append(compared[compared["expected"] > compared["best"]].join(top["realised"]))
    beaten = pd.concat(past) if past else pd.DataFrame(columns=["expected", "best", "realised"])
    return BestPeriods(
        len(now),
        int((now["expected"] > now["best"]).sum()),
        len(beaten),
        int((beaten["realised"] > beaten["best"]).sum()),
        float(beaten["expected"].sum()),
        float(beaten["realised"].sum()),
    )


def _best(examples: Mapping[datetime, Examples], plan: Schedule, moment: datetime) -> pd.Series:
    """The highest network value of each customer in a window that had closed by *moment*."""
    closed = [examples[cutoff].labels["network_value"] for cutoff in plan.training_for(moment)]
    return pd.concat(closed).groupby(level=0).max() if closed else pd.Series(dtype=float)


def _against_best(expected: pd.Series, best: pd.Series) -> pd.DataFrame:
    table = pd.DataFrame({"expected": expected, "best": best.reindex(expected.index)})
    return table[table["best"].notna()]
