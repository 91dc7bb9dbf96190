from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ripple.models import Bundle
from ripple.models.bundle import SCORES, Category
from ripple.serving.errors import RequestError
from ripple.serving.schemas import ModelResponse
from ripple.serving.score_explanations import Explainer
from ripple.serving.scorer import Scorer


def _features(features: pd.DataFrame, row: int, **overrides: float | None) -> dict[str, float | None]:
    known = {name: None if math.isnan(value) else value for name, value in features.iloc[row].items()}
    return {str(name): value for name, value in known.items()} | overrides


def _by_features(answers: Any, features: dict[str, float | None], **request: Any) -> Any:
    return answers.score(customers=[{"features": features, **request}]).customers[0]


def test_ids_score_bit_for_bit_as_the_batch_did(
    answers: Any, bundle: Bundle, features: pd.DataFrame, scorer: Scorer
) -> None:
    ids = [f"c{row:04d}" for row in range(len(features))]
    answer = answers.score(customer_ids=ids)
    batch = bundle.score(features)
    for name in SCORES:
        assert [getattr(customer, name) for customer in answer.customers] == batch[name].tolist()
    order = np.argsort(-batch["network_value"].to_numpy(), kind="stable")
    assert [answer.customers[row].rank for row in order] == list(range(1, 401))
    assert sum(customer.top_member for customer in answer.customers) == 8
    assert {customer.percentile for customer in answer.customers} == {rank / 4 for rank in range(1, 401)}
    assert answer.customers[order[0]].percentile == 100
    assert scorer.inexact_explanations == 0


def test_one_customer_scores_alone_as_among_all(answers: Any) -> None:
    ids = [f"c{row:04d}" for row in range(400)]
    together = answers.score(customer_ids=ids, explain=2).customers
    for row in (0, 1, 17, 399):
        assert answers.score(customer_ids=[ids[row]], explain=2).customers[0] == together[row]
        assert answers.customer(ids[row], explain=2).customer == together[row]


def test_the_snapshot_s_features_sent_back_score_as_the_id_does(answers: Any, features: pd.DataFrame) -> None:
    by_id = answers.score(customer_ids=["c0007"], explain=3).customers[0]
    sent = {"features": _features(features, 7)}
    by_features = answers.score(customers=[sent], explain=3).customers[0]
    assert by_features.customer_id is None
    assert by_features.overridden == []
    assert by_features.explanation == by_id.explanation
    assert [getattr(by_features, name) for name in SCORES] == [getattr(by_id, name) for name in SCORES]


def test_a_known_customer_needs_only_what_changes(answers: Any, features: pd.DataFrame) -> None:
    changed = _by_features(answers, {"orders_30d": 50.0, "reach_90d": None}, customer_id="c0007")
    whole = _by_features(answers, _features(features, 7, orders_30d=50.0, reach_90d=None))
    assert changed.overridden == ["orders_30d", "reach_90d"]
    assert changed.network_value == whole.network_value
    assert changed.rank == whole.rank
    # what was sent changed nothing of what is kept
    assert (
        _by_features(answers, {}, customer_id="c0007") == answers.score(customer_ids=["c0007"]).customers[0]
    )


def test_many_sent_at_once_score_as_each_alone(answers: Any, features: pd.DataFrame) -> None:
    sent = [
        {"features": _features(features, row, orders_30d=3.0), "customer_id": "new"} for row in range(300)
    ]
    together = answers.score(customers=sent, explain=1).customers
    assert len(together) == 300
    for row in (0, 150, 299):
        assert answers.score(customers=[sent[row]], explain=1).customers[0] == together[row]


def test_features_sent_are_ranked_among_the_snapshot(
    answers: Any, bundle: Bundle, features: pd.DataFrame
) -> None:
    values = bundle.score(features)["network_value"]
    for row in range(0, 400, 37):
        score = _by_features(answers, _features(features, row, orders_30d=3.0))
        above = int((values > score.network_value).sum())
        assert score.rank == above + 1
        assert score.top_member == (score.rank <= 8)


def test_families_and_base_add_up_to_the_score(answers: Any, bundle: Bundle, features: pd.DataFrame) -> None:
    for customer in answers.score(customer_ids=["c0001", "c0002", "c0300"], explain=1).customers:
        value, top = customer.explanation.value, customer.explanation.top
        assert value.base + sum(value.families.values()) == pytest.approx(customer.network_value, rel=1e-9)
        log_odds = top.base + sum(top.families.values())
        assert 1 / (1 + math.exp(-log_odds)) == pytest.approx(customer.top_probability, rel=1e-9)
        assert (
            set(value.families) == set(top.families) == {feature.family for feature in bundle.spec.features}
        )


def test_reasons_are_the_strongest_contributions_of_the_model(
    answers: Any, bundle: Bundle, features: pd.DataFrame, names: list[str]
) -> None:
    explained = answers.customer("c0042", explain=10).customer.explanation
    x = features.to_numpy()[42:43]
    for head, head_explanation in (("value", explained.value), ("top", explained.top)):
        contributions, base = bundle.contributions(head, x)
        effects = dict(zip(names, contributions[0].tolist(), strict=True))
        strongest = sorted(effects, key=lambda name: -abs(effects[name]))[:10]
        assert [reason.feature for reason in head_explanation.reasons] == strongest
        total = base[0] + contributions[0].sum()
        # of a value in currency each has its share of the difference, by its share of the logarithm
        difference = math.exp(total) - math.exp(base[0])
        scale = difference / (total - base[0]) if head == "value" else 1.0
        for reason in head_explanation.reasons:
            assert reason.effect == pytest.approx(effects[reason.feature] * scale, rel=1e-9, abs=1e-12)
            assert reason.direction == ("raises" if effects[reason.feature] > 0 else "lowers")
            index = names.index(reason.feature)
            assert reason.value == (None if math.isnan(x[0, index]) else x[0, index])
            assert reason.in_words in reason.text


@pytest.mark.parametrize("count", [1, 3, 10])
def test_as_many_reasons_as_asked_for(answers: Any, count: int) -> None:
    explained = answers.score(customer_ids=["c0001"], explain=count).customers[0].explanation
    assert len(explained.value.reasons) == len(explained.top.reasons) == count


def test_without_being_asked_nothing_is_explained(answers: Any) -> None:
    assert answers.score(customer_ids=["c0001"], explain=False).customers[0].explanation is None


def test_the_order_of_the_request_is_kept_and_unknown_ids_are_listed(answers: Any) -> None:
    answer = answers.score(customer_ids=["c0009", "nobody", "c0002", "c0009", "é🐘"])
    assert [customer.customer_id for customer in answer.customers] == ["c0009", "c0002", "c0009"]
    assert answer.not_found == ["nobody", "é🐘"]


def test_unknown_ids_alone_give_an_empty_answer(answers: Any) -> None:
    answer = answers.score(customer_ids=["nobody"], explain=5)
    assert answer.customers == []
    assert answer.not_found == ["nobody"]
    with pytest.raises(RequestError, match="does not know customer 'nobody'") as refused:
        answers.customer("nobody")
    assert refused.value.status == 404


def test_the_top_comes_by_rank(answers: Any) -> None:
    everybody = answers.top(limit=1000)
    assert [customer.rank for customer in everybody.customers] == list(range(1, 401))
    assert everybody.total == 400
    part = answers.top(limit=7, offset=20)
    assert part.customers == everybody.customers[20:27]
    assert answers.top(limit=7, offset=399).customers == everybody.customers[399:]
    assert answers.top(limit=7, offset=400).customers == []


def test_the_top_of_a_segment_is_of_its_customers_only(answers: Any) -> None:
    of_all = [
        customer for customer in answers.top(limit=1000).customers if int(customer.customer_id[1:]) % 3 == 1
    ]
    assert answers.top(limit=1000, segment="plan pro").customers == of_all
    part = answers.top(limit=5, offset=3, segment="plan pro")
    assert part.customers == of_all[3:8]
    assert part.total == len(of_all) == 133


def test_an_attribute_that_names_customers_makes_no_segments(scorer: Scorer) -> None:
    assert scorer.model()["segments"] == {"plan basic": 134, "plan pro": 133}


def test_an_unknown_segment_is_refused_with_the_nearest(answers: Any) -> None:
    with pytest.raises(RequestError, match="no segment 'plan prro'") as refused:
        answers.top(segment="plan prro")
    assert refused.value.problem["hint"] == "Did you mean 'plan pro'?"


def test_the_model_is_described(scorer: Scorer, bundle: Bundle) -> None:
    model = scorer.model()
    assert model["model_version"] == "1"
    assert model["card"] == "# A model\n"
    assert model["measures"] == {"capture": 0.5, "coverage": None}
    assert [feature["name"] for feature in model["features"]] == bundle.spec.names


def test_a_level_is_listed_with_its_number_and_named_where_that_is_sent(
    scorer: Scorer, bundle: Bundle, features: pd.DataFrame
) -> None:
    category = Category("orders_30d", "plan", (("pro", 40.5), ("free", 0.5)), 1.0)
    with_category = replace(bundle, spec=replace(bundle.spec, categories=(category,)))
    own = Scorer(replace(scorer.publication, explainer=Explainer(with_category)))
    listed = {one.name: one.levels for one in ModelResponse.model_validate(own.model()).features}
    assert listed == dict.fromkeys(bundle.spec.names) | {"orders_30d": {"pro": 40.5, "free": 0.5}}
    x = features.to_numpy()[:1].copy()
    x[0, bundle.spec.names.index("orders_30d")] = 40.5
    explained = next(iter(own.explainer.explain(x, own.explainer.contributions(x), 10)))[0]
    words = {reason["feature"]: reason["in_words"] for reason in explained["value"]["reasons"]}
    assert words["orders_30d"] == "pro"


@pytest.mark.parametrize(
    ("customer_id", "sent", "code", "where", "hint"),
    [
        ("c0001", {"order_30d": 1.0}, "unknown_feature", "order_30d", "Did you mean 'orders_30d'?"),
        ("nobody", {"orders_30d": 1.0}, "missing_feature", "orders_90d", "Send every feature"),
        (None, {}, "missing_feature", "orders_30d", "Send every feature"),
        (None, {f"f{i}": 1.0 for i in range(12)}, "unknown_feature", "f0", "Known are orders_30d"),
        ("c0001", {"x" * 10**5: 1.0}, "unknown_feature", "x" * 79 + "…", "Known are orders_30d"),
    ],
)
def test_unknown_and_missing_features_are_refused(
    answers: Any, customer_id: str | None, sent: dict[str, float | None], code: str, where: str, hint: str
) -> None:
    with pytest.raises(RequestError) as refused:
        _by_features(answers, sent, customer_id=customer_id)
    problem = refused.value.problem
    assert (problem["code"], problem["where"]) == (code, f"customers[0].features.{where}")
    assert problem["hint"].startswith(hint)


def test_parts_that_do_not_add_up_are_counted(published: Any, answers: Any, scorer: Scorer) -> None:
    before = scorer.inexact_explanations
    scorer.explainer._base_log_value += 1e-6
    try:
        answers.score(customer_ids=["c0001", "c0002"], explain=1)
        assert scorer.inexact_explanations == before + 2
    finally:
        scorer.explainer._base_log_value -= 1e-6
        scorer.inexact_explanations = before
