import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.models.bundle import Category
from ripple.training.evaluation.drift import (
    HISTOGRAMS,
    MAX_CUSTOMERS_PER_CUTOFF,
    SCORES,
    SHIFTED,
    STABLE,
    drift,
    histograms,
    stability_index,
    training_features,
)
from tests.support import synthetic_examples
from tests.support.runs.made_up_run import made_up_result


def test_the_index_is_that_of_counting_by_hand():
    then = np.array([1.0] * 50 + [2.0] * 50)
    now = np.array([1.0] * 20 + [2.0] * 80)
    p, q = (np.array([50.5, 50.5]) / 101, np.array([20.5, 80.5]) / 101)
    assert stability_index(then, now)[0] == pytest.approx(((q - p) * np.log(q / p)).sum())
    # two bins: the 95 % quantile of χ² with one degree of freedom is 3.8415
    assert stability_index(then, now[::2])[1] == pytest.approx(3.841459 * (1 / 100 + 1 / 50))


def test_undefined_values_are_a_bin_of_their_own():
    then, now = np.arange(100.0), np.arange(100.0)
    now[::2] = math.nan
    assert stability_index(then, now)[0] > SHIFTED
    assert stability_index(np.full(50, math.nan), np.full(50, math.nan)) == (0.0, 0.0)


def test_a_value_that_nobody_had_is_noticed():
    assert stability_index(np.zeros(100), np.ones(100))[0] > SHIFTED
    assert stability_index(np.zeros(100), np.zeros(100))[0] == 0


@given(st.integers(0, 50))
def test_what_does_not_change_stays_below_chance_as_often_as_promised(seed):
    random = np.random.default_rng(seed)
    below = 0
    for _ in range(100):
        index, by_chance = stability_index(random.normal(size=400), random.normal(size=300))
        below += index <= by_chance
    assert below >= 83  # of 95 expected; fewer come once in a million


def test_a_shift_of_one_deviation_is_called_one_and_the_order_of_rows_does_not_matter():
    random = np.random.default_rng(0)
    then, now = random.normal(size=2000), random.normal(1, size=2000)
    psi = stability_index(then, now)
    assert psi[0] > SHIFTED > STABLE > psi[1]
    assert stability_index(then[::-1], random.permutation(now)) == psi


def test_what_was_learnt_from_is_drawn_from_every_cutoff_and_always_alike():
    drawn = training_features(
        [
            synthetic_examples.examples(customers=MAX_CUSTOMERS_PER_CUTOFF + 50),
            synthetic_examples.examples(seed=1),
        ],
        seed=3,
        bundle=made_up_result().population.bundle,
    )
    assert len(drawn) == MAX_CUSTOMERS_PER_CUTOFF + 300
    again = training_features(
        [
            synthetic_examples.examples(customers=MAX_CUSTOMERS_PER_CUTOFF + 50),
            synthetic_examples.examples(seed=1),
        ],
        seed=3,
        bundle=made_up_result().population.bundle,
    )
    pd.testing.assert_frame_equal(drawn, again)


def test_medians_and_undefined_values_are_those_of_then_and_now():
    population = made_up_result().population
    now = population.features
    then = now.assign(tenure_days=2 * now["tenure_days"])
    then.loc[then.index[:100], "tenure_days"] = math.nan
    rows = drift(population.bundle, then, now, population.scores)
    row = rows.loc["tenure_days"]
    assert row["median_then"] == then["tenure_days"].median()
    assert row["median_now"] == now["tenure_days"].median()
    assert row["undefined_then"] == then["tenure_days"].isna().mean() > row["undefined_now"]
    assert row["undefined_now"] == now["tenure_days"].isna().mean()
    assert row["psi"] == stability_index(then["tenure_days"].to_numpy(), now["tenure_days"].to_numpy())[0]
    assert rows.loc["network_value", "median_now"] == population.scores["network_value"].median()
    assert rows.loc["network_value", "median_then"] == population.bundle.score(then)["network_value"].median()


def test_drift_of_a_category_is_that_of_its_levels():
    population = made_up_result().population
    name = population.bundle.spec.names[0]
    category = Category(name, "plan", (("free", 0.8), ("pro", 1.3), ("gold", 2.0)), 1.0)
    spec = replace(population.bundle.spec, categories=(category,))
    bundle, size = replace(population.bundle, spec=spec), len(population.features)

    def with_levels(*levels: str | None) -> pd.DataFrame:
        column = pd.Series(levels * (size // len(levels) + 1)).iloc[:size]
        attributes = pd.DataFrame({"plan": column.to_numpy()}, index=population.features.index)
        return bundle.encode(population.features, attributes)

    then, now = with_levels("free", "free", "pro"), with_levels("pro", "new", "pro", None)
    row = drift(bundle, then, now, population.scores).loc[name]
    assert (row["median_then"], row["median_now"]) == (0.8, 1.3)
    assert row["undefined_now"] == pytest.approx(1 / 4, abs=0.01)
    assert row["undefined_then"] == 0
    shares = np.array([[2, 1, 0, 0], [0, 2, 1, 1]]) * np.array([[size / 3], [size / 4]]) + 0.5
    p, q = shares / shares.sum(axis=1, keepdims=True)
    assert row["psi"] == pytest.approx(((q - p) * np.log(q / p)).sum(), rel=0.02)
    same = drift(bundle, then, then.iloc[::-1], population.scores)
    assert same.loc[name, "psi"] == pytest.approx(0)


def test_drift_holds_every_feature_and_both_scores_then_and_now(result, examples, plan):
    table = result.population.drift
    names = result.population.bundle.spec.names
    assert list(table.index) == ["network_value", "top_probability", *names]
    assert (table["psi"] >= 0).all()
    now = result.population.features["tenure_days"]
    assert table.loc["tenure_days", "median_now"] == now.median()
    then = pd.concat([examples[cutoff].features for cutoff in plan.training_for(result.population.as_of)])
    assert table.loc["tenure_days", "median_then"] == then["tenure_days"].median()
    same = drift(
        result.population.bundle,
        result.population.features,
        result.population.features,
        result.population.scores,
    )
    assert same["psi"].max() < 1e-12


def test_histograms_are_of_the_features_that_moved_most(result):
    kept = result.population.histograms
    moved = result.population.drift.drop(index=SCORES)["psi"].sort_values(ascending=False, kind="stable")
    assert 0 < len(kept) <= HISTOGRAMS
    assert set(kept) <= set(moved.index[:HISTOGRAMS])
    for histogram in kept.values():
        assert np.allclose(histogram[["then", "now"]].sum(), 1)
        assert (histogram["low"] < histogram["high"]).all()
        assert np.allclose(histogram["high"].iloc[:-1], histogram["low"].iloc[1:])


def test_a_histogram_counts_what_lies_beyond_its_bins_and_leaves_out_what_is_undefined():
    random = np.random.default_rng(1)
    then = pd.DataFrame({"f": [*random.normal(0, 1, 999), 50.0, np.nan], "same": 1.0})
    now = pd.DataFrame({"f": random.normal(3, 1, 500), "same": 1.0})
    table = pd.DataFrame({"psi": [1.0, 2.0, 0.0, 0.0]}, index=["f", "same", *SCORES])
    (histogram,) = histograms(table, then, now).values()
    assert histogram["then"].sum() == pytest.approx(1)
    middle = (histogram["low"] + histogram["high"]) / 2
    assert (middle * histogram["then"]).sum() == pytest.approx(0, abs=0.3)
    assert (middle * histogram["now"]).sum() == pytest.approx(3, abs=0.3)
    skewed = pd.DataFrame({"f": random.lognormal(0, 3, 999), "same": 1.0})
    (histogram,) = histograms(table, skewed, skewed).values()
    even = np.histogram(skewed["f"], 10)[0].max() / 999
    assert histogram["then"].max() < 0.6 < 0.9 < even
    assert (histogram["then"] == histogram["now"]).all()
