from __future__ import annotations

from typing import Any

import httpx
import pytest

from ripple.serving.calls import MAX_PAUSE_SECONDS, Call, NotFound, Refused, ServiceError, Unavailable


def _answer(status: int, code: str | None, headers: dict[str, str] | None = None) -> httpx.Response:
    problem = {"code": code, "message": "m", "where": "w", "hint": "h"}
    return httpx.Response(status, json={"error": problem} if code else {}, headers=headers)


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (Call.customer("a/b ü", 2), "/v1/customers/a%2Fb%20%C3%BC"),
        (Call.influence("a/b ü"), "/v1/customers/a%2Fb%20%C3%BC/influence"),
        (Call.experiment("a/b ü"), "/v1/experiments/a%2Fb%20%C3%BC"),
        (Call.experiments(), "/v1/experiments"),
    ],
)
def test_a_name_is_one_part_of_the_path(call: Call[Any], path: str) -> None:
    assert (call.method, call.path) == ("GET", path)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "unknown_customer", NotFound),
        (404, "unknown_experiment", NotFound),
        (404, "unknown_path", Refused),
        (404, None, Refused),
        (422, "extra_forbidden", Refused),
        (500, "failed", Unavailable),
    ],
)
def test_an_error_is_of_the_kind_that_says_what_to_do(
    status: int, code: str | None, expected: type[ServiceError]
) -> None:
    with pytest.raises(ServiceError) as error:
        Call.experiments().outcome(_answer(status, code), retry=0, retries=4, left=5.0)
    assert type(error.value) is expected
    assert error.value.status == status


def test_it_is_tried_again_while_there_are_tries_and_time() -> None:
    busy, call = _answer(503, "overloaded", {"retry-after": "2"}), Call.describe_model()
    pause = call.outcome(busy, retry=0, retries=1, left=60.0)
    assert isinstance(pause, float)
    assert 2.0 <= pause <= 2.1
    # no longer than the longest pause and its jitter, whatever the service asks for
    longest = call.outcome(_answer(503, "overloaded", {"retry-after": "900"}), retry=0, retries=1, left=60.0)
    assert isinstance(longest, float)
    assert MAX_PAUSE_SECONDS <= longest <= MAX_PAUSE_SECONDS + 0.1
    for retry, left in ((1, 60.0), (0, 1.9)):
        with pytest.raises(Unavailable, match="overloaded"):
            call.outcome(busy, retry, retries=1, left=left)
