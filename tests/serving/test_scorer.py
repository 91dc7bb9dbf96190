from __future__ import annotations

import math

import numpy as np
import pytest

from models.bundle import SCORES
from serving.refusals import RequestError
from serving.schemas import CustomerFeatures, CustomerScore, ScoreRequest
from serving.scorer import Scorer


def _features(scorer: Scorer, row: int, **overrides: float | None) -> dict[str, float | None]:
    values = scorer.snapshot.features[row].tolist()
    known = [None if math.isnan(value) else value for value in values]
    return dict(zip(scorer.bundle.spec.names, known, strict=True)) | overrides


def _by_features(
    scorer: Scorer, features: dict[str, float | None], customer_id: str | None = None
) -> CustomerScore:
    sent = CustomerFeatures(customer_id=customer_id, features=features)
    return scorer.answer(ScoreRequest(customers=[sent])).customers[0]


def test_one_customer_scores_alone_as_among_all(scorer: Scorer) -> None:
    ids = list(scorer.snapshot.rows)
    together = scorer.answer(ScoreRequest(customer_ids=ids, reasons=2)).customers
    for row in (0, 1, 17, len(ids) - 1):
        alone = scorer.answer(ScoreRequest(customer_ids=[ids[row]], reasons=2)).customers[0]
        assert alone == together[row]
        assert alone.network_value == scorer.snapshot.scores["network_value"][row]


def test_the_snapshot_s_features_sent_back_score_as_the_id_does(scorer: Scorer) -> None:
    by_id = scorer.answer(ScoreRequest(customer_ids=["c0007"])).customers[0]
    by_features = _by_features(scorer, _features(scorer, 7))
    assert by_features.customer_id is None
    assert by_features.overridden == []
    assert by_features.reasons == by_id.reasons
    assert [getattr(by_features, name) for name in SCORES] == [getattr(by_id, name) for name in SCORES]


def test_a_known_customer_needs_only_what_changes(scorer: Scorer) -> None:
    changed = _by_features(scorer, {"orders_30d": 50.0, "reach_90d": None}, "c0007")
    whole = _by_features(scorer, _features(scorer, 7, orders_30d=50.0, reach_90d=None))
    assert changed.overridden == ["orders_30d", "reach_90d"]
    assert changed.network_value == whole.network_value
    assert changed.rank == whole.rank
    assert scorer.snapshot.features[7][0] != 50.0


def test_nothing_overridden_is_the_customer_as_the_snapshot_has_it(scorer: Scorer) -> None:
    by_id = scorer.answer(ScoreRequest(customer_ids=["c0007"])).customers[0]
    assert _by_features(scorer, {}, "c0007") == by_id


def test_features_sent_are_ranked_among_the_snapshot(scorer: Scorer) -> None:
    for row in range(0, 400, 37):
        score = _by_features(scorer, _features(scorer, row, orders_30d=3.0))
        above = int((scorer.snapshot.scores["network_value"] > score.network_value).sum())
        assert score.rank == above + 1
        assert score.top_member == (score.rank <= 8)


def test_no_more_reasons_than_asked_for(scorer: Scorer) -> None:
    for wanted, given in ((0, 0), (3, 3), (20, 12)):
        score = scorer.answer(ScoreRequest(customer_ids=["c0001"], reasons=wanted)).customers[0]
        assert len(score.reasons.value) == len(score.reasons.top) == given


def test_all_reasons_and_the_base_add_up_to_the_score(scorer: Scorer) -> None:
    score = scorer.answer(ScoreRequest(customer_ids=["c0001"], reasons=20)).customers[0]
    x = scorer.snapshot.features[1:2]
    _, value_base = scorer.bundle.contributions("value", x)
    _, top_base = scorer.bundle.contributions("top", x)
    log_value = value_base[0] + sum(reason.effect for reason in score.reasons.value)
    log_odds = top_base[0] + sum(reason.effect for reason in score.reasons.top)
    assert math.exp(log_value) == pytest.approx(score.network_value, rel=1e-9)
    assert 1 / (1 + math.exp(-log_odds)) == pytest.approx(score.top_probability, rel=1e-9)


def test_the_order_asked_for_is_kept_and_the_unknown_are_told(scorer: Scorer) -> None:
    answer = scorer.answer(ScoreRequest(customer_ids=["c0009", "nobody", "c0002", "c0009"]))
    assert [one.customer_id for one in answer.customers] == ["c0009", "c0002", "c0009"]
    assert answer.not_found == ["nobody"]


def test_nobody_known_is_an_empty_answer(scorer: Scorer) -> None:
    answer = scorer.answer(ScoreRequest(customer_ids=["nobody"]))
    assert answer.customers == []
    assert answer.not_found == ["nobody"]


@pytest.mark.parametrize(
    ("customer_id", "sent", "code", "where", "hint"),
    [
        ("c0001", {"order_30d": 1.0}, "unknown_feature", "order_30d", "Did you mean 'orders_30d'?"),
        ("nobody", {"orders_30d": 1.0}, "missing_feature", "orders_90d", "Send every feature"),
        (None, {}, "missing_feature", "orders_30d", "Send every feature"),
        ("c0001", {"x" * 10**6: 1.0}, "unknown_feature", "x" * 79 + "…", "Known are orders_30d"),
    ],
)
def test_features_the_model_cannot_use_are_refused(
    scorer: Scorer,
    customer_id: str | None,
    sent: dict[str, float | None],
    code: str,
    where: str,
    hint: str,
) -> None:
    with pytest.raises(RequestError) as refused:
        _by_features(scorer, sent, customer_id)
    problem = refused.value.problem
    assert (problem.code, problem.where) == (code, f"customers[0].features.{where}")
    assert problem.hint.startswith(hint)


def test_a_score_is_untouched_by_the_name_of_the_customer(scorer: Scorer) -> None:
    scores = {_by_features(scorer, _features(scorer, 3), name).network_value for name in (None, "a", "b")}
    assert len(scores) == 1
    assert np.isfinite(scores.pop())
