"""The label of a window by source and target, instead of added up by source."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from ripple.features.expressions import sum_or_zero
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.label import MIN_COMPLEMENT, attribute_window
from ripple.training.attribution.referral_credit import referral_credits, referrals

COLUMNS = ("source_id", "target_id", "referred", "probability", "value")
"""The columns of the table of pairs."""


def credited_pairs(
    tables: Tables, start: datetime, end: datetime, settings: Settings, sources: Sequence[str]
) -> pd.DataFrame:
    """Whom each of *sources* referred or influenced in (start, end], by value.

    Returns:
        The columns of `COLUMNS`. For a referred target, what they spent, with probability 1. For others, the
        probability that the source caused at least one of their adoptions, and the one-step credit for them
        in currency. Empty without interactions.
    """
    if "interactions" not in tables:
        return pd.DataFrame(columns=list(COLUMNS))
    pairs = pd.concat(
        [_referred_pairs(tables, start, end, settings), _influenced_pairs(tables, start, end, settings)]
    )
    pairs = pairs[pairs["source_id"].isin(list(sources)) & (pairs["value"] > 0)]
    return pairs.sort_values(["source_id", "value", "target_id"], ascending=[True, False, True])[
        list(COLUMNS)
    ].reset_index(drop=True)


def _referred_pairs(tables: Tables, start: datetime, end: datetime, settings: Settings) -> pd.DataFrame:
    credits = referral_credits(
        referrals(tables, end), tables.orders_in(start, end), settings.credit.referral_days
    )
    pairs = credits.group_by("source_id", "target_id").aggregate(value=sum_or_zero(credits.value))
    return pairs.to_pyarrow().to_pandas().assign(referred=True, probability=1.0)


def _influenced_pairs(tables: Tables, start: datetime, end: datetime, settings: Settings) -> pd.DataFrame:
    history, attributions = attribute_window(tables, start, end, settings)
    adoptions = history.adoptions
    attributions = attributions.where(~adoptions.referred[attributions.adoption])
    probability, adoption = attributions.probability, attributions.adoption
    rows = pd.DataFrame(
        {
            "source": attributions.source,
            "target": adoptions.customer[adoption],
            "log_complement": np.log(np.maximum(1 - probability, MIN_COMPLEMENT)),
            "value": probability * attributions.incremental_share * adoptions.value[adoption],
        }
    )
    pairs = rows.groupby(["source", "target"], as_index=False).sum()
    ids = history.customer_ids.to_pandas()
    return pd.DataFrame(
        {
            "source_id": ids.take(pairs["source"]).to_numpy(),
            "target_id": ids.take(pairs["target"]).to_numpy(),
            "referred": False,
            "probability": -np.expm1(pairs["log_complement"].to_numpy()),
            "value": pairs["value"].to_numpy(),
        }
    )
