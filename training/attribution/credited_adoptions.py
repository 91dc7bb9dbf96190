"""The label of a window by source, target and product, with the day and the contact, instead of added up."""

from __future__ import annotations

from datetime import datetime

import ibis
import numpy as np
import pandas as pd

from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.label import attribute_window
from ripple.training.attribution.referral_credit import referral_credits, referrals

COLUMNS = ("source_id", "target_id", "product", "date", "contact", "probability", "value")
"""The columns of the table of credited adoptions."""
REFERRAL = "referral"
"""The kind of contact of a recorded referral."""


def credited_adoptions(tables: Tables, start: datetime, end: datetime, settings: Settings) -> pd.DataFrame:
    """Who was credited in (start, end] with which purchases of whom; needs interactions.

    Returns:
        The columns of `COLUMNS`, a row for each source, target and product with a value above 0, ordered by
        them. After a referral: what the target spent on the product, from its first order in the window on,
        with probability 1. Otherwise: the target's first purchase of the product, the probability that the
        source caused it, the one-step credit in currency, and the kind of the last contact before it.
    """
    parts = [_referred(tables, start, end, settings), _influenced(tables, start, end, settings)]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows[rows["value"] > 0].sort_values(["source_id", "target_id", "product"])
    return rows[list(COLUMNS)].reset_index(drop=True)


def _referred(tables: Tables, start: datetime, end: datetime, settings: Settings) -> pd.DataFrame:
    orders = tables.orders_in(start, end)
    credits = referral_credits(referrals(tables, end), orders, settings.credit.referral_days)
    first = orders.group_by(target_id=orders.customer_id, product=orders.product).aggregate(
        date=orders.ordered_at.min()
    )
    rows = credits.join(first, ["target_id", "product"]).to_pyarrow().to_pandas()
    return rows.assign(contact=REFERRAL, date=rows["date"].astype("datetime64[s]").dt.floor("D"))


def _influenced(tables: Tables, start: datetime, end: datetime, settings: Settings) -> pd.DataFrame:
    history, attributions = attribute_window(tables, start, end, settings)
    adoptions = history.adoptions
    attributions = attributions.where(~adoptions.referred[attributions.adoption])
    adoption, probability = attributions.adoption, attributions.probability
    products = tables["orders"].filter(tables["orders"].ordered_at <= end).select("product").distinct()
    # numbered as `read_history` numbers them
    _, names = pd.factorize(products.to_pyarrow().to_pandas()["product"], sort=True)
    ids = history.customer_ids.to_pandas()
    moments = np.datetime64(start, "s") + np.round(86400 * adoptions.day[adoption]).astype("timedelta64[s]")
    rows = pd.DataFrame(
        {
            "source_id": ids.take(attributions.source).to_numpy(),
            "target_id": ids.take(adoptions.customer[adoption]).to_numpy(),
            "product": names.take(adoptions.product[adoption]),
            "date": moments,
            "probability": probability,
            "value": probability * attributions.incremental_share * adoptions.value[adoption],
        }
    )
    rows = rows[rows["value"] > 0].reset_index(drop=True)
    return rows.assign(contact=_last_contacts(tables, rows), date=rows["date"].dt.floor("D"))


def _last_contacts(tables: Tables, rows: pd.DataFrame) -> pd.Series:
    """The kind of the last contact from source to target before the moment in *rows*."""
    asked = rows[["source_id", "target_id"]].assign(row=np.arange(len(rows)), until=rows["date"])
    contacts = tables["interactions"]
    contacts = contacts.filter(contacts.kind != REFERRAL)
    met = contacts.join(ibis.memtable(asked), ["source_id", "target_id"])
    met = met.filter(met.occurred_at < met.until)
    last = met.group_by("row", "kind").aggregate(at=met.occurred_at.max()).to_pyarrow().to_pandas()
    last = last.sort_values(["row", "at", "kind"], ascending=[True, False, True]).drop_duplicates("row")
    return last.set_index("row")["kind"].reindex(np.arange(len(rows)))
