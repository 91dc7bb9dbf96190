from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.serving.errors import RequestError, parse_body, parse_query, shorten, suggestion
from ripple.serving.schemas import CustomerRequest, ScoreRequest, TopRequest

KEYS = st.sampled_from(["customer_ids", "customers", "customer_id", "features", "explain"]) | st.text(
    max_size=3
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def _read_or_refused(body: bytes) -> None:
    try:
        problem = None if isinstance(parse_body(body), ScoreRequest) else "read as something else"
    except RequestError as error:
        problem = "" if all(error.problem.values()) and error.body() else "nothing said"
    assert not problem


@given(JSON)
def test_any_json_is_read_or_refused_with_a_reason(value: object) -> None:
    _read_or_refused(json.dumps(value).encode())


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_with_a_reason(body: bytes) -> None:
    _read_or_refused(body)


@pytest.mark.parametrize(
    ("body", "status", "code", "where", "hint"),
    [
        ("", 400, "json_invalid", "body", "Send a JSON object"),
        ("null", 422, "model_type", "body", "Send a JSON object"),
        ("{}", 422, "one_of_two", "body", "Send customer_ids"),
        (
            '{"customer_ids": ["a"], "customers": [{"features": {}}]}',
            *(422, "one_of_two", "body", "Send customer_ids"),
        ),
        ('{"customer_ids": []}', 422, "too_short", "customer_ids", "Name at least one"),
        (json.dumps({"customer_ids": ["a"] * 1001}), 422, "too_long", "customer_ids", "Split the request"),
        ('{"customer_ids": "a"}', 422, "list_type", "customer_ids", "See the schema"),
        ('{"customer_ids": [1]}', 422, "string_type", "customer_ids[0]", "See the schema"),
        ('{"customer_ids": ["a"], "explan": 3}', 422, "extra_forbidden", "explan", "Did you mean 'explain'?"),
        ('{"customer_ids": ["a"], "explain": 11}', 422, "less_than_equal", "explain", "See the schema"),
        ('{"customer_ids": ["a"], "explain": -1}', 422, "greater_than_equal", "explain", "See the schema"),
        ('{"customer_ids": ["a"], "explain": true}', 422, "explain_type", "explain", "Send false"),
        ('{"customers": [{}]}', 422, "missing", "customers[0].features", "Add the field"),
        (
            '{"customers": [{"features": {}, "id": "a"}]}',
            *(422, "extra_forbidden", "customers[0].id", "Known are"),
        ),
        (
            '{"customers": [{"features": {"a": "1"}}]}',
            *(422, "float_type", "customers[0].features.a", "Send a number"),
        ),
        (
            '{"customers": [{"features": {"a": true}}]}',
            *(422, "float_type", "customers[0].features.a", "Send a number"),
        ),
        (
            '{"customers": [{"features": {"a": NaN}}]}',
            *(422, "finite_number", "customers[0].features.a", "Send a finite"),
        ),
        (
            '{"customers": [{"features": {"a": 1e999}}]}',
            *(422, "finite_number", "customers[0].features.a", "Send a finite"),
        ),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_with_field_and_hint(
    body: str, status: int, code: str, where: str, hint: str
) -> None:
    with pytest.raises(RequestError) as refused:
        parse_body(body.encode())
    assert refused.value.status == status
    problem = refused.value.problem
    assert (problem["code"], problem["where"]) == (code, where)
    assert problem["hint"].startswith(hint)
    assert problem["message"]


def test_a_deeply_nested_body_is_refused() -> None:
    with pytest.raises(RequestError, match="recursion limit"):
        parse_body(b"[" * 100_000)


def test_a_suggestion_is_the_most_similar_word_or_all_of_them() -> None:
    assert suggestion("order_90d", ["orders_90d", "reach_30d"]) == "Did you mean 'orders_90d'?"
    assert suggestion("xyz", ["orders_90d", "reach_30d"]) == "Known are orders_90d, reach_30d."


@given(st.text(max_size=200))
def test_echoed_text_is_short(word: str) -> None:
    assert len(shorten(word)) <= 80
    assert len(word) > 80 or shorten(word) == word


@pytest.mark.parametrize(
    ("query", "code", "where", "hint"),
    [
        ([("limit", "1001")], "less_than_equal", "limit", "How many customers"),
        ([("limit", "")], "int_parsing", "limit", "How many customers"),
        ([("offset", "-1")], "greater_than_equal", "offset", "How many to pass"),
        ([("limits", "5")], "extra_forbidden", "limits", "Did you mean 'limit'?"),
        ([("limit", "5"), ("limit", "6")], "twice", "limit", "Send one."),
    ],
)
def test_an_invalid_query_is_refused_with_field_and_hint(
    query: list[tuple[str, str]], code: str, where: str, hint: str
) -> None:
    with pytest.raises(RequestError) as refused:
        parse_query(TopRequest, query)
    assert refused.value.status == 422
    problem = refused.value.problem
    assert (problem["code"], problem["where"]) == (code, where)
    assert problem["hint"].startswith(hint)


def test_a_query_is_read() -> None:
    assert parse_query(CustomerRequest, [("explain", "3")]).explain == 3
    top = parse_query(TopRequest, [("limit", "3"), ("segment", "plan pro")])
    assert (top.limit, top.offset, top.segment) == (3, 0, "plan pro")
