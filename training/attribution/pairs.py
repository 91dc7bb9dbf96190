"""Who is credited with whom: the label of a window, customer by customer instead of added up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.adoptions import read
from ripple.training.attribution.exposures import contacts
from ripple.training.attribution.influence import causes
from ripple.training.attribution.label import stratum_of
from ripple.training.attribution.referral_credit import referral_credits, referred

COLUMNS = ("source_id", "target_id", "referred", "probability", "value")


def influenced(
    tables: Tables, start: datetime, end: datetime, settings: Settings, sources: Sequence[str]
) -> pd.DataFrame:
    """Whom each of *sources* brought in or influenced in (start, end], by value.

    Returns:
        The columns of `COLUMNS`. Of a referred target, what they spent, with probability 1. Of others, the
        probability that the source was behind at least one of their adoptions, and the one-step credit for
        them in currency. Empty without interactions.
    """
    if "interactions" not in tables:
        return pd.DataFrame(columns=list(COLUMNS))
    found = pd.concat([_brought_in(tables, start, end, settings), _moved(tables, start, end, settings)])
    found = found[found["source_id"].isin(list(sources)) & (found["value"] > 0)]
    return found.sort_values(["source_id", "value", "target_id"], ascending=[True, False, True])[
        list(COLUMNS)
    ].reset_index(drop=True)


def _brought_in(tables: Tables, start: datetime, end: datetime, settings: Settings) -> pd.DataFrame:
    credits = referral_credits(
        referred(tables, end), tables.orders_in(start, end), settings.credit.referral_days
    )
    spent = credits.group_by("source_id", "target_id").aggregate(value=credits.value.sum())
    return spent.to_pyarrow().to_pandas().assign(referred=True, probability=1.0)


def _moved(tables: Tables, start: datetime, end: datetime, settings: Settings) -> pd.DataFrame:
    events = read(tables, start, end, settings.credit)
    met = contacts(tables, events, start, end)
    found = causes(met, events, stratum_of(met, events, settings), settings)
    adoptions = events.adoptions
    found = found.where(~adoptions.referred[found.effect])
    rows = pd.DataFrame(
        {
            "source": found.source,
            "target": adoptions.customer[found.effect],
            "missed": np.log(np.maximum(1 - found.probability, 1e-12)),
            "value": found.probability * found.loss * adoptions.value[found.effect],
        }
    )
    pairs = rows.groupby(["source", "target"], as_index=False).sum()
    ids = events.ids.to_pandas()
    return pd.DataFrame(
        {
            "source_id": ids.take(pairs["source"]).to_numpy(),
            "target_id": ids.take(pairs["target"]).to_numpy(),
            "referred": False,
            "probability": -np.expm1(pairs["missed"].to_numpy()),
            "value": pairs["value"].to_numpy(),
        }
    )
