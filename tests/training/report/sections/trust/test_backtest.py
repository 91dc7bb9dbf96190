from dataclasses import replace

from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.report.sections.trust.backtest import POOLED, judgement
from ripple.training.result import TrainingResult


def test_the_model_comes_first_and_then_the_rules_from_best_to_worst(result: TrainingResult) -> None:
    assert [name for name, _, _, _ in judgement(result)["captures"]] == [
        MODEL,
        "last label",
        "degree",
        "own revenue",
    ]


def test_captures_are_those_of_the_backtest_with_the_mean_last(result: TrainingResult) -> None:
    found = judgement(result)
    rankings = result.backtest.rankings.set_index(["ranking", "cutoff"])["capture"]
    for name, _, cells, _ in found["captures"]:
        assert len(cells) == len(found["cutoffs"]) + 1
        assert cells[-1].sort == round(rankings[name, POOLED], 6)
        assert cells[0].sort == round(rankings[name, f"{result.schedule.evaluation[0]:%Y-%m-%d}"], 6)


def test_the_finding_counts_the_periods_won(result: TrainingResult) -> None:
    assert "ahead of that rule in 3 of 3 periods" in judgement(result)["finding"]


def test_where_a_rule_is_better_the_page_says_so(result: TrainingResult) -> None:
    assert judgement(result)["pooled_finding"] == (
        "By the other 4 yardsticks, Ripple is ahead of every rule on Precision, PR-AUC and Gini and not "
        "ahead on Spearman (best: “own revenue”)."
    )


def test_a_period_with_a_wrong_level_is_named_beside_the_calibration(result: TrainingResult) -> None:
    found = judgement(result)["calibration_finding"]
    assert "expected to bring 256\u00a0US$< each and brought 307\u00a0US$<" in found
    assert "The level was far off at 7 March 2025" in found


def test_cutoffs_that_could_not_be_judged_have_no_column(result: TrainingResult) -> None:
    heads, rankings = result.backtest.heads, result.backtest.rankings
    gone = heads["cutoff"].iloc[0]
    backtest = replace(result.backtest, heads=heads.iloc[1:], rankings=rankings[rankings["cutoff"] != gone])
    found = judgement(replace(result, backtest=backtest))
    assert found["cutoffs"] == ["6 May 2025", "5 July 2025"]
    assert {len(cells) for _, _, cells, _ in found["captures"]} == {3}


def test_every_mean_and_every_lead_has_its_interval(result: TrainingResult) -> None:
    rows = {name: beside for name, _, _, beside in judgement(result)["captures"]}
    assert [cell.text for cell in rows[MODEL]] == ["55\u00a0% to 70\u00a0%", "–", "–"]
    assert [cell.text for cell in rows["degree"]] == ["25\u00a0% to 40\u00a0%", "+30.0", "+19.0 to +37.0"]
