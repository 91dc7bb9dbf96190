"""Which customers get which play, by explicit rules, what is at stake with each and what it may cost at most.

The rules are `plays.rules` of the settings. What a play may cost at most is the margin on the share of the
value at stake that it is taken to save or win (`plays.effect`): a play that costs more would lose money even
if it worked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ripple.models.bundle import Bundle
from ripple.models.reasons import in_words, reasons
from ripple.settings import Rule, Settings
from ripple.training.evaluation import metrics
from ripple.training.insights.customer_value import CustomerValue

FILE = "plays.csv"
"""Under which a run keeps the list."""
BATCH = 16_384
"""Customers whose reasons are worked out at a time."""
REASONS, LOOKED_AT = 2, 8
"""Reasons of the model that are told, among so many of its strongest."""


@dataclass(frozen=True)
class Playbook:
    """Who gets which play.

    Attributes:
        customers: one row per customer with a play, by customer_id, the most valuable of each play first:
            `play`, `action`, `reasons`, `value` (expected network and direct value, in currency) with `low`
            and `high`, `network_value`, `direct_value` and `max_cost`, nan where no margin is known.
        plays: one row per rule in their order: `play`, `action`, `customers`, and over these the totals
            `value` with the bounds `low` and `high` of what they bring together, `network_value`,
            `direct_value` and `max_cost`.
        segment_of: every customer's segments, see `segments`.
        segments: one row per combination of `network`, `direct` and `sentiment` that there is: `customers`,
            how many of them are `fading`, `network_value`, `direct_value` and `plays`, the names of those
            that its customers get.
    """

    customers: pd.DataFrame
    plays: pd.DataFrame
    segment_of: pd.DataFrame
    segments: pd.DataFrame


def segments(features: pd.DataFrame, customer_value: CustomerValue, settings: Settings) -> pd.DataFrame:
    """What rules may ask for of every customer, read off their *features* at the end of the data.

    Returns:
        By customer_id, `network` and `direct` ("high" or "low"), `sentiment` ("happy", "neutral", "unhappy",
        or "silent" without feedback), `fading` (whether engagement is going down; nobody's without usage),
        and the `feedback` and `trend` that these two were read off, nan where there is nothing.
    """
    customers, plays = customer_value.customers, settings.plays
    features = features.reindex(customers.index)
    feedback = _column(features, "feedback_latest")
    trend = _column(features, f"usage_trend_{max(settings.features.windows_days)}d")
    # who used it once and not at all of late has no trend: it has stopped
    trend = np.where(np.isnan(trend) & ~np.isnan(_column(features, "days_since_last_use")), 0.0, trend)
    sentiment = np.select(
        [np.isnan(feedback), feedback < plays.unhappy_below, feedback > plays.happy_above],
        ["silent", "unhappy", "happy"],
        "neutral",
    )
    return pd.DataFrame(
        {
            # where all of it may be coincidence, nobody is known to be influential
            "network": _high(customers["network_value"], plays.network_share)
            if customer_value.credible
            else "low",
            "direct": _high(customers["direct_value"], plays.direct_share),
            "sentiment": sentiment,
            "fading": trend < plays.fading_below,
            "feedback": feedback,
            "trend": trend,
        },
        index=customers.index,
    )


def playbook(
    features: pd.DataFrame, customer_value: CustomerValue, bundle: Bundle, settings: Settings
) -> Playbook:
    """Apply the rules of the settings to every customer of *customer_value*."""
    found, rules = segments(features, customer_value, settings), settings.plays.rules
    chosen = np.select([_meets(found, rule) for rule in rules], range(len(rules)), -1)
    customers = customer_value.customers.assign(
        max_cost=settings.plays.effect * customer_value.customers["gain"]
    )
    return Playbook(
        _listed(chosen, found, features, customers, bundle, settings),
        _totals(chosen, customers, customer_value, settings),
        found,
        _counted(chosen, found, customers, rules),
    )


def write(book: Playbook, path: Path) -> None:
    """Write the customers of *book* as CSV, as a CRM takes it in; what is unknown is left empty."""
    book.customers.rename(columns={"low": "value_low", "high": "value_high"}).round(2).to_csv(path)


def _meets(found: pd.DataFrame, rule: Rule) -> np.ndarray:
    """Mask of the customers who meet all conditions of *rule*."""
    conditions = rule.model_dump(exclude={"play", "action"}, exclude_none=True)
    met = [(found[name] == wanted).to_numpy() for name, wanted in conditions.items()]
    return np.logical_and.reduce([np.ones(len(found), dtype=bool), *met])


def _high(value: pd.Series, share: float) -> np.ndarray:
    return np.where(metrics.top(value.to_numpy(), share), "high", "low")


def _column(features: pd.DataFrame, name: str) -> np.ndarray:
    """The feature, or nan everywhere where the data do not have it."""
    return features[name].to_numpy(np.float64) if name in features else np.full(len(features), np.nan)


def _listed(
    chosen: np.ndarray,
    found: pd.DataFrame,
    features: pd.DataFrame,
    customers: pd.DataFrame,
    bundle: Bundle,
    settings: Settings,
) -> pd.DataFrame:
    order = np.lexsort((-customers["value"].to_numpy(), chosen))
    order = order[chosen[order] >= 0]
    listed, rules = customers.iloc[order], settings.plays.rules
    table = pd.DataFrame(
        {
            "play": [rules[i].play for i in chosen[order]],
            "action": [rules[i].action for i in chosen[order]],
            "reasons": _reasons(order, found, features.reindex(listed.index), listed, bundle, settings),
        },
        index=listed.index,
    )
    return table.join(listed[["value", "low", "high", "network_value", "direct_value", "max_cost"]])


def _reasons(
    order: np.ndarray,
    found: pd.DataFrame,
    features: pd.DataFrame,
    listed: pd.DataFrame,
    bundle: Bundle,
    settings: Settings,
) -> list[str]:
    """What the rules saw in each listed customer and, of the influential, why the model says so."""
    seen, currency = found.iloc[order], settings.currency
    high, much = (
        f"top {share:.0%} by expected"
        for share in (settings.plays.network_share, settings.plays.direct_share)
    )
    told = []
    for own, network, direct, by_model in zip(
        seen.to_dict("records"),
        listed["network_value"],
        listed["direct_value"],
        _model_reasons(features, (seen["network"] == "high").to_numpy(), bundle),
        strict=True,
    ):
        facts = [
            (own["network"] == "high", f"{high} network value ({in_words(network, 'currency', currency)})"),
            (own["direct"] == "high", f"{much} spend ({in_words(direct, 'currency', currency)})"),
            (
                own["sentiment"] in ("happy", "unhappy"),
                f"{own['sentiment']}: latest feedback {own['feedback']:+.2f}",
            ),
            (own["fading"], f"fading: {own['trend']:.0%} of recent use in its later half"),
        ]
        told.append("; ".join([fact for holds, fact in facts if holds] + by_model))
    return told


def _model_reasons(features: pd.DataFrame, asked: np.ndarray, bundle: Bundle) -> list[list[str]]:
    """The strongest reasons that raise the network value of each row that is *asked* for."""
    told: list[list[str]] = [[] for _ in range(len(features))]
    wanted = np.flatnonzero(asked)
    for start in range(0, len(wanted), BATCH):
        rows = wanted[start : start + BATCH]
        found = reasons(bundle, "value", bundle.matrix(features.iloc[rows]), LOOKED_AT)
        for row, own in zip(rows, found, strict=True):
            told[row] = [reason.text for reason in own if reason.effect > 0][:REASONS]
    return told


def _totals(
    chosen: np.ndarray, customers: pd.DataFrame, customer_value: CustomerValue, settings: Settings
) -> pd.DataFrame:
    rows = []
    for i, rule in enumerate(settings.plays.rules):
        own = customers[chosen == i]
        low, high = customer_value.bounds(own, settings.seed)
        sums = own[["value", "network_value", "direct_value"]].sum()
        cost = own["max_cost"].sum(skipna=False)
        rows.append(
            {"play": rule.play, "action": rule.action, "customers": len(own), **sums}
            | {"low": low, "high": high, "max_cost": cost}
        )
    return pd.DataFrame(rows)


def _counted(
    chosen: np.ndarray, found: pd.DataFrame, customers: pd.DataFrame, rules: Sequence[Rule]
) -> pd.DataFrame:
    table = found.join(customers[["network_value", "direct_value"]]).assign(
        customers=1,
        play=[rules[i].play if i >= 0 else "" for i in chosen],
    )
    by_segment = table.groupby(["network", "direct", "sentiment"], sort=True)
    sums = by_segment[["customers", "fading", "network_value", "direct_value"]].sum()
    names = by_segment["play"].agg(lambda own: ", ".join(name for name in own.unique() if name))
    return sums.assign(plays=names).reset_index()
