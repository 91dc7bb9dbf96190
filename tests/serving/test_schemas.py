from __future__ import annotations

import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ripple.serving.schemas import CustomerFeatures, Reason, ScoreRequest

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS)
def test_a_number_survives_json_bit_for_bit(number: float) -> None:
    sent = CustomerFeatures.model_validate_json(json.dumps({"features": {"a": number}}))
    assert sent.features["a"] == number
    back = msgspec.json.decode(msgspec.json.encode({"effect": number}))
    assert math.copysign(1, back["effect"]) == math.copysign(1, number)
    assert back["effect"] == number


@given(st.lists(st.text(), min_size=1, max_size=5), st.integers(0, 10))
def test_a_request_by_ids_reads_as_it_was_written(ids: list[str], explain: int) -> None:
    request = ScoreRequest(customer_ids=ids, explain=explain)
    assert ScoreRequest.model_validate_json(json.dumps({"customer_ids": ids, "explain": explain})) == request
    assert request.size == len(ids)


@pytest.mark.parametrize("count", [0, 1001])
def test_a_request_names_1_to_1000_customers(count: int) -> None:
    with pytest.raises(ValidationError, match="customer_ids"):
        ScoreRequest(customer_ids=["c"] * count)


def test_an_answer_cannot_hold_what_json_cannot() -> None:
    with pytest.raises(ValidationError, match="finite"):
        Reason(feature="a", family="b", value=None, in_words="", effect=math.inf, direction="raises", text="")
