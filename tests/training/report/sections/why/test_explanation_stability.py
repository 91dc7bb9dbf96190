from dataclasses import replace

import numpy as np

from ripple.training.report.sections.why.explanation import Sampled, shares
from ripple.training.report.sections.why.explanation_stability import constancy
from ripple.training.report.sections.why.head_agreement import agreement
from ripple.training.result import TrainingResult


def test_the_same_reasons_are_kept_for_all(result: TrainingResult) -> None:
    made = Sampled.of(result)
    found = constancy(replace(result, earlier_effects={"2025-03-07": made.value}), made)
    (row,) = found["rows"]
    assert (row["first"].sort, row["family"].sort, row["kept"].text, row["ranks"].sort) == (
        1,
        1,
        "3.0 of 3",
        1,
    )
    assert (
        "is the same as today’s for 100\u00a0% of customers (95\u00a0% interval 99\u00a0% to 100\u00a0%)"
        in found["finding"]
    )


def test_other_reasons_are_counted_customer_by_customer(result: TrainingResult) -> None:
    made = Sampled.of(result)
    other = made.value.copy()
    first = np.abs(other).argmax(axis=1)
    half = len(other) // 2
    other[np.arange(half), first[:half]] = 0.0
    found = constancy(replace(result, earlier_effects={"2025-03-07": other}), made)
    assert found["rows"][0]["first"].sort == 1 - half / len(other)


def test_the_feature_that_the_heads_weigh_most_differently_comes_first(result: TrainingResult) -> None:
    made = Sampled.of(result)
    found = agreement(result, made)
    apart = np.abs(shares(made.value) - shares(made.top))
    assert found["rows"][0][0] == made.named(int(apart.argmax()))
    assert "The two heads rank customers" in found["finding"]


def test_customers_on_whom_the_heads_disagree_are_listed(result: TrainingResult) -> None:
    best = result.scores["rank"].idxmin()
    scores = result.scores.copy()
    scores.loc[best, "top_probability"] = 0.0
    found = agreement(replace(result, scores=scores), Sampled.of(result))
    assert found["gambles"][0][0] == best
    assert found["number"] >= 1
