"""A small bundle fitted to random numbers, and rows to score with it."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from ripple.models import Bundle, FeatureSpec, Interval, Spec
from tests.support.value_ranges import with_ranges

FEATURES = (
    FeatureSpec("days_since_last_use", "engagement", "days", "Days since the last use."),
    FeatureSpec("active_days_30d", "engagement", "days", "Active days."),
    FeatureSpec("advanced_share_30d", "sophistication", "share", "Share of advanced features."),
    FeatureSpec("advanced_power_user", "sophistication", "flag", "Uses more than 80 %."),
    FeatureSpec("referrals", "referent", "customers", "Customers brought in."),
    FeatureSpec("best_referral", "referent", "currency", "What the best of them spent."),
    FeatureSpec("past_network_value", "network", "currency", "The last label."),
)
INTERVAL = Interval(0.8, (50.0, 200.0), (0.0, 0.4, 0.6), (3.0, 2.2, 1.7))
SPEC = Spec(
    features=FEATURES,
    level=1.37,
    slope=0.9,
    intercept=-0.4,
    interval=INTERVAL,
    currency="EUR",
    horizon_days=180,
    top_share=0.02,
    trained_until="2025-12-31T00:00:00",
    label="referral credit + incremental credit",
)


def rows(count: int, seed: int) -> pd.DataFrame:
    """Features of *count* customers, one in ten of them undefined."""
    random = np.random.default_rng(seed)
    x = np.column_stack(
        [
            random.exponential(20, count),
            random.integers(0, 30, count),
            random.random(count),
            random.integers(0, 2, count),
            random.poisson(1, count),
            random.lognormal(4, 1, count),
            random.lognormal(4, 2, count),
        ]
    )
    x[random.random(x.shape) < 0.1] = np.nan
    ids = pd.Index([f"c{number:04d}" for number in range(count)], name="customer_id")
    return pd.DataFrame(x, columns=SPEC.names, index=ids)


def booster(x: np.ndarray, y: np.ndarray, objective: str) -> lgb.Booster:
    parameters = {
        "objective": objective,
        "num_leaves": 7,
        "num_threads": 1,
        "seed": 1,
        "deterministic": True,
        "verbosity": -1,
    }
    return lgb.train(parameters, lgb.Dataset(x, y, feature_name=SPEC.names), num_boost_round=25)


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    x = rows(600, 1).to_numpy()
    value = np.nansum(x[:, 4:] * [50, 1, 0.5], axis=1) * np.random.default_rng(2).lognormal(0, 0.4, len(x))
    at_top = (value > np.quantile(value, 0.9)).astype(float)
    heads = booster(x, value, "tweedie"), booster(x, at_top, "binary")
    return with_ranges(Bundle(*heads, SPEC), x, value)


@pytest.fixture(scope="session")
def earlier_bundle(bundle: Bundle) -> Bundle:
    """A bundle as versions before the heads of a range have them."""
    return Bundle(bundle.value, bundle.top, SPEC)


@pytest.fixture(scope="session")
def features() -> pd.DataFrame:
    return rows(500, 3)
