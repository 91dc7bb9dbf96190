"""The customers predicted on top at past cutoffs, judged by themselves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from ripple.training.evaluation.cutoff_evaluation import Backtest
from ripple.training.evaluation.prediction_table import CUTOFF, evaluated_at
from ripple.training.examples.membership import top_mask


@dataclass(frozen=True)
class JudgedTop:
    """The list of one past cutoff; amounts in currency, shares 0 to 1, nan where a number is not known.

    Attributes:
        customers: how many were predicted on top.
        right: how many of them were truly on top.
        share: what they realised ÷ what all customers realised.
        best_share: what the true top realised ÷ the same.
        rule_share: what the top by the best simple rule realised ÷ the same.
        predicted, realised: their total.
        coverage: the share of them whose realised value lay inside their interval.
        median_predicted, median_realised: of one of them.
    """

    cutoff: datetime
    customers: int
    right: int
    share: float
    best_share: float
    rule_share: float
    predicted: float
    realised: float
    coverage: float
    median_predicted: float
    median_realised: float

    @property
    def ratio(self) -> float:
        """Predicted ÷ realised."""
        return self.predicted / self.realised if self.realised > 0 else math.nan


def judged_tops(predictions: pd.DataFrame, backtest: Backtest, top_share: float) -> list[JudgedTop]:
    """The list of each evaluated cutoff, the oldest first.

    Args:
        predictions: out-of-sample predictions; none where nothing was evaluated.
        backtest: of the same cutoffs.
        top_share: the share of customers who are on top.
    """
    if predictions.empty:
        return []
    rule = backtest.rankings[backtest.rankings["ranking"] == backtest.best_baseline]
    rule_captures = rule.set_index("cutoff")["capture"]
    judged = []
    for cutoff in evaluated_at(predictions):
        at = predictions[predictions[CUTOFF] == cutoff]
        top = at[top_mask(at["predicted"].to_numpy(), top_share)]
        total, best = float(at["realised"].sum()), float(at.loc[at["at_top"], "realised"].sum())
        known = top["high"].notna()
        inside = (top["low"] <= top["realised"]) & (top["realised"] <= top["high"])
        judged.append(
            JudgedTop(
                cutoff,
                len(top),
                int(top["at_top"].sum()),
                float(top["realised"].sum()) / total if total > 0 else math.nan,
                best / total if total > 0 else math.nan,
                float(rule_captures.get(f"{cutoff:%Y-%m-%d}", math.nan)) * best / total
                if total > 0
                else math.nan,
                float(top["predicted"].sum()),
                float(top["realised"].sum()),
                float(inside[known].mean()) if known.any() else math.nan,
                float(top["predicted"].median()),
                float(top["realised"].median()),
            )
        )
    return judged
