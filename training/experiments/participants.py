"""Whom of an experiment's customers the data still have: those lost, merged, or treated against the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd

from ripple.features.dataset import Dataset
from ripple.training.experiments.layout import TREATMENT
from ripple.training.insights.plays_log import contacts


@dataclass(frozen=True)
class Participants:
    """The customers of an experiment as the data have them at its read-out.

    Attributes:
        rows: the assignments that count, by the id that customers had at the design, and `id`, the one they
            have now.
        audience: the audience of these, by the ids of now.
        lost: customers of the design who are not in the data any more, and are left out.
        merged: what became of customers who were merged, by a sentence each.
    """

    rows: pd.DataFrame
    audience: pd.DataFrame
    lost: pd.DataFrame
    merged: tuple[str, ...]


def participants(dataset: Dataset, assignments: pd.DataFrame, audience: pd.DataFrame) -> Participants:
    """Find the customers of *assignments* and of their *audience* in *dataset*.

    Customers who became one and are of the same arm count once; of different arms, they are left out.
    """
    known = set(dataset.tables["customers"].select("customer_id").to_pyarrow()["customer_id"].to_pylist())
    into = _merges(dataset)
    now = pd.Series([_last(name, into, known) for name in assignments.index], assignments.index, dtype=object)
    rows = assignments.assign(id=now)
    lost, rows = rows[now.isna()], rows[now.notna()]
    together = rows.groupby("id")
    size, arms = together["arm"].transform("size"), together["arm"].transform("nunique")
    sentences = [
        f"{' and '.join(map(str, group.index))} became one customer, {name}: "
        + (
            "they were in different arms, so they are left out"
            if group["arm"].nunique() > 1
            else "they were in the same arm, and count once"
        )
        for name, group in rows[size > 1].groupby("id")
    ]
    moved = rows[(size == 1) & (rows["id"] != rows.index)]
    sentences += [f"{old} became part of {new}, and counts as that" for old, new in moved["id"].items()]
    rows = rows[(arms == 1) & ~rows["id"].duplicated()]
    current = audience["customer_id"].map(lambda name: _last(name, into, known))
    members = audience.assign(customer_id=current)
    members = members[current.notna() & members["owner"].isin(rows.index)]
    # who became part of a customer of the experiment, or of another member, counts once
    members = members[~members["customer_id"].isin(rows["id"])].drop_duplicates("customer_id")
    members = members.assign(owner=rows["id"].reindex(members["owner"]).to_numpy())
    return Participants(rows, members, lost.drop(columns="id"), tuple(sentences))


def _merges(dataset: Dataset) -> dict[str, str]:
    if dataset.merges is None:
        return {}
    table = dataset.merges.to_pyarrow()
    return dict(zip(table["old_id"].to_pylist(), table["new_id"].to_pylist(), strict=True))


def _last(name: str, into: Mapping[str, str], known: set[str]) -> str | None:
    """The customer that *name* is now; None where the data have none."""
    seen = set()
    while name in into and name not in seen:
        seen.add(name)
        name = into[name]
    return name if name in known else None


@dataclass(frozen=True)
class Compliance:
    """Who was treated, by ``plays_log``.

    Attributes:
        recorded: whether the data have that table.
        treated: the share of the customers to be treated who were contacted for their play.
        held: the customers to be held out who were contacted for their play after all.
        held_share: their share of those to be held out.
    """

    recorded: bool
    treated: float
    held: tuple[str, ...]
    held_share: float


def compliance(dataset: Dataset, rows: pd.DataFrame, start: datetime, end: datetime) -> Compliance:
    """Whether the customers of *rows* were contacted for their play between *start* and *end*."""
    if dataset.plays_log is None:
        return Compliance(False, float("nan"), (), float("nan"))
    log = contacts(dataset, start, end)
    done = pd.MultiIndex.from_frame(log[["customer_id", "play"]])
    contacted = pd.MultiIndex.from_frame(rows[["id", "play"]]).isin(done)
    treated = (rows["arm"] == TREATMENT).to_numpy()
    against = contacted & ~treated
    return Compliance(
        True,
        float(np.mean(contacted[treated])) if treated.any() else float("nan"),
        tuple(map(str, rows.index[against])),
        float(np.mean(contacted[~treated])) if (~treated).any() else float("nan"),
    )
