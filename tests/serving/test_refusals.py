from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.refusals import RequestError, nearest, parse, shorten
from serving.schemas import ScoreRequest

KEYS = st.sampled_from(["customer_ids", "customers", "customer_id", "features", "reasons"]) | st.text(
    max_size=3
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


def _read_or_refused(body: bytes) -> None:
    try:
        problem = None if isinstance(parse(body), ScoreRequest) else "read as something else"
    except RequestError as error:
        problem = "" if all(error.problem.model_dump().values()) else "nothing said"
    assert not problem


@given(JSON)
def test_any_json_is_read_or_refused_with_a_reason(value: object) -> None:
    _read_or_refused(json.dumps(value).encode())


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused_with_a_reason(body: bytes) -> None:
    _read_or_refused(body)


def test_a_deeply_nested_body_is_refused() -> None:
    with pytest.raises(RequestError, match="recursion limit"):
        parse(b"[" * 100_000)


def test_the_nearest_known_word_is_named_or_all_of_them() -> None:
    assert nearest("order_90d", ["orders_90d", "reach_30d"]) == "Did you mean 'orders_90d'?"
    assert nearest("xyz", ["orders_90d", "reach_30d"]) == "Known are orders_90d, reach_30d."


@given(st.text(max_size=200))
def test_what_is_echoed_is_short(word: str) -> None:
    assert len(shorten(word)) <= 80
    assert len(word) > 80 or shorten(word) == word
