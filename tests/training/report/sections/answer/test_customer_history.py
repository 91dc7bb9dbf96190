from dataclasses import replace

from ripple.training.insights.customer_histories import Histories, listed
from ripple.training.report.sections.answer.customer_history import past
from ripple.training.result import Evidence

FEATURES = ["tenure_days", "total_revenue", "out_degree", "referrals"]


def test_credit_and_features_are_told_by_cutoff(evidence: Evidence) -> None:
    name = listed(evidence.scores).index[0]
    found = past(evidence, name, FEATURES)
    assert found.names == ["tenure days", "total revenue", "out degree"]
    assert [row[1] for row in found.rows] == [
        "0\u00a0US$<",
        "100\u00a0US$<",
        "50.00\u00a0US$<",
        "20.00\u00a0US$<",
    ]
    assert found.said.startswith("In 3 of 4 earlier periods of 180 days something was credited to them")
    assert found.picture.count("<rect") == 4


def test_whom_they_moved_is_told_with_how_likely_and_how_much(evidence: Evidence) -> None:
    found = past(evidence, listed(evidence.scores).index[0], FEATURES)
    assert "with 100\u00a0US$< from 1 customer whom they had brought in and 1 customer" in found.whom_said
    assert found.whom == [
        "c9998, brought in by them: 70.00\u00a0US$<",
        "c9999, 25\u00a0% likely because of them: 30.00\u00a0US$<",
    ]


def test_a_newcomer_has_no_past_and_one_without_credit_is_told_so(evidence: Evidence) -> None:
    names = list(listed(evidence.scores).index)
    assert "had not joined at any earlier cutoff" in past(evidence, names[-1], FEATURES).said
    found = past(evidence, names[1], FEATURES)
    assert found.said == "In 4 earlier periods of 180 days nothing was credited to them."
    assert "nobody’s purchase was credited to them" in found.whom_said
    assert past(replace(evidence, histories=Histories()), names[0], FEATURES).rows == []
