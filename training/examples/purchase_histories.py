"""What BG/NBD and Gamma–Gamma read of each customer: when and for how much they had bought by a cutoff."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

from ripple.features.dataset import Dataset
from ripple.training.examples.examples import frame

DAYS_PER_WEEK = 7
COLUMNS = ["frequency", "recency", "T", "monetary_value"]
"""The sufficient statistics, by the names of the literature (Fader, Hardie & Lee 2005)."""


def purchase_history(dataset: Dataset, cutoff: datetime) -> pd.DataFrame:
    """The purchases of every customer that had happened and were known before *cutoff*.

    All purchases of a day are one.

    Returns:
        By customer_id, for those who had bought: `frequency` (days with a purchase after the first),
        `recency` (weeks from the first to the last), `T` (weeks from the first to the last day before the
        cutoff), and `monetary_value` (mean amount of a day after the first, in currency; 0 without any).
    """
    past = dataset.history.before(cutoff)
    orders = past["order_days"].semi_join(past["members"], "customer")
    days = orders.group_by("customer", "age").aggregate(
        orders=orders.orders.sum(), amount=orders.revenue.sum().cast("float64")
    )
    days = days.filter(days.orders > 0, days.amount > 0)
    first = days.age.max()
    bought = days.group_by("customer").aggregate(
        days=days.count(),
        first=first,
        last=days.age.min(),
        amount=days.amount.cast("decimal(18, 6)").sum().cast("float64"),
        first_amount=days.amount.argmax(days.age),
    )
    table = frame(
        bought.join(past["members"].select("customer", "customer_id"), "customer")
        .drop("customer")
        .order_by("customer_id")
    )
    repeated = table["days"] - 1
    return pd.DataFrame(
        {
            "frequency": repeated,
            "recency": (table["first"] - table["last"]) / DAYS_PER_WEEK,
            "T": (table["first"] - 1) / DAYS_PER_WEEK,
            "monetary_value": ((table["amount"] - table["first_amount"]) / repeated)
            .where(repeated > 0, 0.0)
            .clip(lower=0.0),
        }
    ).astype("float64")
