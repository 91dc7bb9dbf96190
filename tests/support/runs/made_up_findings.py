"""The findings of the made-up run that are written by hand: backtest, placebos, predictions and insights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ripple.models import Bundle
from ripple.settings import Settings
from ripple.training.attribution.feature_adoptions import FeatureAdoptions
from ripple.training.attribution.robustness import LATE_TIES, SHUFFLED_TIMES, Robustness
from ripple.training.estimators.total_forecast import ClosedTotal
from ripple.training.evaluation.cutoff_evaluation import MODEL, Backtest
from ripple.training.evaluation.slices import COLD_START, EVERYBODY
from ripple.training.examples.cutoffs import Schedule
from ripple.training.insights import direct_value
from ripple.training.insights.claims import claims
from ripple.training.insights.concentration import concentration
from ripple.training.insights.customer_value import customer_value
from ripple.training.insights.direct_value import DirectValue
from ripple.training.insights.periods import Period
from ripple.training.insights.plays import playbook

RULES = ("last label", "degree", "own revenue")
START, END = datetime(2025, 7, 5), datetime(2026, 1, 1)
"""The latest closed period of the made-up run."""


def customer_insights(
    settings: Settings, bundle: Bundle, features: pd.DataFrame, scores: pd.DataFrame, measured: bool = True
) -> dict[str, Any]:
    """Customer value and the insights made from it; without *measured*, as if there were no usage table."""
    random, customers = np.random.default_rng(11), len(features)
    spend = pd.Series(random.lognormal(4.0, 1.0, customers), features.index)
    rows = {"cutoff": np.repeat(pd.to_datetime(["2025-01-01", "2025-03-01"]), 200), "customer_id": "c"}
    predicted = random.lognormal(4.0, 1.0, 400)
    network = pd.DataFrame(
        {**rows, "predicted": predicted, "realised": predicted * random.exponential(0.9, 400)}
    )
    evaluations = pd.DataFrame(
        {
            "cutoff": pd.Timestamp("2025-01-01"),
            "ranking": [direct_value.PREDICTED, direct_value.LAST_PERIOD],
            "total": [1.05, 0.8],
            "capture": [0.8, 0.7],
            "gini": [0.8, 0.7],
        }
    )
    direct = DirectValue(spend, network, evaluations, (0.1, 0.04, 0.16), 0.1, 3 * spend)
    value = customer_value(features, scores, direct, network, 0.4, settings)
    features_spread = feature_adoptions(spend.index)
    period = Period(
        start=datetime(2025, 1, 1),
        days=180,
        direct_value=spend.to_numpy(),
        orders=np.ones(customers),
        network_value=random.exponential(50.0, customers),
        influenced_purchases=random.exponential(2.0, customers),
        influenced_customers=random.exponential(1.0, customers),
        engagement=random.random(customers) if measured else None,
        advanced=random.random(customers) < 0.2 if measured else None,
        influenced_adopters=features_spread.credited["influenced_adopters"].to_numpy() if measured else None,
        feature_adoptions=features_spread if measured else None,
    )
    return {
        "customer_value": value,
        "concentration": concentration(value, settings.seed),
        "claims": claims(
            period, scores["network_value"].to_numpy(), replace(period, days=548), settings.top_share, 7
        ),
        "playbook": playbook(features, value, bundle, settings),
        "feature_adoptions": period.feature_adoptions,
    }


def feature_adoptions(customers: pd.Index) -> FeatureAdoptions:
    """A label of features in which a third of 5,000 first uses is credited, a quarter of it by chance."""
    adopters = np.random.default_rng(5).exponential(1.0, len(customers))
    credited = pd.DataFrame(
        {"influenced_feature_adoptions": 1.4 * adopters, "influenced_adopters": adopters}, customers
    )
    placebos = pd.DataFrame({"influenced": [400.0, 80.0], "share": [0.25, 0.05]}, [SHUFFLED_TIMES, LATE_TIES])
    return FeatureAdoptions(START, END, 5000, credited, 1600.0, placebos)


def robustness(
    influence: float, shuffled: float, late: float, variants: float = 1.0, overlap: float = 0.62
) -> Robustness:
    """Placebos and sensitivity of a label, amounts in currency; *variants* scales the other settings."""

    def of_label(amount: float) -> float:
        return amount / influence if influence else 0.0

    amounts = {
        "window of 56 days": 0.81,
        "window of 224 days": 1.13,
        "baseline by stratum alone": 1.32,
        "baseline by product alone": 1.74,
        "all counted as expansion": 1.21,
    }
    credited = {name: variants * share * (influence or 1000.0) for name, share in amounts.items()}
    return Robustness(
        START,
        END,
        90_000.0,
        influence,
        pd.DataFrame(
            {"influence": [shuffled, late], "share": [of_label(shuffled), of_label(late)]},
            index=[SHUFFLED_TIMES, LATE_TIES],
        ),
        pd.DataFrame(
            {
                "influence": list(credited.values()),
                "ratio": [of_label(amount) for amount in credited.values()],
                "top_overlap": [0.9, 0.95, 0.8, overlap, 1.0],
            },
            index=list(credited),
        ),
    )


def backtest(plan: Schedule) -> Backtest:
    """Three cutoffs at which the model is ahead of every rule, by more the worse the rule."""
    rows, heads = [], []
    for i, cutoff in enumerate(plan.evaluation):
        day = f"{cutoff:%Y-%m-%d}"
        for j, name in enumerate((MODEL, *RULES)):
            capture = 0.6 - 0.15 * j + 0.02 * i
            metrics = {"precision": capture / 2, "pr_auc": capture / 3, "gini": 0.7 - 0.1 * j}
            bounds = {"capture_low": capture - 0.07, "capture_high": capture + 0.08}
            bounds |= {"lead": 0.15 * j, "lead_low": 0.15 * j - 0.11, "lead_high": 0.15 * j + 0.07}
            row = {"cutoff": day, "ranking": name, "capture": capture, **metrics, "spearman": 0.1 * j}
            rows.append(row | bounds)
        heads.append(
            {
                "cutoff": day,
                "customers": 300.0 + i,
                "realised": 25_000.0,
                "predicted_share": (3.2, 0.7, 1.02)[i],
                "total_low": (50_000.0, 12_000.0, 18_000.0)[i],
                "total_high": (128_000.0, 24_000.0, 36_000.0)[i],
                "coverage": (0.6, 0.82, 0.93)[i],
                "brier": (0.05, 0.046, 0.03)[i],
                "brier_base_rate": 0.046,
            }
        )
    table = pd.DataFrame(rows)
    pooled = table.groupby("ranking", as_index=False).mean(numeric_only=True).assign(cutoff="pooled")
    deciles = pd.DataFrame(
        {
            "decile": range(1, 11),
            "predicted": [0.5 * 2.0**i for i in range(10)],
            "realised": [0.0, 0.0, *(0.6 * 2.0**i for i in range(2, 10))],
            "coverage": [1.0, 1.0, 0.95, 0.9, 0.85, 0.8, 0.8, 0.75, 0.7, 0.65],
        }
    )
    return Backtest(
        pd.concat([table, pooled], ignore_index=True),
        pd.DataFrame(heads),
        deciles,
        RULES[0],
        (0.15, 0.04, 0.22),
        slices(),
    )


def totals(cutoffs: Sequence[datetime]) -> list[ClosedTotal]:
    """Totals of *cutoffs* that were 25 % too low and too high in turn."""
    return [ClosedTotal(cutoff, 20_000.0, 20_000.0 * 1.25 ** (-1) ** i) for i, cutoff in enumerate(cutoffs)]


def slices() -> pd.DataFrame:
    """Five kinds of customers, of which one is far off and one has no realised value."""
    names = [EVERYBODY, COLD_START, "known in training", "degree decile 10", "country <X>"]
    return pd.DataFrame(
        {
            "slice": names,
            "customers": [903, 100, 803, 90, 7],
            "top_share": [1.0, 0.1, 0.9, 0.6, 0.0],
            "true_top_share": [1.0, 0.2, 0.8, 0.5, 0.0],
            "predicted_share": [1.0, 0.4, 1.1, 0.9, math.nan],
            "coverage": [0.81, 0.7, 0.83, 0.75, 1.0],
            "capture": [0.6, 0.3, 0.65, 0.5, math.nan],
            "rule_capture": [0.45, 0.5, 0.4, 0.3, math.nan],
        }
    )


def predictions(plan: Schedule, customers: pd.Index) -> pd.DataFrame:
    """Out-of-sample predictions whose probabilities are calibrated."""
    random = np.random.default_rng(4)
    parts = []
    for cutoff in plan.evaluation:
        probability = random.beta(0.1, 1.9, len(customers))
        value = random.lognormal(2, 2, len(customers))
        parts.append(
            pd.DataFrame(
                {
                    "cutoff": pd.Timestamp(cutoff),
                    "customer_id": customers,
                    "predicted": value,
                    "low": 0.0,
                    "high": 3 * value,
                    "top_probability": probability,
                    "realised": value * random.lognormal(0, 1, len(customers)),
                    "at_top": random.random(len(customers)) < probability,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
