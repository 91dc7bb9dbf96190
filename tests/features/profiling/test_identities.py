"""People who are anonymous in some rows are those of rows with both ids, unless several share one."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.support.oracles import feature_frames
from tests.support.proposals import PEOPLE, company, opened, required_rows

DEVICES = [f"device-{number:05d}" for number in range(120)]


@pytest.mark.parametrize("own", [True, False], ids=["same table", "identifies"])
def test_events_before_the_login_are_those_of_the_same_device(tmp_path, own) -> None:
    frames = company()
    account = dict(zip(frames["users"].id, frames["users"].account_id, strict=True))
    device = dict(zip(PEOPLE, DEVICES, strict=True))
    events = frames["events"].assign(anonymous_id=frames["events"].user_id.map(device))
    known = set(PEOPLE if not own else events.user_id[events.index % 4 > 0])
    if not own:
        frames["identifies"] = pd.DataFrame({"anonymous_id": DEVICES, "user_id": PEOPLE})
    true = events.user_id
    frames["events"] = events.assign(user_id=true.where(events.index % 4 > 0))
    dataset = opened(feature_frames.write(frames, tmp_path / "data"))
    assert required_rows(dataset, "usage") == sorted(
        (account[who], row.timestamp.to_pydatetime(), row.event_name)
        for row, who in zip(events.itertuples(), true, strict=True)
        if who in known
    )


def test_a_device_of_several_people_names_nobody(tmp_path) -> None:
    frames = company()
    device = dict(zip(PEOPLE, DEVICES, strict=True))
    events = frames["events"].assign(anonymous_id=frames["events"].user_id.map(device))
    shared = events.user_id.isin(PEOPLE[:10])
    events.loc[shared, "anonymous_id"] = "device-99999"
    frames["events"] = events.assign(user_id=events.user_id.where(events.index % 3 > 0))
    rows = required_rows(opened(feature_frames.write(frames, tmp_path / "data")), "usage")
    named = (events.index % 3 > 0) | ~shared
    by_device = set(frames["events"].dropna(subset="user_id").anonymous_id)
    assert len(rows) == (named & ((events.index % 3 > 0) | events.anonymous_id.isin(by_device))).sum()
