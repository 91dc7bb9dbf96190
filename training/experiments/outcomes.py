"""What is compared: outcomes of the customers of an experiment over a window, and what predicts them."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd

from ripple.features.dataset import Dataset
from ripple.training.attribution import network_value
from ripple.training.examples.examples import frame
from ripple.training.experiments.population import own_revenue

OWN, AUDIENCE, TOTAL, CREDITED, ACTIVE = (
    "own_revenue",
    "audience_revenue",
    "total_revenue",
    "network_value",
    "active",
)
OUTCOMES = {
    TOTAL: "revenue of the customer and of the audience",
    OWN: "revenue of the customer",
    AUDIENCE: "revenue of those the customer had reached before the start, each counted once",
    CREDITED: "revenue of others that is credited to the customer",
    ACTIVE: "share of customers who order or use anything in the last third of the time",
}
"""The outcomes and what they are, the first of them the one that plays are judged by."""
EXPECTED = {TOTAL: "value", OWN: "direct_value", AUDIENCE: "network_value", CREDITED: "network_value"}
"""The model's prediction of an outcome."""


def outcomes(
    dataset: Dataset,
    start: datetime,
    end: datetime,
    customers: pd.Index,
    audience: pd.DataFrame,
    credited: bool = True,
) -> pd.DataFrame:
    """The outcomes of *customers* in (*start*, *end*], by what was known at *end*.

    Args:
        dataset: see `Dataset`.
        start, end: the window.
        customers: the customers of the experiment.
        audience: `customer_id`, each once, and `owner`, the one of *customers* whose audience they are.
        credited: whether to compute credited network value, which takes longest.

    Returns:
        By customer_id, the columns of `OUTCOMES`, in currency except `active`, which is 0 or 1.
    """
    own = own_revenue(dataset, start, end, customers)
    spent = own_revenue(dataset, start, end, pd.Index(audience["customer_id"]))
    reached = spent.groupby(audience["owner"].to_numpy()).sum().reindex(customers, fill_value=0.0)
    columns = {TOTAL: own + reached, OWN: own, AUDIENCE: reached}
    if credited:
        label = frame(
            network_value(dataset.tables.until(end), start, end, dataset.settings, joined_before=end)
        )
        columns[CREDITED] = label["network_value"].reindex(customers, fill_value=0.0)
    seen = active(dataset, end - (end - start) / 3, end)
    columns[ACTIVE] = pd.Series(customers.isin(seen), customers).astype(np.float64)
    return pd.DataFrame(columns, index=customers)


def active(dataset: Dataset, start: datetime, end: datetime) -> pd.Index:
    """The customers who ordered or used anything in (*start*, *end*]."""
    tables = dataset.tables.until(end)
    rows = tables.orders_in(start, end).select("customer_id")
    if "usage" in tables:
        usage = tables["usage"]
        rows = rows.union(usage.filter(usage.occurred_at > start).select("customer_id"))
    return pd.Index(rows.distinct().to_pyarrow()["customer_id"].to_pylist())


def covariates(outcome: str, before: pd.DataFrame, expected: pd.DataFrame) -> np.ndarray:
    """What predicts an *outcome*: the same of the window *before* the start, and the model's prediction.

    Args:
        outcome: its name.
        before: `outcomes` of the window before the start, by customer.
        expected: `network_value`, `direct_value` and their sum `value`, row by row the same customers.
    """
    prediction = expected[EXPECTED.get(outcome, "direct_value")].to_numpy(np.float64)
    # what was credited before would take another label to compute; whom it was credited for is the audience
    same = before[AUDIENCE if outcome == CREDITED else outcome].to_numpy(np.float64)
    return np.column_stack([prediction, same] if outcome == CREDITED else [same, prediction])
