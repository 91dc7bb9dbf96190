"""Use is events with a name, or a column of counts for each feature; feedback is a score that is rescaled."""

from __future__ import annotations

import pandas as pd
import pytest

from ripple.features.profiling.events import find_feedback, find_usage
from tests.support.oracles import feature_frames
from tests.support.proposals import ACCOUNTS, DAYS, Looking, company, opened


def test_events_without_a_name_are_called_after_their_table(look: Looking) -> None:
    logins = pd.DataFrame({"account_id": ACCOUNTS, "timestamp": DAYS})
    tables, _, entities = look(company() | {"logins": logins})
    part = find_usage(entities, next(table for table in tables if table.name == "logins"))
    assert part is not None
    assert part.columns["feature"].value == "login"
    assert part.columns["feature"].confidence < 0.6


def test_counts_by_day_are_unpivoted(tmp_path) -> None:
    daily = pd.DataFrame(
        {
            "account_id": ACCOUNTS * 2,
            "date": [DAYS[0]] * 60 + [DAYS[1]] * 60,
            "exports": [0, 1, 2] * 40,
            "edits": [3, 4, 0] * 40,
            "views": [1, 0, 5] * 40,
        }
    )
    frames = company() | {"daily_usage": daily}
    del frames["events"]
    usage = opened(feature_frames.write(frames, tmp_path / "data")).tables["usage"].to_pandas()
    assert usage.groupby("feature").quantity.sum().to_dict() == {"exports": 120, "edits": 280, "views": 240}


@pytest.mark.parametrize(
    ("column", "values", "scores"),
    [
        ("nps_score", [0, 5, 10], [-1, 0, 1]),
        ("rating", [1, 3, 5], [-1, 0, 1]),
        ("csat", ["bad", "good", "neutral"], [-1, 1, 0]),
        # a survey that was offered and not answered says nothing
        ("csat", ["bad", "good", "offered"], [-1, 1]),
        ("sentiment", [-0.5, 0.25, 1.0], [-0.5, 0.25, 1.0]),
    ],
)
def test_scores_of_any_scale_are_from_minus_one_to_one(tmp_path, column, values, scores) -> None:
    frames = company()
    frames["nps_responses"] = pd.DataFrame(
        {"account_id": ACCOUNTS[:3], "submitted_at": DAYS[:3], column: values}
    )
    frame = opened(feature_frames.write(frames, tmp_path / "data")).tables["feedback"].to_pandas()
    assert frame.sort_values("customer_id").score.tolist() == scores


def test_a_table_without_a_score_is_no_feedback(look: Looking) -> None:
    tables, _, entities = look(company())
    found = [table.name for table in tables if find_feedback(entities, table)]
    assert found == ["nps_responses"]
