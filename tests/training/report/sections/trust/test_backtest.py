from dataclasses import replace

from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.report.sections.trust.backtest import POOLED, backtest_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_the_model_comes_first_and_then_the_rules_from_best_to_worst(result: TrainingResult) -> None:
    names = [name for name, _, _, _ in backtest_section(result)["captures"]]
    assert names == [MODEL, "last label", "degree", "own revenue"]


def test_captures_are_those_of_the_backtest_with_the_mean_last(result: TrainingResult) -> None:
    section = backtest_section(result)
    captures = result.evaluation.backtest.rankings.set_index(["ranking", "cutoff"])["capture"]
    for name, _, cells, _ in section["captures"]:
        assert len(cells) == len(section["cutoffs"]) + 1
        assert cells[-1].sort == round(captures[name, POOLED], 6)
        assert cells[0].sort == round(captures[name, f"{result.data.schedule.evaluation[0]:%Y-%m-%d}"], 6)


def test_the_finding_counts_the_periods_in_which_the_model_is_ahead(result: TrainingResult) -> None:
    assert numbers(backtest_section(result)["finding"])[-2:] == ["3", "3"]
    swapped = {MODEL: "last label", "last label": MODEL}
    rankings = result.evaluation.backtest.rankings.replace({"ranking": swapped})
    behind = altered(result, backtest=replace(result.evaluation.backtest, rankings=rankings))
    assert numbers(backtest_section(behind)["finding"])[-2:] == ["0", "3"]


def test_metrics_on_which_a_rule_is_better_come_with_the_rule(result: TrainingResult) -> None:
    ahead, behind = backtest_section(result)["pooled_finding"].split(" not ahead ")
    assert all(metric in ahead for metric in ("Precision", "PR-AUC", "Gini"))
    assert "Spearman" in behind
    assert "“own revenue”" in behind


def test_a_period_with_a_wrong_total_is_named_beside_the_calibration(result: TrainingResult) -> None:
    finding = backtest_section(result)["calibration_finding"]
    assert numbers(finding) == ["3", "10", "256", "307", "7", "2025"]
    right = replace(
        result.evaluation.backtest, heads=result.evaluation.backtest.heads.assign(predicted_share=1.0)
    )
    assert numbers(backtest_section(altered(result, backtest=right))["calibration_finding"]) == [
        "3",
        "10",
        "256",
        "307",
    ]


def test_cutoffs_that_could_not_be_evaluated_have_no_column(result: TrainingResult) -> None:
    heads, rankings = result.evaluation.backtest.heads, result.evaluation.backtest.rankings
    gone = heads["cutoff"].iloc[0]
    backtest = replace(
        result.evaluation.backtest, heads=heads.iloc[1:], rankings=rankings[rankings["cutoff"] != gone]
    )
    section = backtest_section(altered(result, backtest=backtest))
    assert section["cutoffs"] == ["6 May 2025", "5 July 2025"]
    assert {len(cells) for _, _, cells, _ in section["captures"]} == {3}


def test_every_mean_and_every_lead_has_its_interval(result: TrainingResult) -> None:
    rows = {name: intervals for name, _, _, intervals in backtest_section(result)["captures"]}
    assert [cell.text for cell in rows[MODEL]] == ["55\u00a0% to 70\u00a0%", "–", "–"]
    assert [cell.text for cell in rows["degree"]] == ["25\u00a0% to 40\u00a0%", "+30.0", "+19.0 to +37.0"]


def test_a_rule_without_a_capture_and_a_period_without_value_have_different_reasons(
    bleak: TrainingResult,
) -> None:
    rows = {name: cells for name, _, cells, _ in backtest_section(bleak)["captures"]}
    first_period, second_period = rows["degree"][:2]
    assert first_period.missing
    assert second_period.missing
    assert first_period.text == rows[MODEL][0].text != second_period.text
