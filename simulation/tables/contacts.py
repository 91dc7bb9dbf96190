"""The table plays_log: who was contacted for which play, as a company would write it down."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

import pyarrow as pa

HOUR = 9
"""The hour of the first contact of a play, UTC, counted from its start."""


def contacts_table(plays: Mapping[str, str], start: datetime) -> pa.Table:
    """A contact with each customer within a day of the *start* of their play, in the order of time.

    Args:
        plays: customer_id → name of the play.
        start: when the play begins.
    """
    first = start + timedelta(hours=HOUR)
    # a team that calls one after the other, however many they are, before the day is over
    step = timedelta(hours=24 - HOUR) / max(len(plays) + 1, 1)
    moments = [(first + number * step).replace(microsecond=0) for number in range(len(plays))]
    return pa.table(
        {
            "customer_id": pa.array(list(plays), pa.string()),
            "play": pa.array(list(plays.values()), pa.string()),
            "contacted_at": pa.array(moments, pa.timestamp("us")),
            "outcome": pa.array(["reached"] * len(plays), pa.string()),
        }
    )
