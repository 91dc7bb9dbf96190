from dataclasses import replace

from ripple.training.insights.customer_histories import Histories, listed
from ripple.training.report.sections.answer.customer_history import past
from ripple.training.result import TrainingResult

FEATURES = ["tenure_days", "total_revenue", "out_degree", "referrals"]


def test_credit_and_features_are_told_by_cutoff(result: TrainingResult) -> None:
    name = listed(result.scores).index[0]
    found = past(result, name, FEATURES)
    assert found.names == ["tenure days", "total revenue", "out degree"]
    assert [row[1] for row in found.rows] == [
        "0\u00a0US$<",
        "100\u00a0US$<",
        "50.00\u00a0US$<",
        "20.00\u00a0US$<",
    ]
    assert found.said.startswith("In 3 of 4 earlier periods of 180 days something was credited to them")
    assert found.picture.count("<rect") == 4


def test_whom_they_moved_is_told_with_how_likely_and_how_much(result: TrainingResult) -> None:
    found = past(result, listed(result.scores).index[0], FEATURES)
    assert "with 100\u00a0US$< from 1 customer whom they had brought in and 1 customer" in found.whom_said
    assert found.whom == [
        "c9998, brought in by them: 70.00\u00a0US$<",
        "c9999, 25\u00a0% likely because of them: 30.00\u00a0US$<",
    ]


def test_a_newcomer_has_no_past_and_one_without_credit_is_told_so(result: TrainingResult) -> None:
    names = list(listed(result.scores).index)
    assert "had not joined at any earlier cutoff" in past(result, names[-1], FEATURES).said
    found = past(result, names[1], FEATURES)
    assert found.said == "In 4 earlier periods of 180 days nothing was credited to them."
    assert "nobody’s purchase was credited to them" in found.whom_said
    assert past(replace(result, histories=Histories()), names[0], FEATURES).rows == []
