from __future__ import annotations

from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pytest

from ripple.models import Bundle, FeatureSpec
from ripple.models.bundle import Category
from ripple.models.value_checks import Flag, ValueChecks, seen_ranges

UNITS = ("customers", "share", "flag", "currency", "number", "score")
NAMES = [f"f{place}" for place in range(len(UNITS))]


def _data() -> np.ndarray:
    random = np.random.default_rng(1)
    columns = [
        random.integers(2, 40, 500),
        random.uniform(0.1, 0.9, 500),
        random.integers(0, 2, 500),
        random.normal(50, 30, 500),
        random.integers(0, 4, 500),
        random.uniform(-0.5, 0.5, 500),
    ]
    x = np.column_stack(columns).astype(float)
    x[::7, 0] = np.nan
    return x


def _booster(x: np.ndarray) -> lgb.Booster:
    data = lgb.Dataset(x, np.nan_to_num(x).sum(axis=1), feature_name=NAMES[: x.shape[1]])
    return lgb.train({"num_leaves": 7, "verbose": -1, "num_threads": 1, "seed": 1}, data, 5)


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return _data()


@pytest.fixture(scope="module")
def checks(x: np.ndarray, bundle: Bundle) -> ValueChecks:
    booster = _booster(x)
    features = tuple(FeatureSpec(name, "any", unit, "") for name, unit in zip(NAMES, UNITS, strict=True))
    levels = (("a", 0.0), ("b", 1.0), ("c", 2.0))
    category = Category("f4", "plan", levels, 3.0)
    spec = replace(bundle.spec, features=features, categories=(category,))
    return ValueChecks(Bundle(booster, booster, spec))


def test_what_training_saw_is_what_it_was_given(x: np.ndarray) -> None:
    constant = np.column_stack([x[:, 3], np.full(len(x), 5.0)])
    ranges = seen_ranges(_booster(constant))
    # LightGBM writes them with 17 digits, or fewer where these say the same
    assert ranges[0] == pytest.approx([x[:, 3].min(), x[:, 3].max()], rel=1e-12)
    assert ranges[1].tolist() == [-np.inf, np.inf]


def test_nothing_that_training_saw_is_flagged(x: np.ndarray, checks: ValueChecks) -> None:
    assert list(checks.flags(x)) == []


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        (0, -1.0, "impossible"),
        (0, 1.0, "unseen"),
        (0, 1000.0, "unseen"),
        (1, -0.01, "impossible"),
        (1, 1.01, "impossible"),
        (1, 0.99, "unseen"),
        (2, 2.0, "impossible"),
        (2, 0.5, "impossible"),
        (3, -1e9, "unseen"),
        (4, 1.5, "unseen"),
        (4, 9.0, "unseen"),
        (5, 1.5, "impossible"),
        (5, 0.9, "unseen"),
    ],
)
def test_a_value_is_impossible_by_its_unit_or_was_not_seen(
    column: int, value: float, rule: str, x: np.ndarray, checks: ValueChecks
) -> None:
    rows = x[:3].copy()
    rows[1, column] = value
    (flag,) = checks.flags(rows)
    assert (flag.row, flag.column, flag.rule) == (1, column, rule)
    if column == 0:
        assert (flag.low, flag.high) == ((0.0, np.inf) if rule == "impossible" else (2.0, 39.0))


def test_an_undefined_value_is_not_flagged(x: np.ndarray, checks: ValueChecks) -> None:
    assert list(checks.flags(np.full((2, x.shape[1]), np.nan))) == []


def test_a_loss_is_possible(bundle: Bundle, x: np.ndarray) -> None:
    booster = _booster(x[:, :2])
    features = (FeatureSpec("f0", "", "customers", ""), FeatureSpec("margin_share", "", "share", ""))
    checks = ValueChecks(Bundle(booster, booster, replace(bundle.spec, features=features, categories=())))
    (flag,) = checks.flags(np.array([[3.0, -0.2]]))
    low, high = x[:, 1].min(), x[:, 1].max()
    assert flag == Flag(0, 1, "unseen", pytest.approx(low), pytest.approx(high))
