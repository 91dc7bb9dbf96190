import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.training.report.sections.answer.quality import (
    at_least,
    at_most,
    coverage_word,
    factor_off,
    lead_word,
    quality,
    top_coverage,
    worst_factor,
)
from ripple.training.result import TrainingResult
from tests.support.runs.results import altered

ORDER = {"poor": 0, "fair": 1, "good": 2}


@given(st.floats(-2, 2), st.floats(0, 1))
def test_more_is_never_worse_and_less_is_never_better(value: float, more: float) -> None:
    assert ORDER[at_least(value + more, 0.5, 0.2)] >= ORDER[at_least(value, 0.5, 0.2)]
    assert ORDER[at_most(value + more, 0.2, 0.5)] <= ORDER[at_most(value, 0.2, 0.5)]


@given(st.floats(0.01, 100))
def test_twice_too_much_is_as_far_off_as_half(ratio: float) -> None:
    assert factor_off(ratio) == pytest.approx(factor_off(1 / ratio))
    assert factor_off(ratio) >= 1


def test_what_is_not_known_has_no_word() -> None:
    assert at_least(math.nan, 0.5, 0.2) == at_most(math.nan, 0.2, 0.5) == "not known"
    assert coverage_word(math.nan, 0.8) == lead_word(math.nan, 0.1) == "not known"
    assert math.isnan(factor_off(math.nan))
    assert math.isnan(factor_off(0.0))


@pytest.mark.parametrize(
    ("lead", "word", "use"),
    [
        ((0.15, 0.04, 0.22), "fair", "shortlist"),
        ((0.02, -0.03, 0.05), "fair", "shortlist"),
        ((-0.04, -0.07, -0.01), "poor", "simple rule"),
        ((math.nan, math.nan, math.nan), "not known", "shortlist"),
    ],
)
def test_a_list_that_trails_the_rule_is_not_used(
    with_lead: Callable[..., TrainingResult], lead: tuple[float, ...], word: str, use: str
) -> None:
    judged = quality(with_lead(*lead))
    assert (judged.word, judged.use) == (word, use)


def right_everywhere(result: TrainingResult) -> TrainingResult:
    """The run with amounts that were realised, and intervals that hold four of five of them on each list."""
    heads = result.evaluation.backtest.heads.assign(predicted_share=1.1, brier=0.03)
    predictions = result.evaluation.predictions
    predictions = predictions.assign(predicted=predictions["realised"], low=predictions["realised"] - 1)
    miss = predictions.groupby("cutoff")["realised"].rank(ascending=False) % 5 == 0
    predictions["high"] = predictions["realised"] + 1
    predictions.loc[miss, ["low", "high"]] = -1.0
    backtest = replace(result.evaluation.backtest, heads=heads)
    return altered(result, backtest=backtest, predictions=predictions)


def test_amounts_that_came_true_at_every_cutoff_are_a_forecast(result: TrainingResult) -> None:
    right = right_everywhere(result)
    judged = quality(right)
    assert {one.word for one in judged.properties} == {"good"}
    assert (judged.word, judged.use) == ("good", "forecast")
    assert worst_factor(right) == pytest.approx(1.1)
    assert top_coverage(right) == pytest.approx(0.8)
    few = replace(right.evaluation.backtest, heads=right.evaluation.backtest.heads.tail(2))
    assert quality(altered(right, backtest=few)).use == "shortlist"


def test_noise_is_nothing_to_act_on_and_referral_value_is(
    with_influence: Callable[..., TrainingResult],
) -> None:
    assert quality(with_influence(90.0, 60.0, 3.0, referral=0.0)).use == "nothing"
    assert quality(with_influence(90.0, 60.0, 3.0)).use == "shortlist"


def test_the_worst_amount_counts_be_it_of_all_or_of_the_top(result: TrainingResult) -> None:
    ratios = [
        *result.evaluation.backtest.heads["predicted_share"],
        *(one.ratio for one in result.judged_tops),
    ]
    assert worst_factor(result) == max(max(ratio, 1 / ratio) for ratio in ratios)


def test_everything_may_be_unknown(bleak: TrainingResult) -> None:
    judged = quality(bleak)
    assert judged.word == judged.lead.word == judged.reliability.word == "not known"
