"""Held against LightGBM's own TreeSHAP, which walks the trees."""

from __future__ import annotations

from collections.abc import Sequence

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.models.tree_shap import CHUNK_ROWS, MAX_SPLITS, ShapleyTables

COLUMNS = 6


def rows(number: int, seed: int) -> np.ndarray:
    """Some values stand in many rows, some are undefined."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=(number, COLUMNS)), 1)
    x[rng.random(x.shape) < 0.2] = np.nan
    x[:, 3] = np.nan_to_num(x[:, 3])  # a column without any: LightGBM sends what is undefined where 0 goes
    return x


def booster(
    leaves: int, seed: int = 0, trees: int = 12, categorical: Sequence[int] = (), **parameters: object
) -> lgb.Booster:
    x = rows(600, seed)
    x[:, categorical] = np.abs(np.rint(x[:, categorical]))
    target = np.nansum(x * [3, -2, 1, 1, 0, 0], axis=1) + np.nan_to_num(x[:, 0] * x[:, 1]) + x[:, 3] ** 2
    chosen = {"num_leaves": leaves, "min_data_in_leaf": 5, "verbosity": -1, "seed": seed, "num_threads": 1}
    return lgb.train(chosen | parameters, lgb.Dataset(x, target, categorical_feature=categorical), trees)


def assert_same(model: lgb.Booster, x: np.ndarray) -> None:
    tables = ShapleyTables.from_boosters(model)
    assert tables is not None
    expected = np.asarray(model.predict(x, pred_contrib=True))
    np.testing.assert_allclose(tables(x)[:, 0], expected[:, :-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.full(len(x), tables.base_values[0]), expected[:, -1], rtol=0, atol=1e-12)
    raw = model.predict(x, raw_score=True)
    np.testing.assert_allclose(tables.base_values + tables(x)[:, 0].sum(axis=1), raw)
    np.testing.assert_array_equal(tables.raw_scores(x)[0], raw)


@pytest.mark.parametrize("leaves", [2, 5, 8, 9, MAX_SPLITS + 1])
@pytest.mark.parametrize("number", [1, CHUNK_ROWS, 2 * CHUNK_ROWS + 3])
def test_values_are_those_of_treeshap(leaves, number):
    assert_same(booster(leaves), rows(number, seed=1))


def test_no_rows_have_no_values():
    tables = ShapleyTables.from_boosters(booster(8))
    assert tables is not None
    assert tables(rows(1, seed=1)[:0]).shape == (0, 1, COLUMNS)


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), leaves=st.integers(2, MAX_SPLITS + 1), depth=st.sampled_from([-1, 2, 4]))
def test_any_small_trees_agree(seed, leaves, depth):
    model = booster(leaves, seed, trees=3, max_depth=depth, bagging_fraction=0.7, bagging_freq=1)
    assert_same(model, rows(50, seed + 1))


def test_a_row_on_a_threshold_goes_where_lightgbm_sends_it():
    model = booster(8)
    thresholds = model.trees_to_dataframe()["threshold"].dropna().to_numpy()
    assert_same(model, np.repeat(thresholds[:, None], COLUMNS, axis=1))


def test_infinite_values_are_values():
    assert_same(booster(8), np.array([[np.inf] * COLUMNS, [-np.inf] * COLUMNS]))


def test_a_row_gives_the_same_bits_alone_as_among_others():
    tables, x = ShapleyTables.from_boosters(booster(8)), rows(3 * CHUNK_ROWS, seed=2)
    assert tables is not None
    alone = np.vstack([tables(x[i : i + 1]) for i in range(0, len(x), 97)])
    np.testing.assert_array_equal(alone, tables(x)[::97])


def test_boosters_together_give_the_same_bits_as_alone():
    one, other, x = booster(8), booster(3, seed=4, trees=7), rows(CHUNK_ROWS + 5, seed=3)
    together = ShapleyTables.from_boosters(one, other)
    assert together is not None
    for place, alone in enumerate((ShapleyTables.from_boosters(one), ShapleyTables.from_boosters(other))):
        assert alone is not None
        np.testing.assert_array_equal(together(x)[:, place], alone(x)[:, 0])
        assert together.base_values[place] == alone.base_values[0]


def test_raw_scores_are_those_of_each_booster_to_the_bit():
    boosters = [booster(8, trees=300, learning_rate=0.02), booster(5, seed=1, trees=90)]
    tables, x = ShapleyTables.from_boosters(*boosters), rows(20_000, seed=3)
    assert tables is not None
    np.testing.assert_array_equal(tables.raw_scores(x), [one.predict(x, raw_score=True) for one in boosters])


def test_trees_without_splits_move_nothing():
    model = booster(8, min_data_in_leaf=600)
    assert_same(model, rows(3, seed=1))


@pytest.mark.parametrize(
    "parameters",
    [
        {"leaves": MAX_SPLITS + 2, "min_data_in_leaf": 1},
        {"leaves": 8, "zero_as_missing": True},
        {
            "leaves": 8,
            "categorical": [5],
            "cat_smooth": 0.0,
            "min_data_per_group": 1,
            "feature_fraction": 0.2,
        },
    ],
    ids=str,
)
def test_other_trees_have_no_tables(parameters):
    assert ShapleyTables.from_boosters(booster(**parameters)) is None
