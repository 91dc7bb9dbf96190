"""The label of a window by source and target with the evidence for each pair."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import ibis
import numpy as np
import pandas as pd

from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.label import MIN_COMPLEMENT, attribute_window
from ripple.training.attribution.referral_credit import referral_credits, referrals

PAIR = ["source_id", "target_id"]
COLUMNS = (
    *PAIR,
    *("referred", "probability", "value"),
    *("product", "adopted_at", "adoptions", "contact", "contact_at", "contacts"),
)
"""The columns of the table of pairs."""


def credited_pairs(
    tables: Tables,
    start: datetime,
    end: datetime,
    settings: Settings,
    sources: Sequence[str],
    targets: Sequence[str] = (),
) -> pd.DataFrame:
    """Whom each of *sources*, and who of all customers *targets*, referred or influenced in (start, end].

    Returns:
        The columns of `COLUMNS`, ordered by source, then value. For a referred target, what they spent, with
        probability 1. For others, the probability that the source caused at least one of their adoptions, and
        the one-step credit for them in currency. The evidence: the `product` with the most credit, when it
        was adopted (when a referred target joined), how many `adoptions` are credited; the kind and the time
        of the last contact from source to target before it, and the number of `contacts`. Empty without
        interactions.
    """
    if "interactions" not in tables:
        return pd.DataFrame(columns=list(COLUMNS))
    pairs = pd.concat(
        [_referred_pairs(tables, start, end, settings), _influenced_pairs(tables, start, end, settings)]
    )
    listed = pairs["source_id"].isin(list(sources)) | pairs["target_id"].isin(list(targets))
    pairs = pairs[listed & (pairs["value"] > 0)]
    pairs = pairs.merge(_contacts(tables, pairs, end), "left", [*PAIR, "referred"])
    pairs["contacts"] = pairs["contacts"].fillna(0).astype(np.int64)
    return pairs.sort_values(["source_id", "value", "target_id"], ascending=[True, False, True])[
        list(COLUMNS)
    ].reset_index(drop=True)


def _referred_pairs(tables: Tables, start: datetime, end: datetime, settings: Settings) -> pd.DataFrame:
    recorded = referrals(tables, end)
    credits = referral_credits(recorded, tables.orders_in(start, end), settings.credit.referral_days)
    rows = _totals(credits.to_pyarrow().to_pandas().drop(columns="probability"), PAIR)
    joined = recorded.distinct().to_pyarrow().to_pandas().rename(columns={"joined_at": "adopted_at"})
    return rows.merge(joined, "left", PAIR).assign(referred=True, probability=1.0)


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
            "product": adoptions.product[adoption],
            "day": adoptions.day[adoption],
        }
    )
    pairs = _totals(rows, ["source", "target"])
    ids, names = history.customer_ids.to_pandas(), np.array(history.product_names, dtype=object)
    return pd.DataFrame(
        {
            "source_id": ids.take(pairs["source"]).to_numpy(),
            "target_id": ids.take(pairs["target"]).to_numpy(),
            "referred": False,
            "probability": -np.expm1(pairs["log_complement"].to_numpy()),
            "value": pairs["value"].to_numpy(),
            "product": names[pairs["product"].to_numpy()],
            "adopted_at": start + pd.to_timedelta(pairs["day"].to_numpy() * 86_400, unit="s").round("s"),
            "adoptions": pairs["adoptions"].to_numpy(),
        }
    )


def _totals(rows: pd.DataFrame, pair: list[str]) -> pd.DataFrame:
    """Sums by *pair*, with the number of `adoptions`, and the product and day of the one with most value."""
    sums = (
        rows.groupby(pair, as_index=False)
        .sum(numeric_only=True)
        .drop(columns=["product", "day"], errors="ignore")
    )
    counts = rows.groupby(pair, as_index=False).size().rename(columns={"size": "adoptions"})
    by_value = rows.sort_values(["value", "product"], ascending=[False, True], kind="stable")
    most = by_value.drop_duplicates(pair)[[*pair, *(name for name in ("product", "day") if name in rows)]]
    return sums.merge(counts, on=pair).merge(most, on=pair)


def _contacts(tables: Tables, pairs: pd.DataFrame, end: datetime) -> pd.DataFrame:
    """The last contact of each of *pairs* before the adoption, or the referral, and their number."""
    interactions = tables["interactions"].filter(tables["interactions"].occurred_at <= end)
    wanted = ibis.memtable(pairs[[*PAIR, "referred", "adopted_at"]])
    rows = interactions.join(wanted, PAIR)
    before = ibis.ifelse(rows.referred, rows.kind == "referral", rows.occurred_at <= rows.adopted_at)
    found = rows.filter(before).select(*PAIR, "referred", contact="kind", contact_at="occurred_at")
    table = found.to_pyarrow().to_pandas().sort_values([*PAIR, "referred", "contact_at", "contact"])
    last = table.drop_duplicates([*PAIR, "referred"], keep="last")
    return last.merge(
        table.groupby([*PAIR, "referred"], as_index=False).size().rename(columns={"size": "contacts"})
    )
