"""Who was contacted for which play and when, from the optional table ``plays_log``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.features.tables.contract import PLAYS_LOG


@dataclass(frozen=True)
class PlaysLog:
    """The table, as it was known at a moment.

    Attributes:
        contacts: see `contacts`.
        resting: by customer_id, until when those rest who do at the moment.
    """

    contacts: pd.DataFrame
    resting: pd.Series


def plays_log(dataset: Dataset, moment: datetime) -> PlaysLog | None:
    """All contacts before *moment*, and who rests then; None where the dataset has no such table."""
    if dataset.plays_log is None:
        return None
    known = contacts(dataset, None, moment)
    rest = timedelta(days=dataset.settings.plays.rest_days)
    until = known.groupby("customer_id")["contacted_at"].max() + rest
    # as in `resting`: who was contacted just so long ago still rests
    return PlaysLog(known, until[until >= moment])


def contacts(dataset: Dataset, since: datetime | None, before: datetime) -> pd.DataFrame:
    """The rows of ``plays_log`` with *since* ≤ `contacted_at` < *before*, in order of time.

    Without *since*, from the beginning.

    Returns:
        `customer_id`, `play` and `contacted_at`; empty where the dataset has no such table.

    Raises:
        InputError: a row lacks one of these.
    """
    columns = PLAYS_LOG.required
    if dataset.plays_log is None:
        return pd.DataFrame(columns=columns)
    rows = dataset.plays_log.select(*columns).to_pyarrow().to_pandas()
    if len(incomplete := rows[rows.isna().any(axis=1)]):
        raise InputError(
            f"{PLAYS_LOG.name}: {len(incomplete):,} rows lack {', '.join(columns[:-1])} or {columns[-1]}, or "
            f"hold one that cannot be read; such as {incomplete.iloc[0].to_dict()}. Fill it in, or remove "
            "the row."
        )
    within = rows["contacted_at"] < before
    if since is not None:
        within &= rows["contacted_at"] >= since
    return rows[within].sort_values(["contacted_at", "customer_id", "play"], ignore_index=True)


def treated_by_cutoff(dataset: Dataset, cutoffs: Sequence[datetime]) -> dict[datetime, int]:
    """By cutoff whose label may follow from plays, the customers who were contacted in its horizon."""
    horizon = timedelta(days=dataset.settings.horizon_days)
    log = contacts(dataset, min(cutoffs), max(cutoffs) + horizon)
    numbers = {
        cutoff: log["customer_id"][log["contacted_at"].between(cutoff, cutoff + horizon, "left")].nunique()
        for cutoff in cutoffs
    }
    return {cutoff: number for cutoff, number in numbers.items() if number}


def resting(dataset: Dataset, moment: datetime) -> pd.Index:
    """The customers who were contacted in the `plays.rest_days` before *moment*, for whatever play."""
    since = moment - timedelta(days=dataset.settings.plays.rest_days)
    return pd.Index(contacts(dataset, since, moment)["customer_id"].unique(), name="customer_id")
