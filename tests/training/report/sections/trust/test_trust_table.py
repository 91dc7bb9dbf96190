import math
from collections.abc import Callable
from dataclasses import replace

import pytest

from ripple.training.report.sections.trust.trust_table import trust_table
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def answers(result: TrainingResult) -> dict[str, str]:
    """The word of each row by the section it leads to; the later of two for the same one."""
    return {f"{row.section} {row.question}": row.word for row in trust_table(result)}


def test_eight_questions_lead_to_sections_of_the_page(result: TrainingResult, page: str) -> None:
    rows = trust_table(result)
    assert len(rows) == 8
    assert all(f'id="{row.section}" aria-labelledby' in page for row in rows)
    assert all(numbers(row.evidence) for row in rows)


def test_what_was_not_evaluated_is_not_known(bleak: TrainingResult) -> None:
    rows = trust_table(bleak)
    assert {row.word for row in rows if not numbers(row.evidence)} == {"not known"}
    assert rows[0].word == rows[1].word == "not known"


@pytest.mark.parametrize(
    ("shares", "word"), [((0.9, 1.1, 1.2), "good"), ((0.9, 1.5, 1.0), "fair"), ((1.0, 0.4, 1.0), "poor")]
)
def test_the_worst_total_decides(result: TrainingResult, shares: tuple[float, ...], word: str) -> None:
    heads = result.evaluation.backtest.heads.assign(predicted_share=shares)
    row = trust_table(altered(result, backtest=replace(result.evaluation.backtest, heads=heads)))[2]
    assert row.word == word
    assert numbers(row.evidence) == [f"{100 * min(shares):.0f}", f"{100 * max(shares):.0f}", "3"]


@pytest.mark.parametrize(("shuffled", "word"), [(2_000.0, "good"), (9_000.0, "fair"), (16_000.0, "poor")])
def test_more_that_may_be_chance_is_worse(
    with_influence: Callable[..., TrainingResult], shuffled: float, word: str
) -> None:
    assert trust_table(with_influence(20_000.0, shuffled, 0.0))[1].word == word


def test_a_shift_of_the_scores_no_larger_than_chance_is_good(result: TrainingResult) -> None:
    def word(psi: float, by_chance: float) -> str:
        moved = result.population.drift.assign(psi=psi, by_chance=by_chance)
        return trust_table(altered(result, drift=moved))[7].word

    assert (word(0.3, 0.4), word(0.05, 0.01), word(0.2, 0.01), word(0.3, 0.01)) == (
        "good",
        "good",
        "fair",
        "poor",
    )


def test_one_past_period_is_enough_for_a_word(result: TrainingResult) -> None:
    heads = result.evaluation.backtest.heads.assign(predicted_share=[math.nan, math.nan, 1.02])
    row = trust_table(altered(result, backtest=replace(result.evaluation.backtest, heads=heads)))[2]
    assert (row.word, numbers(row.evidence)) == ("good", ["102", "1"])


def test_influence_that_cannot_be_measured_is_not_known(
    with_influence: Callable[..., TrainingResult],
) -> None:
    absent = with_influence(90.0, 60.0, 3.0)
    assert trust_table(absent)[1].word == "poor"
    tested = replace(absent.label.robustness, followers=3)
    assert trust_table(altered(absent, robustness=tested))[1].word == "not known"
