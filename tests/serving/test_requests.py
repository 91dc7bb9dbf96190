from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ripple.serving.errors import RequestError
from ripple.serving.requests import MAX_FEATURES_BYTES, RequestParser, Scoring, parse_query
from ripple.serving.schemas import CustomerRequest, ScoreRequest, TopRequest

FEATURES = ["a", "b", "reach_30d"]
PARSER = RequestParser(FEATURES)
FIELDS = ["customer_ids", "customers", "customer_id", "features", "explain"]
KEYS = st.sampled_from([*FIELDS, *FEATURES]) | st.text(max_size=3)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
CUSTOMER: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"features": st.dictionaries(st.sampled_from(FEATURES), st.floats() | st.integers() | st.none())},
    optional={"customer_id": st.text(max_size=5) | st.none()},
)
NEARLY_VALID = st.fixed_dictionaries(
    {},
    optional={
        "customer_ids": st.lists(st.text(max_size=5) | ANY, max_size=3) | ANY,
        "customers": st.lists(CUSTOMER | ANY, max_size=3) | ANY,
        "explain": st.integers(-1, 11) | ANY,
    },
)


def _as_documented(body: str) -> ScoreRequest | set[str]:
    """What the documented schema makes of *body*, or the codes of all its errors."""
    try:
        return ScoreRequest.model_validate_json(body)
    except ValidationError as error:
        return {one["type"] for one in error.errors()}


def _parsed(body: bytes) -> Scoring | RequestError:
    """The request in *body*, or a complete error."""
    try:
        return PARSER.parse(body)
    except RequestError as error:
        return error if all(error.problem.values()) else RequestError(0, "no reason", "", "", "")


def _refused(body: bytes) -> RequestError:
    with pytest.raises(RequestError) as refused:
        PARSER.parse(body)
    return refused.value


@given(ANY | NEARLY_VALID)
def test_bodies_are_read_as_documented_or_refused_with_one_of_the_documented_codes(value: object) -> None:
    body = json.dumps(value)
    documented = _as_documented(body)
    scoring = _parsed(body.encode())
    if isinstance(scoring, RequestError):
        # which features there are is not in the schema, and of two errors another may be the first
        assert scoring.code in ("unknown_feature", "one_of_two") or scoring.code in documented
        assert scoring.code != "one_of_two" or not isinstance(documented, ScoreRequest)
    else:
        assert isinstance(documented, ScoreRequest)
        assert (scoring.customer_ids, scoring.explain) == (documented.customer_ids, documented.explain)
        assert [(one.customer_id, one.features) for one in scoring.customers or ()] == [
            (one.customer_id, one.features) for one in documented.customers or ()
        ]


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_with_a_reason(body: bytes) -> None:
    parsed = _parsed(body)
    assert isinstance(parsed, Scoring) or parsed.status in (400, 422)


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
        (
            '{"customers": [{"features": {"a": 1}}, {"features": {"b": -Infinity, "a": NaN}}]}',
            *(422, "finite_number", "customers[1].features.b", "Send a finite"),
        ),
        ('{"customers": [{"features": []}]}', 422, "dict_type", "customers[0].features", "See the schema"),
        ('{"customers": [{"features": {}}, 1]}', 422, "model_type", "customers[1]", "Send a JSON object"),
        (
            '{"customers": [{"features": {"customer_id": 1}}]}',
            *(422, "unknown_feature", "customers[0].features.customer_id", "Known are a, b"),
        ),
        ('{"customer_ids": ["a"], "explain": NaN}', 422, "explain_type", "explain", "Send false"),
        ('{"customer_ids": ["NaN", }', 400, "json_invalid", "body", "Send a JSON object"),
        ('{"customer_ids": ["a"], "customer_ids": ["a"]}', 422, "twice", "body", "Send it once"),
        ('{"customers": [{"features": {}, "features": {}}]}', 422, "twice", "body", "Send it once"),
        (
            '{"customers": [{"features": {}}, {"features": {"a": 1, "b": 2, "a": 1}}]}',
            *(422, "twice", "customers[1].features.a", "Send it once"),
        ),
        (
            '{"customers": [{"features": {"a": "x", "a": 1}}]}',
            *(422, "twice", "customers[0].features.a", "Send it once"),
        ),
    ],
)
def test_a_body_that_breaks_a_rule_is_refused_with_field_and_hint(
    body: str, status: int, code: str, where: str, hint: str
) -> None:
    error = _refused(body.encode())
    assert error.status == status
    problem = error.problem
    assert (problem["code"], problem["where"]) == (code, where)
    assert problem["hint"].startswith(hint)
    assert problem["message"]


def test_colons_in_ids_are_no_names_of_fields() -> None:
    body = json.dumps({"customers": [{"customer_id": 'urn:"x":1', "features": {"a": 1}}], "explain": 2})
    assert PARSER.parse(body.encode()).customers[0].customer_id == 'urn:"x":1'  # type: ignore[index]
    assert PARSER.parse(b'{"customer_ids": ["a:b", "\\"c\\": "]}').customer_ids == ["a:b", '"c": ']


@pytest.mark.parametrize("opened", [b"[", b'{"customers":[', b'{"customers":[{"features":{"a":[', b'{"x":['])
def test_a_deeply_nested_body_is_refused(opened: bytes) -> None:
    assert _refused(opened + b"[" * 100_000).code in ("json_invalid", "model_type", "extra_forbidden")


def _many(customer: dict[str, Any]) -> bytes:
    return json.dumps({"customers": [customer] * 1000}).encode()


@pytest.mark.parametrize(
    "body",
    [
        _many({"features": {f"f{number}": "" for number in range(500)}}),
        _many({"features": {f"f{number}": 1 for number in range(500)}}),
        _many({"features": {"a": "", "b": None}}),
        b'{"customers":[' + b"[]," * 10**6 + b"[]]}",
        b'{"customers":[{"features":[' + b"[]," * 10**6 + b"[]]}]}",
        b'{"customers":[{"features":{"a":[' + b"{}," * 10**6 + b"{}]}}]}",
        b'{"a":[' + b"{}," * 10**6 + b"{}]}",
        b'{"customer_ids":[' + b"1," * 10**6 + b"1]}",
    ],
)
def test_what_is_wrong_is_not_built(body: bytes) -> None:
    tracemalloc.start()
    _refused(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * len(body) + 2**18


def test_the_features_of_a_customer_have_a_size() -> None:
    feature = b'"a":1,'
    many = feature * (MAX_FEATURES_BYTES // len(feature))
    error = _refused(b'{"customers":[{"features":{' + many + b'"b":1}}]}')
    assert (error.status, error.code) == (413, "too_large")
    assert error.problem["where"] == "customers[0].features"


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
