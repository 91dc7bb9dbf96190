from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from threadpoolctl import threadpool_limits

from ripple.errors import InputError
from ripple.training.evaluation.backtest import RollingOriginBacktester, backtest
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.evaluation.metrics import capture, coverage
from ripple.training.examples.feature_sequence import Rows
from tests.support import synthetic_examples
from tests.support.synthetic_examples import SETTINGS
from tests.support.synthetic_predictions import held_out


def backtester(examples):
    return RollingOriginBacktester(examples, synthetic_examples.plan(), SETTINGS)


def relabelled(one, seed):
    """The same customers with wildly other labels."""
    random = np.random.default_rng(seed)
    labels = one.labels.apply(lambda column: random.pareto(0.5, len(column)) * 1e6)
    return replace(one, labels=labels)


@pytest.fixture(scope="module")
def examples():
    return synthetic_examples.history()


@pytest.fixture(scope="module")
def evaluated_backtest(examples):
    return backtest(backtester(examples))


class LastLabel:
    """Heads that remember whom they were fitted on and predict the last label."""

    def __init__(self, closed, settings, inference_rows=None):
        self.cutoffs = [one.cutoff for one in closed]
        self.customers = set().union(*(one.rows.index for one in closed))
        self.inference_rows = inference_rows

    def predict(self, features):
        assert not self.customers & set(features.index)
        return features["past_network_value"].to_numpy() + 1.0


@pytest.fixture
def fitted(monkeypatch):
    """Heads and held-out predictions that are made in no time."""
    for fit in ("fit", "fit_value"):
        monkeypatch.setattr(f"ripple.training.evaluation.backtest.{fit}", LastLabel)
    monkeypatch.setattr(
        "ripple.training.evaluation.backtest.predict_held_out",
        lambda heads, one, settings: held_out(len(one.rows), seed=one.cutoff.month),
    )


@pytest.mark.usefixtures("fitted")
def test_the_calibration_is_on_the_cutoffs_that_had_closed(examples, monkeypatch):
    """Cutoffs are 30 days apart and close after 60; heads can be fitted from the third on."""
    used = []
    monkeypatch.setattr(
        "ripple.training.evaluation.backtest.calibrate", lambda held_out, settings: used.append(held_out)
    )
    own, grid = backtester(examples), synthetic_examples.plan().grid
    for i in (3, 4, 5, 6, 8):
        own.calibration(grid[i])
    positions = [
        [own._held_out[grid[k]] for k in closed] for closed in ([2], [2, 3], [2, 3, 4], [2, 3, 4, 5, 6])
    ]
    assert [[id(one) for one in cutoffs] for cutoffs in used] == [
        [id(one) for one in cutoffs] for cutoffs in positions
    ]


@pytest.mark.usefixtures("fitted")
def test_heads_are_fitted_for_the_customers_of_their_moment(examples):
    own, grid = backtester(examples), synthetic_examples.plan().grid
    heads = own.heads(grid[4])
    assert heads.cutoffs == list(grid[:3])
    assert heads.inference_rows is examples[grid[4]].rows
    later = grid[-1] + synthetic_examples.plan().horizon
    assert own.heads(later, examples[grid[0]].rows).inference_rows is examples[grid[0]].rows
    assert own.heads(later).cutoffs == list(grid)


@pytest.mark.parametrize("max_cells", [0, 10**9])
def test_heads_fitted_together_are_those_fitted_one_by_one(examples, monkeypatch, max_cells):
    monkeypatch.setattr("ripple.training.evaluation.backtest.MAX_CELLS_IN_THREADS", max_cells)
    plan = synthetic_examples.plan()
    few = {cutoff: examples[cutoff] for cutoff in plan.grid[:6]}
    plan = replace(plan, grid=plan.grid[:6], evaluation=plan.grid[4:6])
    end, rows = plan.grid[-1] + plan.horizon, list(examples.values())[-1].rows
    one_by_one, together = (RollingOriginBacktester(few, plan, SETTINGS) for _ in range(2))
    with threadpool_limits(2):
        together.fit_all(end, rows)
    assert sorted(together._heads) == [*plan.grid[2:], end]
    for moment, heads in together._heads.items():
        alone = one_by_one.heads(moment, rows)
        assert heads.value.booster.model_to_string() == alone.value.booster.model_to_string()
        assert heads.top.model_to_string() == alone.top.model_to_string()
        assert heads.value.scale == alone.value.scale


@pytest.mark.usefixtures("fitted")
def test_each_half_of_the_customers_is_predicted_by_heads_fitted_on_the_other(examples):
    own, cutoff = backtester(examples), synthetic_examples.plan().evaluation[-1]
    expected = examples[cutoff].features["past_network_value"] + 1
    assert own.cross_customer_predictions(cutoff).tolist() == expected.tolist()


@pytest.mark.usefixtures("fitted")
def test_probabilities_of_a_baseline_are_how_often_its_scores_were_at_the_top(examples, monkeypatch):
    """Of customers with a degree of 1 a tenth were at the top, of those with 2 half."""
    own, cutoff = backtester(examples), synthetic_examples.plan().evaluation[-1]
    degree = np.repeat([1.0, 2.0], 10)
    at_top = np.concatenate((np.arange(10) < 1, np.arange(10) < 5))
    monkeypatch.setattr(
        RollingOriginBacktester,
        "baseline_scores",
        lambda self, moment: {"degree": degree, f"{moment}": degree},
    )
    monkeypatch.setattr(
        RollingOriginBacktester,
        "held_out_predictions",
        lambda self, moment: replace(held_out(20, 1), at_top=at_top),
    )
    probabilities = own.baseline_probabilities(cutoff)
    assert set(probabilities) == {"degree"}
    assert probabilities["degree"] == pytest.approx(np.repeat([0.1, 0.5], 10))


@pytest.mark.usefixtures("fitted")
def test_who_was_in_no_training_cutoff_is_new(examples):
    """Of 300 customers 50 had not joined by the latest cutoff that was trained on."""
    plan = synthetic_examples.plan()
    latest = [plan.training_for(cutoff)[-1] for cutoff in plan.evaluation]
    few = {
        cutoff: one.where(np.arange(300) < 250) if cutoff in latest else one
        for cutoff, one in examples.items()
    }
    slices = backtest(backtester(few)).slices.set_index("slice")["customers"]
    # the latest cutoff before the last evaluation is itself the first evaluation cutoff
    evaluated = [len(few[cutoff].rows) for cutoff in plan.evaluation]
    assert slices["everybody"] == sum(evaluated)
    assert slices["new since training"] == sum(size - 250 for size in evaluated)
    assert slices["known in training"] == 3 * 250


def test_heads_never_see_a_label_that_was_not_known_at_their_cutoff(examples):
    plan = synthetic_examples.plan()
    for cutoff in plan.evaluation:
        altered = {
            other: one if other + plan.horizon <= cutoff else relabelled(one, seed)
            for seed, (other, one) in enumerate(examples.items())
        }
        assert any(altered[other] is not examples[other] for other in plan.grid if other < cutoff)
        honest, blind = (
            backtester(examples).held_out_predictions(cutoff),
            backtester(altered).held_out_predictions(cutoff),
        )
        assert np.array_equal(honest.predicted, blind.predicted)
        assert np.array_equal(honest.log_odds, blind.log_odds)
        assert not np.array_equal(honest.realised, blind.realised)
        assert backtester(examples).calibration(cutoff) == backtester(altered).calibration(cutoff)


def test_heads_do_learn_from_every_label_that_was_known(examples):
    plan = synthetic_examples.plan()
    cutoff = plan.evaluation[-1]
    training_cutoff = plan.training_for(cutoff)[-1]
    altered = examples | {training_cutoff: relabelled(examples[training_cutoff], 1)}
    assert not np.array_equal(
        backtester(examples).held_out_predictions(cutoff).predicted,
        backtester(altered).held_out_predictions(cutoff).predicted,
    )


def test_evaluation_uses_what_became_known_after_the_window_closed(examples):
    cutoff = synthetic_examples.plan().evaluation[0]
    late = examples[cutoff].labels * 3
    own = backtester(examples | {cutoff: replace(examples[cutoff], known_today=late)})
    closed, evaluated = own.held_out_predictions(cutoff), own.evaluation_predictions(cutoff)
    assert evaluated.predicted is closed.predicted
    assert closed.realised.tolist() == examples[cutoff].labels["network_value"].tolist()
    assert evaluated.realised.tolist() == late["network_value"].tolist()
    assert evaluated.at_top.tolist() == closed.at_top.tolist()


def test_a_cutoff_is_fitted_once(examples, progress):
    own = backtester(examples)
    cutoff = synthetic_examples.plan().evaluation[0]
    assert own.held_out_predictions(cutoff) is own.held_out_predictions(cutoff)
    assert progress() == [f"heads as of {cutoff:%Y-%m-%d}: fitting on 5 closed cutoffs"]


def test_every_ranking_is_evaluated_at_every_cutoff_by_the_metrics(examples, evaluated_backtest):
    plan = synthetic_examples.plan()
    table = evaluated_backtest.rankings.set_index(["cutoff", "ranking"])
    assert set(table.index.get_level_values("cutoff")) == {f"{c:%Y-%m-%d}" for c in plan.evaluation} | {
        "pooled"
    }
    for cutoff in plan.evaluation:
        one = examples[cutoff]
        value = one.labels["network_value"].to_numpy()
        for ranking, column in (("last label", "past_network_value"), ("degree", "out_degree")):
            assert table.loc[(f"{cutoff:%Y-%m-%d}", ranking), "capture"] == capture(
                one.features[column].to_numpy(), value, SETTINGS.top_share
            )


def test_pooled_rows_are_means_over_cutoffs(evaluated_backtest):
    pooled = evaluated_backtest.rankings["cutoff"] == "pooled"
    numbers = ["capture", "precision", "pr_auc", "gini", "spearman", "brier"]
    means = evaluated_backtest.rankings[~pooled].groupby("ranking")[numbers].mean()
    pooled_rows = evaluated_backtest.rankings[pooled].set_index("ranking")[numbers]
    pd.testing.assert_frame_equal(pooled_rows, means)
    assert evaluated_backtest.capture(MODEL) == means.loc[MODEL, "capture"]


def test_the_best_baseline_is_the_one_that_captures_most(evaluated_backtest):
    pooled = evaluated_backtest.rankings[evaluated_backtest.rankings["cutoff"] == "pooled"].set_index(
        "ranking"
    )["capture"]
    assert evaluated_backtest.best_baseline == pooled.drop(MODEL).idxmax()


def test_a_rule_that_says_nothing_at_one_cutoff_is_not_pooled(examples):
    cutoff = synthetic_examples.plan().evaluation[1]
    silent_once = replace(
        examples[cutoff], rows=Rows.of(examples[cutoff].features.assign(past_network_value=0.0))
    )
    with_silent_rule = backtest(backtester(examples | {cutoff: silent_once}))
    rows = with_silent_rule.rankings[with_silent_rule.rankings["ranking"] == "last label"]["cutoff"]
    assert len(rows) == 2
    assert "pooled" not in set(rows)
    assert with_silent_rule.best_baseline != "last label"
    assert with_silent_rule.lead[0] == pytest.approx(
        with_silent_rule.capture(MODEL) - with_silent_rule.capture(with_silent_rule.best_baseline)
    )


def test_the_interval_of_the_lead_holds_the_lead(evaluated_backtest):
    lead, low, high = evaluated_backtest.lead
    assert lead == pytest.approx(
        evaluated_backtest.capture(MODEL) - evaluated_backtest.capture(evaluated_backtest.best_baseline)
    )
    assert low <= lead <= high
    assert low < high


def test_every_ranking_has_its_capture_and_the_models_lead_inside_their_bounds(evaluated_backtest):
    table = evaluated_backtest.rankings
    assert (table["capture_low"] <= table["capture"]).all()
    assert (table["capture"] <= table["capture_high"]).all()
    own = table[table["ranking"] == MODEL].set_index("cutoff")["capture"]
    assert table["lead"].to_numpy() == pytest.approx(table["cutoff"].map(own) - table["capture"])
    against = table[
        (table["cutoff"] == "pooled") & (table["ranking"] == evaluated_backtest.best_baseline)
    ].iloc[0]
    assert evaluated_backtest.lead == tuple(against[["lead", "lead_low", "lead_high"]])


def test_baseline_probabilities_use_only_closed_cutoffs(examples):
    plan = synthetic_examples.plan()
    cutoff = plan.evaluation[-1]
    probabilities = backtester(examples).baseline_probabilities(cutoff)
    order = np.argsort(examples[cutoff].features["out_degree"], kind="stable")
    assert (np.diff(probabilities["degree"][order]) >= 0).all()
    assert probabilities["degree"].min() >= 0
    assert probabilities["degree"].max() <= 1
    altered = {
        other: one if other + plan.horizon <= cutoff else relabelled(one, seed)
        for seed, (other, one) in enumerate(examples.items())
    }
    blind = backtester(altered).baseline_probabilities(cutoff)
    assert all(np.array_equal(probabilities[name], blind[name]) for name in probabilities)


def test_cross_customer_predictions_use_only_the_labels_of_other_customers(examples):
    plan = synthetic_examples.plan()
    cutoff = plan.evaluation[-1]
    predictions = backtester(examples).cross_customer_predictions(cutoff)
    assert (predictions > 0).all()
    training_cutoff = plan.training_for(cutoff)[-1]
    labels = examples[training_cutoff].labels.copy()
    # customers keep their place here: the first half of the pairs is number 0, 2, 4 …
    labels.iloc[::2] *= np.random.default_rng(1).pareto(0.5, (len(labels.iloc[::2]), 1)) * 1e3
    altered = examples | {training_cutoff: replace(examples[training_cutoff], labels=labels)}
    again = backtester(altered).cross_customer_predictions(cutoff)
    changed = ~np.isclose(again / again[::2].mean(), predictions / predictions[::2].mean())
    assert not changed[::2].any()
    assert changed[1::2].any()


def test_customers_are_evaluated_by_slice(examples, evaluated_backtest):
    slices = evaluated_backtest.slices.set_index("slice")
    assert slices.loc["known in training", "customers"] == 3 * 300
    assert slices.loc["degree decile 10", "true_top_share"] > slices.loc["degree decile 1", "true_top_share"]
    everybody, heads = slices.loc["everybody"], evaluated_backtest.heads
    assert everybody["capture"] == pytest.approx(evaluated_backtest.capture(MODEL))
    assert everybody["coverage"] == pytest.approx(heads["coverage"].mean())
    total = (heads["predicted_share"] * heads["realised"]).sum() / heads["realised"].sum()
    assert everybody["predicted_share"] == pytest.approx(total)


def test_the_backtest_repeats_itself(examples, evaluated_backtest):
    again = backtest(backtester(examples))
    pd.testing.assert_frame_equal(again.rankings, evaluated_backtest.rankings, check_exact=True)
    pd.testing.assert_frame_equal(again.heads, evaluated_backtest.heads, check_exact=True)
    assert again.lead == evaluated_backtest.lead


def test_heads_are_evaluated_with_the_calibration_of_their_time(examples, evaluated_backtest):
    heads = evaluated_backtest.heads.set_index("cutoff")
    assert len(heads) == 3
    assert (heads["customers"] == 300).all()
    assert heads["coverage"].between(0.5, 1).all()
    for cutoff in synthetic_examples.plan().evaluation:
        row = heads.loc[f"{cutoff:%Y-%m-%d}"]
        own = backtester(examples)
        held_out, calibration = own.held_out_predictions(cutoff), own.calibration(cutoff)
        predicted, realised = held_out.predicted, held_out.realised
        assert row["realised"] == realised.sum()
        assert row["predicted_share"] == pytest.approx(predicted.sum() / realised.sum())
        assert row["coverage"] == coverage(realised, *calibration.ranges(held_out)[:2])
        total = own.total_forecast(cutoff, predicted)
        assert (row["total_low"], row["total_high"]) == (total.low, total.high)
        assert total.predicted == predicted.sum()
        for closed in total.closed:
            assert closed.cutoff + own.schedule.horizon <= cutoff
            earlier = own.held_out_predictions(closed.cutoff)
            assert closed[1:] == (earlier.predicted.sum(), earlier.realised.sum())
        # 5 % are at the top
        assert row["brier_base_rate"] == pytest.approx(0.05 * 0.95)


def test_deciles_rise_with_the_prediction(evaluated_backtest):
    assert evaluated_backtest.deciles["decile"].tolist() == list(range(1, 11))
    assert evaluated_backtest.deciles["predicted"].is_monotonic_increasing
    assert evaluated_backtest.deciles["realised"].iloc[-1] > evaluated_backtest.deciles["realised"].iloc[0]


def test_without_a_closed_cutoff_to_calibrate_on_what_needs_it_is_undefined(examples):
    plan = synthetic_examples.plan()
    first = plan.grid[0] + plan.horizon
    early = replace(plan, evaluation=(first, plan.evaluation[-1]))
    uncalibrated = RollingOriginBacktester(examples, early, SETTINGS)
    assert uncalibrated.calibration(first) is None
    assert uncalibrated.calibration(first + plan.horizon) is not None
    heads = backtest(uncalibrated).heads
    undefined = [
        *("predicted_share", "coverage", "least_coverage", "coverage_top", "coverage_if_any"),
        *("interval_score", "reliability_slope", "brier"),
    ]
    assert heads.loc[0, undefined].isna().all()
    assert heads.loc[1].notna().all()


def silenced(examples, cutoffs):
    return examples | {
        cutoff: replace(examples[cutoff], labels=examples[cutoff].labels * 0.0) for cutoff in cutoffs
    }


def test_cutoffs_before_the_first_credit_or_with_none_are_left_out_aloud(examples, progress):
    plan = synthetic_examples.plan()
    last = plan.evaluation[-1]
    remaining = backtest(backtester(silenced(examples, [plan.evaluation[1]])))
    assert set(remaining.heads["cutoff"]) == {f"{cutoff:%Y-%m-%d}" for cutoff in plan.evaluation} - {
        f"{plan.evaluation[1]:%Y-%m-%d}"
    }
    assert any(
        f"{plan.evaluation[1]:%Y-%m-%d}: left out, no credit to train on or evaluate with" in line
        for line in progress()
    )
    # interactions are recorded since lately only: what can be evaluated is
    since = last - plan.horizon
    remaining = backtest(backtester(silenced(examples, [cutoff for cutoff in plan.grid if cutoff < since])))
    assert remaining.heads["cutoff"].tolist() == [f"{last:%Y-%m-%d}"]


def test_nothing_to_evaluate_is_an_error(examples):
    plan = synthetic_examples.plan()
    for without in (plan.grid, plan.evaluation, plan.grid[:-1]):
        with pytest.raises(InputError, match="Every label is zero"):
            backtest(backtester(silenced(examples, without)))
