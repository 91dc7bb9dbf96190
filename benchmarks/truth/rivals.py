"""The label and simpler ways to rank the customers of a window, from the tables alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
from scipy import sparse

from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution import decayed_credit, network_value
from ripple.training.examples.examples import frame

LABEL, DECAYED = "label", "time-decayed credit"
DAMPING = 0.85
"""The probability with which PageRank's random walk follows an edge."""
ADOPTION = ["customer_id", "product"]


@dataclass(frozen=True)
class Rankings:
    """Scores of the customers of one window, indexed by customer_id."""

    label: pd.DataFrame
    """The columns of `network_value`."""
    influence: pd.DataFrame
    """Influence value by each way to attribute it, a column each."""
    scores: pd.DataFrame
    """The scores of each ranking, a column each: attributions with the label's referral value, and rules."""


def rank(tables: Tables, start: datetime, end: datetime, settings: Settings) -> Rankings:
    """Score the customers by the window (start, end], from what *tables* hold."""
    label = frame(network_value(tables, start, end, settings))
    decayed = frame(decayed_credit(tables, start, end, settings))["influence_value"]
    interactions = tables["interactions"].to_pandas()
    by_source = interactions.groupby("source_id")
    attributions = {LABEL: label["influence_value"], DECAYED: decayed}
    attributions |= touch_attributions(tables, start, end, settings)
    rules = {
        "degree": by_source["target_id"].nunique(),
        "weighted degree": by_source["weight"].sum(),
        "PageRank": page_rank(interactions),
        "own revenue": label["direct_value"],
    }
    influence = pd.DataFrame(attributions).reindex(label.index).fillna(0.0)
    with_referrals = influence.add(label["referral_value"], axis=0)
    return Rankings(label, influence, with_referrals.join(pd.DataFrame(rules)).fillna(0.0))


def touch_attributions(
    tables: Tables, start: datetime, end: datetime, settings: Settings
) -> dict[str, pd.Series[float]]:
    """Influence value where all who touched an adoption share it equally, and where the last has it all."""
    touches = _touches(tables, start, end, settings)
    latest = touches.groupby(ADOPTION)["source_adopted_at"].transform("max")
    return {
        "equal split": _shared_equally(touches),
        "last touch": _shared_equally(touches[touches["source_adopted_at"] == latest]),
    }


def _shared_equally(touches: pd.DataFrame) -> pd.Series[float]:
    share = touches["value"] / touches.groupby(ADOPTION)["value"].transform("size")
    return share.groupby(touches["source_id"]).sum()


def _touches(tables: Tables, start: datetime, end: datetime, settings: Settings) -> pd.DataFrame:
    """Adoptions in the window that no referral explains, with each customer who touched them.

    They had adopted the same product, at most `window_days` before, and had reached the adopter by then.
    """
    orders, interactions = tables["orders"].to_pandas(), tables["interactions"].to_pandas()
    adopted = orders.groupby(ADOPTION)["ordered_at"].min().rename("adopted_at").reset_index()
    in_window = orders[(orders["ordered_at"] > start) & (orders["ordered_at"] <= end)]
    value = in_window.groupby(ADOPTION)["revenue"].sum().clip(lower=0.0).rename("value").reset_index()
    adoptions = adopted[adopted["adopted_at"] > start].merge(value, on=ADOPTION)
    unreferred = _unreferred(adoptions, tables, settings)
    contacts = interactions[interactions["kind"] != "referral"]
    first_contact = contacts.groupby(["source_id", "target_id"])["occurred_at"].min()
    first_contact = first_contact.rename("first_contact_at").rename_axis(["source_id", "customer_id"])
    sources = adopted.set_axis(["source_id", "product", "source_adopted_at"], axis=1)
    touches = unreferred.merge(first_contact.reset_index(), on="customer_id").merge(
        sources, on=["source_id", "product"]
    )
    delay = touches["adopted_at"] - touches["source_adopted_at"]
    within = (delay > timedelta(0)) & (delay <= timedelta(days=settings.credit.window_days))
    return touches[within & (touches["first_contact_at"] < touches["adopted_at"])]


def _unreferred(adoptions: pd.DataFrame, tables: Tables, settings: Settings) -> pd.DataFrame:
    interactions, joined = tables["interactions"].to_pandas(), frame(tables["customers"])["joined_at"]
    referred = adoptions["customer_id"].isin(
        interactions.loc[interactions["kind"] == "referral", "target_id"]
    )
    since = adoptions["adopted_at"] - adoptions["customer_id"].map(joined)
    return adoptions[~(referred & (since <= timedelta(days=settings.credit.referral_days)))]


def page_rank(interactions: pd.DataFrame) -> pd.Series[float]:
    """PageRank (Page, Brin, Motwani & Winograd 1999): targets vote for who reached them, by weight."""
    customers = pd.Index(interactions["source_id"]).union(interactions["target_id"]).unique()
    voter, source = (customers.get_indexer(interactions[end]) for end in ("target_id", "source_id"))
    size = len(customers)
    votes = sparse.csr_array((interactions["weight"], (source, voter)), shape=(size, size))
    outgoing = votes.sum(axis=0)
    inverse = np.divide(1.0, outgoing, out=np.zeros_like(outgoing), where=outgoing > 0)
    votes = votes @ sparse.diags_array(inverse)
    scores = np.full(len(customers), 1 / size)
    for _ in range(100):
        received = votes @ scores
        scores = DAMPING * received + (1 - DAMPING * received.sum()) / size
    return pd.Series(scores, customers)
