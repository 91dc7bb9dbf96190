"""How customers use each of the three powers: by what kinds of interactions, and how many they reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pandas as pd

from ripple.features.dataset import Dataset

DAYS = 365
"""The days before the end of the data whose interactions are counted."""
POWERS = ("referent", "informational", "expert")


@dataclass(frozen=True)
class PowerUse:
    """The use of powers over the `DAYS` up to `end`.

    Attributes:
        kinds: of the listed customers, one row per `customer_id`, `power` and `kind`: the number of `events`
            and of different customers `reached` by them.
        groups: one row per `power`: `top` and `everybody`, the shares of the top and of all customers who
            used it, and `top_reached` and `everybody_reached`, the medians of how many customers those who
            used it reached by it; nan where nobody did.
    """

    kinds: pd.DataFrame = field(default_factory=pd.DataFrame)
    groups: pd.DataFrame = field(default_factory=pd.DataFrame)
    end: datetime | None = None


def power_use(dataset: Dataset, scores: pd.DataFrame, end: datetime, listed: Sequence[str]) -> PowerUse:
    """Count the interactions that each customer began in the `DAYS` before *end*.

    Args:
        scores: of all customers, by customer_id, with `top_member`.
        end: the end of the data.
        listed: the customers whose kinds of interactions are kept one by one.
    """
    known = dataset.tables.before(end)
    if "interactions" not in known:
        return PowerUse()
    rows = known["interactions"]
    rows = rows.filter((rows.occurred_at > end - timedelta(days=DAYS)) & (rows.source_id != rows.target_id))
    counted = rows.group_by("source_id", "kind", "target_id").aggregate(events=rows.count())
    table = counted.to_pyarrow().to_pandas().rename(columns={"source_id": "customer_id"})
    table["power"] = table["kind"].map(dataset.settings.powers)
    table = table[table["power"].notna() & table["customer_id"].isin(scores.index)]
    of_listed = table[table["customer_id"].isin(list(listed))]
    kinds = of_listed.groupby(["customer_id", "power", "kind"]).agg(
        events=("events", "sum"), reached=("target_id", "nunique")
    )
    reached = table.groupby(["power", "customer_id"])["target_id"].nunique()
    members = scores.index[scores["top_member"]]
    return PowerUse(
        kinds.reset_index(),
        pd.DataFrame([_group(reached, power, members, len(scores)) for power in POWERS]),
        end,
    )


def _group(reached: pd.Series, power: str, members: pd.Index, customers: int) -> dict[str, float | str]:
    of_power = reached[reached.index.get_level_values("power") == power].droplevel("power")
    of_top = of_power[of_power.index.isin(members)]
    return {
        "power": power,
        "top": len(of_top) / len(members),
        "everybody": len(of_power) / customers,
        "top_reached": float(of_top.median()),
        "everybody_reached": float(of_power.median()),
    }
