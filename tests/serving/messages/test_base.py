from __future__ import annotations

import pytest
from pydantic import ValidationError

from ripple.serving.messages.base import ErrorResponse, Problem, Request, SnapshotResponse


class _Limit(Request):
    limit: float = 1.0


@pytest.mark.parametrize("sent", [{"limit": "1"}, {"limit": True}, {"limit": float("nan")}, {"limits": 1.0}])
def test_what_is_sent_is_taken_strictly(sent: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        _Limit.model_validate(sent)


def test_a_later_service_may_answer_more_and_an_earlier_one_less() -> None:
    header = {"model_version": "1", "as_of": "2026-01-01T00:00:00Z", "currency": "EUR", "horizon_days": 180}
    assert SnapshotResponse.model_validate(header | {"later": 1}).currency == "EUR"
    problem = {"code": "twice", "message": "m", "where": "w", "hint": "h"}
    assert ErrorResponse.model_validate({"error": problem}).error == Problem(**problem, request_id=None)
