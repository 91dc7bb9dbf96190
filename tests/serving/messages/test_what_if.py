from __future__ import annotations

import pytest
from pydantic import ValidationError

from ripple.serving.messages.what_if import MAX_SUGGESTIONS
from ripple.serving.schemas import CustomerScore, ScoreByIds


@pytest.mark.parametrize("suggest", [-1, MAX_SUGGESTIONS + 1, True, "1", 1.5])
def test_a_number_of_suggestions_is_checked(suggest: object) -> None:
    with pytest.raises(ValidationError):
        ScoreByIds.model_validate({"customer_ids": ["a"], "suggest": suggest})


def test_an_earlier_service_says_nothing_of_it() -> None:
    answer = {
        "customer_id": "a",
        "network_value": 2.5,
        "network_value_low": 1.0,
        "network_value_high": 4.0,
        "top_probability": 0.25,
        "top_member": True,
        "rank": 1,
        "percentile": 100.0,
        "overridden": [],
    }
    score = CustomerScore.model_validate(answer)
    assert score.flagged is score.suggestions is None
