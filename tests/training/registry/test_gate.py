import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from ripple.features.definition import BusinessMetric
from ripple.features.validation.findings import Finding
from ripple.settings import Gate
from ripple.training.attribution.controls.negative_controls import NegativeControls
from ripple.training.attribution.controls.outcomes import ControlOutcome
from ripple.training.evaluation.comparison import Comparison
from ripple.training.evaluation.prediction_table import REVISITED
from ripple.training.registry import gate
from ripple.training.registry.gate import decide
from tests.support.runs.made_up_run import made_up_result
from tests.support.runs.results import altered, with_heads, with_loss, with_totals


def check(decision, name):
    (one_check,) = [one for one in decision.checks if one.name == name]
    return one_check


def failed(decision):
    return [one.name for one in decision.checks if not one.passed]


@pytest.fixture(scope="module")
def good():
    """The made-up run with numbers that pass everything, and the limits that hold where none are set."""
    result = made_up_result()
    result = replace(result, settings=result.settings.model_copy(update={"gate": Gate()}))
    lead = replace(result.evaluation.backtest, lead=(0.1, 0.02, 0.2))
    passing = with_heads(
        altered(result, backtest=lead), predicted_share=1.1, coverage=0.9, brier=0.008, brier_base_rate=0.01
    )
    placebos = result.label.robustness.placebos.assign(share=[0.3, 0.05])
    tested = replace(result.label.robustness, influence=3e4, revenue=1e5, placebos=placebos)
    return with_totals(altered(passing, robustness=tested), 10_000.0, 30_000.0)


def champion_predictions(result, **columns):
    """The predictions of a champion that differ from this run's in *columns*."""
    return result.evaluation.out_of_sample.assign(**columns)


def upside_down(result):
    return champion_predictions(result, predicted=-result.evaluation.out_of_sample["realised"])


def test_a_control_of_which_too_much_is_credited_is_a_warning_that_keeps_nobody_out(good):
    tested = good.label.robustness
    many = ControlOutcome("price rise", 400, 0.3, 0.05)
    vague = ControlOutcome("birthday", 60, 0.3, 0.2)
    controls = NegativeControls(tested.start, tested.end, None, (many, vague))
    decision = decide(altered(good, controls=controls), None, None)
    assert decision.passed
    (warning,) = decision.warnings
    assert "price rise" in warning
    assert decision.record()["warnings"] == [warning]
    assert decide(good, None, None).warnings == ()


def test_a_first_version_within_all_limits_passes(good):
    decision = decide(good, None, None)
    assert decision.passed
    assert decision.title == "It passed all 7 checks"
    assert [one.name for one in decision.checks] == [
        *("capture", "level", "coverage", "probability", "placebo", "rows set aside", "single customer")
    ]
    assert decision.champion is None
    assert decision.comparison is None
    assert "no champion to compare with" in check(decision, "capture").text
    assert check(decision, "placebo").text.startswith("Up to ")


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ({"predicted_share": 2.5}, ["level"]),
        ({"predicted_share": 0.4}, ["level"]),
        ({"coverage": 0.69}, ["coverage"]),
        ({"brier": 0.011}, ["probability"]),
        ({"predicted_share": np.nan, "coverage": np.nan, "brier": np.nan}, ["calibration"]),
    ],
)
def test_calibration_beyond_its_limits_does_not_pass(good, columns, names):
    decision = decide(with_heads(good, **columns), None, None)
    assert not decision.passed
    assert failed(decision) == names
    assert decision.reasons == [check(decision, names[0]).text]
    assert decision.rejection_reason is None


def test_a_first_version_that_is_shown_to_be_worse_than_a_rule_does_not_pass(good):
    worse = altered(good, backtest=replace(good.evaluation.backtest, lead=(-0.2, -0.3, -0.06)))
    decision = decide(worse, None, None)
    assert failed(decision) == ["capture"]
    assert "so it is worse than that rule by more than 0.05" in decision.reasons[0]
    # the rule was picked after the fact, which favours it: that much is allowed
    assert decide(
        altered(good, backtest=replace(good.evaluation.backtest, lead=(-0.2, -0.3, -0.04))), None, None
    ).passed


def test_too_large_a_share_that_may_be_chance_does_not_pass(good):
    tested = replace(good.label.robustness, placebos=good.label.robustness.placebos.assign(share=[0.8, 0.05]))
    decision = decide(altered(good, robustness=tested), None, None)
    assert failed(decision) == ["placebo"]
    assert check(decision, "placebo").value == pytest.approx(0.6)


def test_recorded_referrals_are_not_chance(good):
    absent = replace(good.label.robustness, influence=0.0)
    assert not absent.has_influence
    without = altered(good, robustness=absent)
    assert with_totals(without, 9_000.0, 1_000.0).label.chance_share == pytest.approx(0.1)
    assert decide(with_totals(without, 9_000.0, 1_000.0), None, None).passed
    decision = decide(with_totals(without, 4_000.0, 6_000.0), None, None)
    assert failed(decision) == ["placebo"]
    assert decision.reasons[0].startswith("No influence was found. Up to 60%")
    assert altered(with_totals(good, 5.0, 0.0), robustness=None).label.chance_share == 0


def test_neither_influence_nor_referrals_is_not_even_registered(good):
    nothing = with_totals(altered(good, robustness=replace(good.label.robustness, influence=0.0)), 0.0, 100.0)
    decision = decide(nothing, None, None)
    assert not decision.passed
    assert "No influence was found" in decision.rejection_reason
    assert decision.reasons == [decision.rejection_reason]
    assert decision.record()["registered"] is False
    assert decide(with_totals(nothing, 0.0, 0.0), None, None).rejection_reason


def test_a_model_with_one_score_for_everybody_is_not_registered(good):
    decision = decide(altered(good, scores=good.population.scores.assign(network_value=3.0)), None, None)
    assert "the same network value for every customer" in decision.rejection_reason


def test_many_rows_set_aside_do_not_pass(good):
    rows = good.data.checks.rows["orders"]
    aside = Finding("orders.revenue: a finite number", "correct it", rows // 10, [], set_aside=True)
    decision = decide(altered(good, checks=replace(good.data.checks, findings=[aside])), None, None)
    assert failed(decision) == ["rows set aside"]
    assert decision.reasons[0].startswith("Of orders, 10.0% of the rows")


def test_one_huge_sale_does_not_decide(good):
    skewed = good.evaluation.predictions.copy()
    skewed.loc[skewed["realised"].idxmax(), "realised"] = 5e6
    decision = decide(altered(good, predictions=skewed), None, None)
    assert failed(decision) == ["single customer"]
    assert "model.winsorise" in decision.reasons[0]


def test_a_challenger_as_good_as_the_champion_passes(good):
    decision = decide(good, "4", champion_predictions(good))
    assert decision.passed
    assert decision.champion == "4"
    assert decision.comparison.difference == 0
    assert "the champion, version 4, captures" in check(decision, "capture").text


def test_a_challenger_that_is_worse_does_not_pass_however_good_otherwise(good):
    perfect = champion_predictions(good, predicted=good.evaluation.out_of_sample["realised"])
    blind = altered(good, predictions=upside_down(good).drop(columns=REVISITED))
    decision = decide(blind, "4", perfect)
    assert failed(decision) == ["capture"]
    assert decision.comparison.high < 0
    assert "so it is worse" in decision.reasons[0]
    better = decide(altered(good, predictions=perfect.drop(columns=REVISITED)), "4", upside_down(good))
    assert better.passed
    assert better.comparison.low > 0


def test_a_loss_that_chance_can_explain_passes_only_if_it_is_small(good):
    champion, predictions = (
        champion_predictions(
            good,
            predicted=np.random.default_rng(seed).lognormal(0, 0.5, len(good.evaluation.out_of_sample))
            * good.evaluation.out_of_sample["realised"],
        )
        for seed in (1, 2)
    )
    challenger = altered(good, predictions=predictions.drop(columns=REVISITED))
    comparison = decide(challenger, "4", champion).comparison
    assert comparison.difference < 0 <= comparison.high
    assert decide(with_loss(challenger, -1.1 * comparison.difference), "4", champion).passed
    decision = decide(with_loss(challenger, -0.9 * comparison.difference), "4", champion)
    assert failed(decision) == ["capture"]
    assert "gate.capture_loss" in decision.reasons[0]


def test_a_loss_that_chance_cannot_explain_does_not_pass_however_small(good):
    perfect = champion_predictions(good, predicted=good.evaluation.out_of_sample["realised"])
    worse = altered(good, predictions=upside_down(good).drop(columns=REVISITED))
    comparison = decide(worse, "4", perfect).comparison
    assert comparison.high < 0
    decision = decide(with_loss(worse, -1.1 * comparison.difference), "4", perfect)
    assert failed(decision) == ["capture"]
    assert "so it is worse" in decision.reasons[0]


@pytest.mark.parametrize(
    ("rival", "reason"),
    [
        (lambda predictions: None, "Version 4 holds no out-of-sample predictions"),
        (lambda predictions: predictions.assign(cutoff=pd.Timestamp("2001-01-01")), "no cutoff in common"),
        (
            lambda predictions: predictions.assign(customer_id="x" + predictions["customer_id"]),
            "different customers",
        ),
    ],
)
def test_a_champion_that_cannot_be_compared_with_stays(good, rival, reason):
    decision = decide(good, "4", rival(champion_predictions(good)))
    assert failed(decision) == ["capture"]
    assert decision.comparison is None
    assert reason in decision.reasons[0]


def test_cutoffs_revisited_for_the_champion_are_compared_at(good):
    earlier = good.evaluation.predictions.assign(
        cutoff=good.evaluation.predictions["cutoff"] - pd.Timedelta(days=15)
    )
    assert decide(good, "4", earlier).comparison is None
    decision = decide(altered(good, revisited=earlier), "4", earlier)
    assert decision.passed
    assert [row["cutoff"] for row in decision.comparison.cutoffs] == sorted(
        f"{cutoff:%Y-%m-%d}" for cutoff in earlier["cutoff"].unique()
    )


def test_the_record_is_plain_json_and_the_same_again(good):
    decisions = [decide(good, "4", champion_predictions(good)) for _ in range(2)]
    first, second = (json.dumps(one.record(), allow_nan=False) for one in decisions)
    assert first == second
    assert json.loads(first)["passed"] is True


@pytest.mark.parametrize(("at_least", "passes"), [(0.5, True), (0.5001, False), (None, None)])
def test_a_metric_of_the_user_may_have_a_limit(good, at_least, passes):
    def won_by_calls(score, realised):
        """Value of the customers to call first."""
        return 0.0

    backtest = good.evaluation.backtest
    rankings = backtest.rankings.assign(
        won_by_calls=np.where(backtest.rankings["cutoff"] == "pooled", 0.5, 9)
    )
    metric = BusinessMetric(won_by_calls, at_least)
    decision = decide(
        altered(good, backtest=replace(backtest, rankings=rankings, business=(metric,))), None, None
    )
    if passes is None:
        assert "won_by_calls" not in [one.name for one in decision.checks]
    else:
        assert check(decision, "won_by_calls").passed is passes
        assert decision.passed is passes


def with_lead(result, lead, low, high):
    return altered(result, backtest=replace(result.evaluation.backtest, lead=(lead, low, high)))


def with_placebo_share(result, share):
    placebos = result.label.robustness.placebos.assign(share=[share, 0.05])
    return altered(result, robustness=replace(result.label.robustness, placebos=placebos))


def with_realised(result, *values):
    """The run with so many customers at one cutoff, who realised these values."""
    predictions = result.evaluation.predictions.drop_duplicates("cutoff").head(1)
    return altered(
        result, predictions=predictions.loc[predictions.index.repeat(len(values))].assign(realised=values)
    )


def with_set_aside(result, rows, *counts):
    """The run where each rule of these set aside so many of the *rows* of the orders."""
    findings = [Finding(f"orders.rule {count}", "correct it", count, [], set_aside=True) for count in counts]
    checks = replace(result.data.checks, rows={**result.data.checks.rows, "orders": rows}, findings=findings)
    return altered(result, checks=checks)


@pytest.mark.parametrize(
    ("name", "at_limit", "beyond", "value", "limit"),
    [
        ("capture", (with_lead, (-0.2, -0.3, -0.05)), (with_lead, (-0.2, -0.3, -0.0501)), -0.2, -0.05),
        ("level", (with_heads, {"predicted_share": 2.0}), (with_heads, {"predicted_share": 2.001}), 2, 2),
        ("level", (with_heads, {"predicted_share": 0.5}), (with_heads, {"predicted_share": 0.499}), 0.5, 2),
        (
            *("coverage", (with_heads, {"coverage": 0.8 - 0.1}), (with_heads, {"coverage": 0.6999})),
            *(0.7, 0.7),
        ),
        (
            "probability",
            (with_heads, {"brier": 1.05, "brier_base_rate": 1.0}),
            (with_heads, {"brier": 1.051, "brier_base_rate": 1.0}),
            *(1.05, 1.05),
        ),
        ("rows set aside", (with_set_aside, (100, 2, 3)), (with_set_aside, (100, 3, 3)), 0.05, 0.05),
        ("single customer", (with_realised, (5, 3, 2)), (with_realised, (5.01, 3, 2)), 0.5, 0.5),
    ],
)
def test_a_limit_itself_passes_and_what_is_beyond_it_does_not(good, name, at_limit, beyond, value, limit):
    def decided(case):
        change, numbers = case
        changed = change(good, **numbers) if isinstance(numbers, dict) else change(good, *numbers)
        return decide(changed, None, None)

    assert decided(at_limit).passed
    assert check(decided(at_limit), name).value == pytest.approx(value)
    assert check(decided(at_limit), name).limit == pytest.approx(limit)
    assert failed(decided(beyond)) == [name]


def test_half_of_the_value_may_be_due_to_chance_and_99_percent_are_not_registered(good):
    influence_alone = with_totals(good, 0.0, 100.0)
    assert decide(with_placebo_share(influence_alone, 0.5), None, None).passed
    assert failed(decide(with_placebo_share(influence_alone, 0.501), None, None)) == ["placebo"]
    assert decide(with_placebo_share(influence_alone, 0.989), None, None).rejection_reason is None
    assert decide(with_placebo_share(influence_alone, 0.99), None, None).rejection_reason


def test_the_share_that_may_be_chance_is_of_all_value_however_little_and_all_of_none(good):
    halved = with_placebo_share(good, 0.5)
    assert with_totals(halved, 0.25, 0.75).label.chance_share == pytest.approx(0.375)
    assert with_totals(halved, 0.0, 0.0).label.chance_share == 1
    # the placebos credit more than the label: nothing of its influence is certain
    assert with_totals(with_placebo_share(good, 1.5), 1.0, 3.0).label.chance_share == 0.75


def test_a_level_is_allowed_from_the_inverse_of_the_factor_to_the_factor(good):
    assert "is 1.10" in check(decide(good, None, None), "level").text
    assert "0.50 to 2.00 is allowed" in check(decide(good, None, None), "level").text


@pytest.mark.parametrize(("rows", "counts", "share"), [(100, (), 0), (1, (1,), 1), (0, (1,), 1)])
def test_the_share_of_rows_set_aside_is_defined_for_few_rows_and_for_none(good, rows, counts, share):
    assert check(decide(with_set_aside(good, rows, *counts), None, None), "rows set aside").value == share


def test_what_is_undefined_has_no_value_and_does_not_pass(good):
    undefined = check(decide(with_lead(good, np.nan, np.nan, np.nan), None, None), "capture")
    assert (undefined.passed, undefined.value) == (False, None)
    nothing = check(decide(with_realised(good, 0.0, 0.0), None, None), "single customer")
    assert (nothing.passed, nothing.value) == (False, None)


def test_the_summary_is_the_comparison_with_a_champion_or_the_reasons_against(good):
    assert decide(good, None, None).summary == []
    decision = decide(good, "4", champion_predictions(good))
    assert decision.summary == [check(decision, "capture").text]
    decision = decide(with_heads(good, coverage=0.5), "4", champion_predictions(good))
    assert decision.summary == [check(decision, "coverage").text]


@pytest.mark.parametrize(
    ("high", "loss", "passed", "verdict"),
    [
        (0.0, 0.25, True, "which is too little to tell whether it is worse."),
        (0.0, 0.24, False, "so it may be as good, but loses more than gate.capture_loss = 0.24."),
        (-0.001, 0.25, False, "so it is worse."),
    ],
)
def test_a_loss_of_as_much_as_is_allowed_passes(good, monkeypatch, high, loss, passed, verdict):
    comparison = Comparison([], 400, capture=0.25, rival=0.5, low=-0.4, high=high, sure=0.1)
    monkeypatch.setattr(gate, "compare", lambda *predictions: comparison)
    capture = check(decide(with_loss(good, loss), "4", champion_predictions(good)), "capture")
    assert (capture.passed, capture.value, capture.limit) == (passed, -0.25, -loss)
    assert capture.text.endswith(verdict)


@pytest.mark.parametrize(
    ("low", "high", "difference", "champion_is_newer", "passed", "verdict"),
    [
        # what a small company gets: neither a large loss nor a large gain is excluded
        (-0.37, 0.21, -0.04, False, True, "which is too little to tell whether it is worse."),
        (-0.37, 0.21, -0.04, True, False, "and the champion was trained on later data."),
        (-0.04, 0.21, 0.08, False, True, "so it is not worse by more than gate.capture_loss = 0.05."),
        (-0.04, 0.21, 0.08, True, True, "so it is not worse by more than gate.capture_loss = 0.05."),
        (-0.37, -0.01, -0.04, True, False, "so it is worse."),
    ],
)
def test_too_little_to_tell_does_not_replace_a_newer_champion(
    good, monkeypatch, low, high, difference, champion_is_newer, passed, verdict
):
    comparison = Comparison([], 400, capture=0.5 + difference, rival=0.5, low=low, high=high, sure=0.1)
    monkeypatch.setattr(gate, "compare", lambda *predictions: comparison)
    as_of = good.population.as_of + timedelta(days=1 if champion_is_newer else -1)
    capture = check(decide(good, "4", champion_predictions(good), as_of), "capture")
    assert capture.passed is passed
    assert capture.text.endswith(verdict)
    assert "no worse" not in capture.text
