from __future__ import annotations

import json
import math

import numpy as np
import pytest

from ripple.serving.messages.client_bodies import RequestProblem, as_json, sent_customer


def test_numbers_of_numpy_are_sent_as_those_of_python_and_nan_as_null() -> None:
    features = {"a": np.float32(1.5), "b": np.int64(3), "c": math.nan, "d": None, "e": 2}
    sent = sent_customer(0, {"customer_id": "c1", "features": features})
    assert sent == {"customer_id": "c1", "features": {"a": 1.5, "b": 3.0, "c": None, "d": None, "e": 2}}
    assert json.loads(as_json({"explain": np.int64(2)})) == {"explain": 2}


@pytest.mark.parametrize(
    ("value", "code"), [("1", "float_type"), (True, "float_type"), (math.inf, "finite_number")]
)
def test_what_is_no_number_is_refused_with_its_place(value: object, code: str) -> None:
    with pytest.raises(RequestProblem) as error:
        sent_customer(3, {"features": {"a": value}})
    assert (error.value.problem.code, error.value.problem.where) == (code, "customers[3].features.a")


def test_what_json_does_not_know_is_refused() -> None:
    with pytest.raises(RequestProblem) as error:
        as_json({"customer_ids": [object()]})
    assert error.value.problem.code == "json_invalid"
