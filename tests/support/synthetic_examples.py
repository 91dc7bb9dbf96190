"""Examples drawn at random with a known relation of features and label, and the cutoffs they are of."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from ripple.settings import Cutoffs, Settings
from ripple.training.examples import feature_sequence
from ripple.training.examples.cutoffs import Schedule, schedule
from ripple.training.examples.examples import Examples

START = datetime(2024, 1, 1)
END = START + timedelta(days=390)
SETTINGS = Settings(
    horizon_days=60, top_share=0.05, cutoffs=Cutoffs(step_days=30, history_days=90, evaluate=3)
)
RISING = ("past_network_value", "referrals", "best_referral")


def plan() -> Schedule:
    """Nine cutoffs, of which the last three evaluate."""
    return schedule(START, END, SETTINGS)


def examples(cutoff: datetime = START, customers: int = 300, seed: int = 0) -> Examples:
    """Customers whose hidden strength shows in some features and in the label; half are credited nothing."""
    random = np.random.default_rng(seed)
    strength = random.lognormal(0, 1, customers)
    referrals = random.poisson(strength / 2).astype(float)
    features = pd.DataFrame(
        {
            "past_network_value": np.where(random.random(customers) < 0.5, 100 * strength, 0.0),
            "referrals": referrals,
            "best_referral": np.where(referrals > 0, random.lognormal(4, 1, customers), np.nan),
            "total_revenue": random.lognormal(5, 1, customers),
            "out_degree": random.poisson(3 * strength).astype(float),
            "days_since_last_order": random.exponential(40, customers),
            "order_count_30d": random.poisson(1, customers).astype(float),
            "constant": 1.0,
            "undefined": np.nan,
        },
        index=pd.Index([f"c{number:05d}" for number in range(customers)], name="customer_id"),
    )
    value = np.where(
        random.random(customers) < 0.5, 100 * strength * random.lognormal(0, 0.5, customers), 0.0
    )
    labels = pd.DataFrame(
        {
            "network_value": value,
            "referral_value": value / 2,
            "influence_value": value / 2,
            "direct_value": features["total_revenue"] / 4,
        },
        index=features.index,
    )
    return Examples(cutoff, feature_sequence.Rows.of(features), labels, labels)


def history(customers: int = 300) -> dict[datetime, Examples]:
    """Examples at every cutoff of the plan."""
    return {cutoff: examples(cutoff, customers, seed) for seed, cutoff in enumerate(plan().all)}
