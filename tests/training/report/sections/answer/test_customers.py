import math
from dataclasses import replace

from ripple.training.insights.customer_histories import FEWEST
from ripple.training.report.sections.answer.customers import customers
from ripple.training.result import TrainingResult


def test_the_best_come_first_with_the_scores_they_were_given(result: TrainingResult) -> None:
    rows = customers(result)["rows"]
    assert len(rows) == FEWEST
    best = result.scores.sort_values("rank")
    for row, (name, score) in zip(rows, best.iterrows(), strict=False):
        assert row.id == name
        assert row.rank.sort == score["rank"]
        assert row.value.sort == round(score["network_value"], 6)
        assert row.probability.sort == score["top_probability"]
        assert row.waterfall.score == row.value.text
        assert row.member == score["top_member"]
        assert row.reason == row.reasons[0]


def test_the_finding_adds_the_rows_up(result: TrainingResult) -> None:
    found = customers(result)
    values = result.scores["network_value"]
    share = values.nlargest(FEWEST).sum() / values.sum()
    assert f"{100 * share:.0f}\u00a0% of all expected network value" in found["finding"]
    assert "in the backtest, 31 of 100 customers" in found["caution"]


def test_an_interval_that_reaches_zero_is_pointed_out(result: TrainingResult) -> None:
    assert "reaches down to 0" not in customers(result)["caution"]
    scores = result.scores.assign(network_value_low=0.0)
    found = customers(replace(result, scores=scores))["caution"]
    assert "For every customer below, the interval reaches down to 0" in found


def test_an_open_interval_is_not_shown_as_a_number(bleak: TrainingResult) -> None:
    row = customers(bleak)["rows"][0]
    assert math.isinf(bleak.scores["network_value_high"].iloc[0])
    assert row.high.missing
    assert row.high.sort is None


def test_few_customers_are_all_shown(bleak: TrainingResult) -> None:
    assert len(customers(bleak)["rows"]) == 12
