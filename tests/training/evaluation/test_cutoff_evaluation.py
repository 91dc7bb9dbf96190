"""The evaluation of made-up predictions, whose metrics and intervals can be computed another way."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ripple.features.definition import BusinessMetric
from ripple.features.extension import RANKING_COLUMNS
from ripple.models.value_range import ValueRange
from ripple.training.estimators.calibration import Calibration
from ripple.training.evaluation import metrics
from ripple.training.evaluation.bootstrap import RankedCutoff, resampled_captures
from ripple.training.evaluation.cutoff_evaluation import MODEL, CutoffEvaluation, evaluate
from tests.support.synthetic_examples import SETTINGS
from tests.support.synthetic_predictions import held_out

SIZE, RULE = 400, "degree"
CUSTOMERS = pd.Index([f"c{number}" for number in range(SIZE)])
CALIBRATION = Calibration(0.5, -1.0, ValueRange(0.8, 1.0, 0.0, (), ((-1.0, 2.0),)))


def evaluation(seed: int, calibration: Calibration | None = CALIBRATION) -> CutoffEvaluation:
    """One cutoff at which a rule knows the value better than the model."""
    one = held_out(SIZE, seed)
    noise = np.random.default_rng(1000 + seed).lognormal(0, 0.5, SIZE)
    probabilities = {MODEL: calibration.probability(one.log_odds)} if calibration else {}
    return CutoffEvaluation(
        f"2025-0{seed}-01",
        CUSTOMERS,
        one,
        {MODEL: one.predicted, RULE: one.realised * noise},
        calibration and calibration.ranges(one),
        probabilities,
        {"everybody": np.ones(SIZE, dtype=bool), "nobody": np.zeros(SIZE, dtype=bool)},
    )


@pytest.fixture(scope="module")
def cutoffs():
    return [evaluation(1), evaluation(2)]


@pytest.fixture(scope="module")
def backtest(cutoffs):
    return evaluate(cutoffs, SETTINGS)


def test_the_interval_of_the_lead_is_that_of_95_percent_of_the_resamples(cutoffs, backtest):
    ranked = [
        RankedCutoff(
            pd.DataFrame({"realised": one.held_out.realised, **one.scores}),
            np.arange(SIZE),
            [MODEL, RULE],
            SETTINGS.top_share,
        )
        for one in cutoffs
    ]
    model, rule = resampled_captures(ranked, SETTINGS.seed).mean(axis=1).T
    lead, low, high = backtest.lead
    assert backtest.best_baseline == RULE
    assert lead == pytest.approx(backtest.capture(MODEL) - backtest.capture(RULE))
    assert (low, high) == pytest.approx(tuple(np.quantile(model - rule, (0.025, 0.975))))
    assert np.mean((model - rule < low) | (model - rule > high)) == pytest.approx(0.05, abs=0.005)
    assert backtest.capture_interval(MODEL)[1:] == pytest.approx(tuple(np.quantile(model, (0.025, 0.975))))


def test_the_interval_of_a_single_cutoff_is_of_its_own_resamples(cutoffs, backtest):
    single = evaluate(cutoffs[:1], SETTINGS)
    columns = ["capture", "capture_low", "capture_high", "lead", "lead_low", "lead_high"]
    rows = [one.rankings[one.rankings["cutoff"] == cutoffs[0].cutoff][columns] for one in (single, backtest)]
    pd.testing.assert_frame_equal(rows[0], rows[1].reset_index(drop=True), check_exact=True)


def test_the_row_of_a_cutoff_has_the_metrics_of_its_predictions(cutoffs, backtest):
    one, row = cutoffs[0], backtest.heads.iloc[0]
    predicted, realised, at_top = one.held_out.predicted, one.held_out.realised, one.held_out.at_top
    assert row["predicted_share"] == predicted.sum() / realised.sum()
    low, high, *_, any_low, any_high = one.ranges
    top, positive = np.argsort(-predicted)[: SIZE // 20], realised > 0
    assert row["coverage"] == metrics.coverage(realised, low, high)
    assert row["coverage_top"] == metrics.coverage(realised[top], low[top], high[top])
    assert row["coverage_if_any"] == metrics.coverage(
        realised[positive], any_low[positive], any_high[positive]
    )
    score = metrics.interval_score(realised, low, high, SETTINGS.model.interval)
    assert row["interval_score"] == score / realised.mean()
    assert row["brier"] == metrics.brier(CALIBRATION.probability(one.held_out.log_odds), at_top)
    assert row["brier_base_rate"] == pytest.approx(at_top.mean() * (1 - at_top.mean()))
    assert np.isnan(row["capture_unseen"])
    with_others = replace(one, cross_customer_predictions=realised)
    assert evaluate([with_others], SETTINGS).heads["capture_unseen"].tolist() == [1.0]


def test_the_level_is_the_median_and_the_rest_the_mean_of_calibrated_cutoffs(cutoffs):
    backtest = evaluate([evaluation(3, None), *cutoffs, evaluation(4)], SETTINGS)
    calibrated = backtest.heads.iloc[1:]
    assert np.isnan(backtest.heads.loc[0, ["predicted_share", "coverage", "brier"]].to_list()).all()
    assert backtest.calibration["predicted_share"] == calibrated["predicted_share"].median()
    assert backtest.calibration["coverage"] == calibrated["coverage"].mean()


def test_the_best_baseline_is_the_one_with_the_highest_mean_over_cutoffs(cutoffs):
    """At the first cutoff one rule is perfect and useless at the second; the other is good at both."""
    first, second = cutoffs
    fickle = (first.held_out.realised, -second.held_out.realised)
    more = [
        replace(one, scores={**one.scores, "fickle": score, "last": -one.held_out.realised})
        for one, score in zip(cutoffs, fickle, strict=True)
    ]
    backtest = evaluate(more, SETTINGS)
    assert backtest.best_baseline == RULE
    assert backtest.capture("fickle") == pytest.approx(0.5, abs=0.01)
    assert backtest.rankings.index.tolist() == list(range(len(backtest.rankings)))


def test_deciles_are_means_over_cutoffs(cutoffs, backtest):
    assert backtest.deciles["decile"].tolist() == list(range(1, 11))
    lowest = [np.sort(one.held_out.predicted)[: SIZE // 10].mean() for one in cutoffs]
    assert backtest.deciles["predicted"].iloc[0] == pytest.approx(np.mean(lowest))


def test_coverage_of_a_slice_holds_both_ends_and_counts_calibrated_cutoffs(cutoffs):
    one = cutoffs[0]
    predicted = one.held_out.predicted
    # a quarter each at the lower end, at the upper end, below and above
    realised = predicted * np.resize([0.2, 3.0, 0.1, 3.1], SIZE)
    ranges = one.ranges._replace(low=0.2 * predicted, high=3.0 * predicted)
    calibrated = replace(one, held_out=replace(one.held_out, realised=realised), ranges=ranges)
    assert evaluate([calibrated], SETTINGS).slices.iloc[0]["coverage"] == 0.5
    without = replace(calibrated, cutoff="2025-09-01", ranges=None, probabilities={})
    assert evaluate([calibrated, without], SETTINGS).slices.iloc[0]["coverage"] == 0.5
    assert np.isnan(evaluate([without], SETTINGS).slices.iloc[0]["coverage"])


def test_empty_slices_are_left_out(backtest):
    assert backtest.slices["slice"].tolist() == ["everybody"]
    row = backtest.slices.iloc[0]
    assert row["capture"] == pytest.approx(backtest.capture(MODEL))
    assert row["rule_capture"] == pytest.approx(backtest.capture(RULE))


def test_a_metric_of_the_user_is_computed_for_every_ranking_at_every_cutoff(cutoffs):
    def won_by_calls(score, realised):
        """Value of the ten customers to call first."""
        return realised[np.argsort(-score)[:10]].sum()

    backtest = evaluate(cutoffs, SETTINGS, [BusinessMetric(won_by_calls, None)])
    table = backtest.rankings.set_index(["cutoff", "ranking"])["won_by_calls"]
    values = {
        (one.cutoff, name): one.held_out.realised[np.argsort(-score)[:10]].sum()
        for one in cutoffs
        for name, score in one.scores.items()
    }
    for key, value in values.items():
        assert table[key] == value
    for name in (MODEL, RULE):
        assert table["pooled", name] == pytest.approx(np.mean([values[one.cutoff, name] for one in cutoffs]))
    assert [metric.name for metric in backtest.business] == ["won_by_calls"]
    assert "won_by_calls" not in evaluate(cutoffs, SETTINGS).rankings


def test_no_metric_of_the_user_can_take_the_place_of_another_column(backtest):
    assert set(backtest.rankings.columns) == set(RANKING_COLUMNS)
