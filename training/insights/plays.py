"""Plays: who gets which by explicit rules, the value at stake, and what a play may cost at most.

The rules are `plays.rules` of the settings. What a play may cost at most is the margin on the share of the
value at stake that it saves or wins: a play that costs more would lose money even if it worked. That share is
the lower bound of what an experiment measured, and before there is one the assumption `plays.effect`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from ripple.features.dataset import Dataset
from ripple.features.expressions import age_days
from ripple.models.bundle import Bundle
from ripple.models.reasons import in_words, reasons
from ripple.sections.play_rules import Rule
from ripple.settings import Settings
from ripple.training.examples.examples import frame
from ripple.training.examples.membership import top_mask
from ripple.training.insights.customer_value import CustomerValue
from ripple.training.measured_effects import MeasuredEffect

FILE = "plays.csv"
"""The name of the file in a run that lists the customers with a play."""
CHUNK_CUSTOMERS = 16_384
"""The number of customers whose reasons are computed at a time."""
MAX_REASONS, CANDIDATE_REASONS = 2, 8
"""The number of reasons that are listed, and of the strongest ones from which those that raise are taken."""


@dataclass(frozen=True)
class Playbook:
    """The suggested play of each customer, with totals.

    Attributes:
        customers: one row per customer with a play, by customer_id, the most valuable of each play first:
            `play`, `action`, `reasons`, `value` (expected network and direct value, in currency) with `low`
            and `high`, `network_value`, `direct_value` and `max_cost`, nan where no margin is known.
        plays: one row per rule in their order: `play`, `action`, `customers`, and over these the totals
            `network_value` with its bounds `network_low` and `network_high`, `direct_value` and `max_cost`.
            `value` adds the first two and has the bounds `low` and `high`: it may count an amount twice,
            once for who spends it and once for who is credited with it.
        customer_segments: every customer's segments, see `segments`.
        segments: one row per combination of `network`, `direct` and `sentiment` that there is: `customers`,
            how many of them are `fading`, `network_value`, `direct_value` and `plays`, the names of those
            that its customers get.
        measured: by play, what an experiment measured of it.
        resting: the number of customers who get no play as they were contacted lately.
    """

    customers: pd.DataFrame
    plays: pd.DataFrame
    customer_segments: pd.DataFrame
    segments: pd.DataFrame
    measured: Mapping[str, MeasuredEffect] = field(default_factory=dict)
    resting: int = 0


class Valued(Protocol):
    """What rules need of `CustomerValue`: `network_value` and `direct_value` of each customer."""

    @property
    def customers(self) -> pd.DataFrame:
        """By customer_id."""

    @property
    def chance_share(self) -> float:
        """The share of network value that may be due to chance."""


def segments(
    features: pd.DataFrame,
    customer_value: Valued,
    settings: Settings,
    feedback_age: pd.Series | None = None,
) -> pd.DataFrame:
    """The properties of every customer that rules may refer to, from *features* at the end of the data.

    Args:
        feedback_age: age of the latest feedback of each customer in days, by customer_id; None where it is
            not known, and then all feedback counts.

    Returns:
        By customer_id, `network` and `direct` ("high" or "low"), `sentiment` ("happy", "neutral", "unhappy",
        or "silent" without feedback that is recent enough), `fading` (whether engagement is going down;
        nobody's without usage), the `feedback` and `trend` that these two were derived from, and
        `feedback_age`, nan where there is nothing.
    """
    customers, plays = customer_value.customers, settings.plays
    features = features.reindex(customers.index)
    feedback = _column(features, "feedback_latest")
    age = np.full(len(customers), np.nan)
    if feedback_age is not None:
        age = feedback_age.reindex(customers.index).to_numpy(np.float64)
    trend = _column(features, f"usage_trend_{max(settings.features.windows_days)}d")
    # customers with past but without recent use have no trend: theirs has stopped
    trend = np.where(np.isnan(trend) & ~np.isnan(_column(features, "days_since_last_use")), 0.0, trend)
    sentiment = np.select(
        [
            np.isnan(feedback) | (age > plays.feedback_days),
            feedback < plays.unhappy_below,
            feedback > plays.happy_above,
        ],
        ["silent", "unhappy", "happy"],
        "neutral",
    )
    return pd.DataFrame(
        {
            # where all of it may be chance, nobody is known to be influential
            "network": _high(customers["network_value"], plays.network_share)
            if customer_value.chance_share < 1
            else "low",
            "direct": _high(customers["direct_value"], plays.direct_share),
            "sentiment": sentiment,
            "fading": trend < plays.fading_below,
            "feedback": feedback,
            "feedback_age": age,
            "trend": trend,
        },
        index=customers.index,
    )


def latest_feedback_age(dataset: Dataset, as_of: datetime) -> pd.Series | None:
    """Days from the latest feedback of each customer to *as_of*, by customer_id; None without feedback."""
    known = dataset.tables.before(as_of)
    if "feedback" not in known:
        return None
    feedback = known["feedback"].filter(known["feedback"].occurred_at < as_of)
    latest = feedback.group_by("customer_id").aggregate(age=age_days(feedback.occurred_at.max(), as_of))
    return frame(latest)["age"]


def chosen_rules(properties: pd.DataFrame, rules: Sequence[Rule]) -> np.ndarray:
    """By row of *properties*, the position of the first of *rules* that fits; −1 where none does."""
    return np.select([_rule_mask(properties, rule) for rule in rules], range(len(rules)), -1)


def playbook(
    features: pd.DataFrame,
    customer_value: CustomerValue,
    bundle: Bundle,
    settings: Settings,
    feedback_age: pd.Series | None = None,
    measured: Mapping[str, MeasuredEffect] | None = None,
    resting: pd.Index | None = None,
) -> Playbook:
    """Apply the rules of the settings to every customer of *customer_value*.

    Args:
        features: of the same customers.
        customer_value: what they are worth.
        bundle: explains their network value.
        settings: the rules, and the thresholds they refer to.
        feedback_age: see `segments`.
        measured: by play, what an experiment measured of it.
        resting: customers who get no play, as they were contacted lately.
    """
    properties = segments(features, customer_value, settings, feedback_age)
    rules = settings.plays.rules
    suggested, measured = chosen_rules(properties, rules), measured or {}
    rests = np.zeros(len(properties), dtype=bool) if resting is None else properties.index.isin(resting)
    chosen = np.where(rests, -1, suggested)
    # the last share is for position −1: customers without a play
    shares = [*(_certain_share(measured.get(rule.play), settings) for rule in rules), settings.plays.effect]
    customers = customer_value.customers.assign(
        max_cost=np.array(shares)[chosen] * customer_value.customers["gain"]
    )
    return Playbook(
        _customers_with_play(chosen, properties, features, customers, bundle, settings),
        _totals(chosen, customers, customer_value, settings),
        properties,
        _segment_totals(chosen, properties, customers, rules),
        {rule.play: measured[rule.play] for rule in rules if rule.play in measured},
        int(np.count_nonzero(rests & (suggested >= 0))),
    )


def _certain_share(measured: MeasuredEffect | None, settings: Settings) -> float:
    """The share of the value at stake that a play saves or wins: the lower bound, or what is assumed."""
    return settings.plays.effect if measured is None else max(measured.low, 0.0)


def write(playbook: Playbook, path: Path, shown: Mapping[str, pd.Series] | None = None) -> None:
    """Write the customers of *playbook* as CSV for a CRM; unknown values are left empty.

    Args:
        playbook: the plays.
        path: the file.
        shown: attributes of customers, by their names, to be written first.
    """
    customers = playbook.customers.rename(columns={"low": "value_low", "high": "value_high"}).round(2)
    for place, (name, values) in enumerate((shown or {}).items()):
        customers.insert(place, name, values.reindex(customers.index))
    customers.to_csv(path)


def _rule_mask(properties: pd.DataFrame, rule: Rule) -> np.ndarray:
    """Mask of the customers who meet all conditions of *rule*."""
    conditions = rule.model_dump(exclude={"play", "action"}, exclude_none=True)
    masks = [(properties[name] == value).to_numpy() for name, value in conditions.items()]
    return np.logical_and.reduce([np.ones(len(properties), dtype=bool), *masks])


def _high(value: pd.Series, share: float) -> np.ndarray:
    return np.where(top_mask(value.to_numpy(), share), "high", "low")


def _column(features: pd.DataFrame, name: str) -> np.ndarray:
    """The feature, or nan everywhere where the data do not have it."""
    return features[name].to_numpy(np.float64) if name in features else np.full(len(features), np.nan)


def _customers_with_play(
    chosen: np.ndarray,
    properties: pd.DataFrame,
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
            "reasons": _reasons(
                properties.iloc[order], features.reindex(listed.index), listed, bundle, settings
            ),
        },
        index=listed.index,
    )
    return table.join(listed[["value", "low", "high", "network_value", "direct_value", "max_cost"]])


def _reasons(
    properties: pd.DataFrame,
    features: pd.DataFrame,
    listed: pd.DataFrame,
    bundle: Bundle,
    settings: Settings,
) -> list[str]:
    """The properties that rules refer to and, of influential customers, the reasons of the model, as text."""
    currency = settings.currency
    influential, spending = (
        f"top {share:.0%} by expected"
        for share in (settings.plays.network_share, settings.plays.direct_share)
    )
    texts = []
    for row, network, direct, model_reasons in zip(
        properties.to_dict("records"),
        listed["network_value"],
        listed["direct_value"],
        _model_reasons(features, (properties["network"] == "high").to_numpy(), bundle),
        strict=True,
    ):
        facts = [
            (
                row["network"] == "high",
                f"{influential} network value ({in_words(network, 'currency', currency)})",
            ),
            (row["direct"] == "high", f"{spending} spend ({in_words(direct, 'currency', currency)})"),
            (
                row["sentiment"] in ("happy", "unhappy"),
                f"{row['sentiment']}: latest feedback {row['feedback']:+.2f}{_ago(row['feedback_age'])}",
            ),
            (row["fading"], f"fading: {row['trend']:.0%} of recent use in its later half"),
        ]
        texts.append("; ".join([fact for holds, fact in facts if holds] + model_reasons))
    return texts


def _ago(days: float) -> str:
    if np.isnan(days):
        return ""
    return f", {days:,.0f} days ago" if days >= 1.5 else ", a day ago"


def _model_reasons(features: pd.DataFrame, mask: np.ndarray, bundle: Bundle) -> list[list[str]]:
    """The strongest reasons that raise the network value of each row in *mask*; no reasons of others."""
    texts: list[list[str]] = [[] for _ in range(len(features))]
    indices = np.flatnonzero(mask)
    for start in range(0, len(indices), CHUNK_CUSTOMERS):
        rows = indices[start : start + CHUNK_CUSTOMERS]
        candidates = reasons(bundle, "value", bundle.matrix(features.iloc[rows]), CANDIDATE_REASONS)
        for row, strongest in zip(rows, candidates, strict=True):
            texts[row] = [reason.text for reason in strongest if reason.effect > 0][:MAX_REASONS]
    return texts


def _totals(
    chosen: np.ndarray, customers: pd.DataFrame, customer_value: CustomerValue, settings: Settings
) -> pd.DataFrame:
    rows = []
    for i, rule in enumerate(settings.plays.rules):
        with_play = customers[chosen == i]
        low, high = customer_value.total_bounds(with_play, settings.seed)
        network_low, network_high = customer_value.network_total_bounds(with_play, settings.seed)
        sums = with_play[["value", "network_value", "direct_value"]].sum()
        cost = with_play["max_cost"].sum(skipna=False)
        rows.append(
            {"play": rule.play, "action": rule.action, "customers": len(with_play), **sums}
            | {"low": low, "high": high, "max_cost": cost}
            | {"network_low": network_low, "network_high": network_high}
        )
    return pd.DataFrame(rows)


def _segment_totals(
    chosen: np.ndarray, properties: pd.DataFrame, customers: pd.DataFrame, rules: Sequence[Rule]
) -> pd.DataFrame:
    table = properties.join(customers[["network_value", "direct_value"]]).assign(
        customers=1,
        play=[rules[i].play if i >= 0 else "" for i in chosen],
    )
    by_segment = table.groupby(["network", "direct", "sentiment"], sort=True)
    sums = by_segment[["customers", "fading", "network_value", "direct_value"]].sum()
    names = by_segment["play"].agg(lambda of_segment: ", ".join(name for name in of_segment.unique() if name))
    return sums.assign(plays=names).reset_index()
