"""The errors of the document are those of the real service."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from ripple.serving.http.app import MAX_BODY_BYTES
from ripple.serving.http.error_examples import DESCRIPTIONS, EXAMPLES
from ripple.serving.http.openapi import document

JSON = {"content-type": "application/json"}
TEXT = {"content-type": "text/plain"}
SENT: dict[str, tuple[str, str, dict[str, Any]]] = {
    "json_invalid": ("POST", "/v1/score", {"content": b"x", "headers": JSON}),
    "too_large": ("POST", "/v1/score", {"content": b"x" * (MAX_BODY_BYTES + 1), "headers": JSON}),
    "wrong_content_type": (
        "POST",
        "/v1/score",
        {"content": b"{}", "headers": TEXT},
    ),
    "wrong_content_encoding": (
        "POST",
        "/v1/score",
        {"content": b"{}", "headers": JSON | {"content-encoding": "gzip"}},
    ),
    "one_of_two": ("POST", "/v1/score", {"json": {"explain": 1}}),
    "unknown_feature": ("POST", "/v1/score", {"json": {"customers": [{"features": {"order_90d": 1.0}}]}}),
    "unknown_segment": ("GET", "/v1/top", {"params": {"segment": "plan pr"}}),
    "extra_forbidden": ("GET", "/v1/customers/c0003", {"params": {"explian": 3}}),
    "unknown_customer": ("GET", "/v1/customers/c999999", {}),
    "head_too_large": ("GET", "/v1/top", {"headers": {"x-long": "x" * 2**16}}),
}
"""Requests by the code of the error that each provokes."""


@pytest.mark.parametrize("code", SENT)
def test_an_error_is_as_its_example(code: str, client: httpx.Client) -> None:
    method, path, arguments = SENT[code]
    answer = client.request(method, path, **arguments)
    status, _, where, hint = EXAMPLES[code]
    problem = answer.json()["error"]
    assert (answer.status_code, problem["code"], problem["where"]) == (status, code, where)
    if code != "head_too_large":  # which is refused before a request is read
        assert problem["request_id"] == answer.headers["x-request-id"]
    # but for what this model has
    assert problem["hint"].split("'")[0] == hint.split("'")[0]


def test_every_example_is_in_the_document_and_its_status_described() -> None:
    written = document().decode()
    assert {example.status for example in EXAMPLES.values()} == set(DESCRIPTIONS)
    assert all(json.dumps(code) in written for code in EXAMPLES)
