"""What answers say of values sent and of changes, through requests as callers send them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ripple.serving.errors import RequestError
from ripple.serving.messages.what_if import MAX_SUGGESTED
from ripple.serving.schemas import CustomerScore, FlaggedValue, Suggestion
from tests.serving.conftest import ScorerAnswers

CONTROLLABLE = {"engagement", "sophistication", "referent"}


def _flagged(answers: ScorerAnswers, **customer: Any) -> list[FlaggedValue] | None:
    (score,) = answers.score(customers=[customer]).customers
    return score.flagged


@pytest.mark.parametrize(
    ("name", "value", "rule", "low", "high"),
    [
        # by unit: days, share, flag, currency
        ("orders_30d", -1.0, "impossible", 0.0, None),
        ("orders_90d", 1.5, "impossible", 0.0, 1.0),
        ("orders_180d", 0.5, "impossible", 0.0, 1.0),
        ("active_days_30d", -1e6, "unseen", None, None),
        ("orders_30d", 1e6, "unseen", None, None),
    ],
)
def test_a_value_sent_is_flagged_with_what_is_expected(
    name: str,
    value: float,
    rule: str,
    low: float | None,
    high: float | None,
    answers: ScorerAnswers,
    features: pd.DataFrame,
) -> None:
    (flag,) = _flagged(answers, customer_id="c0003", features={name: value}) or []
    assert (flag.feature, flag.value, flag.rule) == (name, value, rule)
    if rule == "unseen":
        low, high = features[name].min(), features[name].max()
        assert (flag.low, flag.high) == (pytest.approx(low), pytest.approx(high))
        assert flag.text.endswith(f"is outside of what training saw: expected {low:g} to {high:g}.")
    else:
        assert (flag.low, flag.high) == (low, high)
        assert "is impossible: expected" in flag.text


def test_what_is_published_or_undefined_is_not_flagged(answers: ScorerAnswers) -> None:
    # shares and flags of the tests' customers are any number
    assert answers.score(customer_ids=["c0003"]).customers[0].flagged is None
    assert _flagged(answers, customer_id="c0003", features={}) is None
    assert _flagged(answers, customer_id="c0003", features={"orders_30d": None}) is None
    assert _flagged(answers, customer_id="c0003", features={"orders_30d": 2.5}) is None


def test_flags_stand_with_the_customer_they_are_about(answers: ScorerAnswers) -> None:
    sent = [
        {"customer_id": "c0003", "features": {"orders_30d": 2.0}},
        {"customer_id": "c0005", "features": {"orders_30d": -2.0, "reach_30d": -1.0}},
        {"customer_id": "c0003", "features": {"spend_30d": -3.0}},
    ]
    scores = answers.score(customers=sent).customers
    found = [[flag.feature for flag in score.flagged or []] for score in scores]
    assert found == [[], ["orders_30d", "reach_30d"], ["spend_30d"]]


def _suggestions(score: CustomerScore) -> list[Suggestion]:
    assert score.suggestions is not None
    return score.suggestions


def test_suggestions_are_scored_as_they_say(answers: ScorerAnswers, names: list[str]) -> None:
    asked = answers.score(customer_ids=["c0003", "c0100", "c0399"], suggest=4)
    assert any(_suggestions(score) for score in asked.customers)
    for score in asked.customers:
        suggestions = _suggestions(score)
        assert len(suggestions) <= 4
        assert len({one.feature for one in suggestions}) == len(suggestions)
        values = [one.network_value for one in suggestions]
        assert values == sorted(values, reverse=True)
        for one in suggestions:
            assert one.family in CONTROLLABLE
            assert one.change == one.network_value - score.network_value > 0
            changed = {"customer_id": score.customer_id, "features": {one.feature: one.to}}
            (again,) = answers.score(customers=[changed]).customers
            assert again.network_value == one.network_value
            # no suggestion is a value that would be flagged as unseen
            assert all(flag.rule == "impossible" for flag in again.flagged or [])
            assert f"{one.change:,.2f} EUR more" in one.text


def test_suggestions_start_from_what_was_sent(
    answers: ScorerAnswers, features: pd.DataFrame, names: list[str]
) -> None:
    row = {name: None if math.isnan(value) else value for name, value in features.iloc[3].items()}
    by_id = answers.score(customer_ids=["c0003"], suggest=10).customers[0]
    by_features = answers.score(customers=[{"features": row}], suggest=10).customers[0]
    assert by_features.suggestions == by_id.suggestions
    best = _suggestions(by_id)[0]
    assert best.value == row[best.feature]
    moved = {"customer_id": "c0003", "features": {best.feature: best.to}}
    (again,) = answers.score(customers=[moved], suggest=10).customers
    assert best.feature not in {one.feature for one in _suggestions(again)}
    assert answers.score(customer_ids=["c0003"]).customers[0].suggestions is None


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"customer_ids": ["a"] * (MAX_SUGGESTED + 1), "suggest": 1}, "too_many_suggested"),
        ({"customer_ids": ["a"], "suggest": 11}, "less_than_equal"),
        ({"customer_ids": ["a"], "suggest": -1}, "greater_than_equal"),
        ({"customer_ids": ["a"], "suggest": True}, "int_type"),
        ({"customer_ids": ["a"], "suggest": 1.5}, "int_type"),
        ({"customer_ids": ["a"], "suggest": None}, "int_type"),
    ],
)
def test_a_wrong_number_is_refused(request_: dict[str, Any], code: str, answers: ScorerAnswers) -> None:
    with pytest.raises(RequestError) as error:
        answers.score(**request_)
    assert (error.value.status, error.value.code) == (422, code)
    assert error.value.problem["where"] == "suggest"


def test_suggest_twice_is_refused(answers: ScorerAnswers) -> None:
    body = b'{"customer_ids": ["a"], "suggest": 1, "suggest": 2}'
    with pytest.raises(RequestError) as error:
        answers.scorer.parser.parse(body)
    assert error.value.code == "twice"


def test_the_model_says_what_is_controllable_and_what_was_seen(
    answers: ScorerAnswers, features: pd.DataFrame
) -> None:
    for one in answers.scorer.model()["features"]:
        assert one["controllable"] == (one["family"] in CONTROLLABLE)
        values = features[one["name"]]
        assert np.isclose(one["seen_low"], values.min())
        assert np.isclose(one["seen_high"], values.max())
