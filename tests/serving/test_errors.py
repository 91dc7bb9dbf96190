from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from ripple.serving.errors import RequestError, shorten, suggestion


def test_an_error_is_json_with_the_id_of_the_request() -> None:
    error = RequestError(405, "wrong_method", "It does not answer PUT.", "method", "Use GET.", allow="GET")
    assert json.loads(error.body("r1"))["error"] == error.problem | {"request_id": "r1"}
    assert error.headers == [(b"allow", b"GET")]


def test_a_suggestion_is_the_most_similar_word_or_all_of_them() -> None:
    assert suggestion("order_90d", ["orders_90d", "reach_30d"]) == "Did you mean 'orders_90d'?"
    assert suggestion("xyz", ["orders_90d", "reach_30d"]) == "Known are orders_90d, reach_30d."


@given(st.text(max_size=200))
def test_echoed_text_is_short(word: str) -> None:
    assert len(shorten(word)) <= 80
    assert len(word) > 80 or shorten(word) == word
