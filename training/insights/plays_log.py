"""Who was contacted for which play and when, from the optional table ``plays_log``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pandas as pd

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.features.tables.contract import PLAYS_LOG


def contacts(dataset: Dataset, since: datetime, before: datetime) -> pd.DataFrame:
    """The rows of ``plays_log`` with *since* ≤ `contacted_at` < *before*, in order of time.

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
    within = (rows["contacted_at"] >= since) & (rows["contacted_at"] < before)
    return rows[within].sort_values(["contacted_at", "customer_id", "play"], ignore_index=True)


def treated_by_cutoff(dataset: Dataset, cutoffs: Sequence[datetime]) -> dict[datetime, int]:
    """By cutoff whose label may follow from plays, the customers who were contacted in its horizon."""
    horizon = timedelta(days=dataset.settings.horizon_days)
    numbers = {
        cutoff: contacts(dataset, cutoff, cutoff + horizon)["customer_id"].nunique() for cutoff in cutoffs
    }
    return {cutoff: number for cutoff, number in numbers.items() if number}


def resting(dataset: Dataset, moment: datetime) -> pd.Index:
    """The customers who were contacted in the `plays.rest_days` before *moment*, for whatever play."""
    since = moment - timedelta(days=dataset.settings.plays.rest_days)
    return pd.Index(contacts(dataset, since, moment)["customer_id"].unique(), name="customer_id")
