"""The features once more, in careful pandas: a peer whose cost can be held against that of `features.matrix`.

`features` computes every column of ``ripple features --list`` but those of the credit, which needs a label:
engagement, sophistication, the three powers, referrals, direct value, network, susceptibility and feedback.
PageRank and the core number come from `ripple.features.graph`: they are not what is compared here.

It is written as somebody would who knows pandas and this dataset: only the columns that are needed, ids as
categories from the file on, integer keys instead of several columns to group by, no row of Python. It reads
the files anew for each cutoff, as pandas has nowhere to keep what is common to several.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.sparse as sp

from ripple.arrays import Floats, Ints
from ripple.features.graph.centrality import core_number, pagerank
from ripple.features.graph.ties import UNIT, Ties
from ripple.settings import Settings

DECIMALS = 6
"""To which earliness and logarithms are rounded before they are added, as by the features."""
CUSTOMERS, TEXTS = ("customer_id", "source_id", "target_id"), ("feature", "user_id", "product", "kind")


@dataclass(frozen=True)
class Past:
    """The tables in *folder* as known before *cutoff*; customers, features and so on are numbers."""

    folder: Path
    cutoff: datetime
    settings: Settings

    @cached_property
    def everybody(self) -> pd.DataFrame:
        """All customers, in the order of their ids, with their age; their position is their number."""
        customers = pd.read_parquet(self.folder / "customers", columns=["customer_id", "joined_at"])
        customers = customers.sort_values("customer_id", ignore_index=True)
        customers["age"] = self._age(customers["joined_at"])
        return customers

    @cached_property
    def alive(self) -> np.ndarray:
        """Whether each customer had joined."""
        joined: np.ndarray = (self.everybody["joined_at"] < self.cutoff).to_numpy()
        return joined

    def events(self, table: str, moment: str, *columns: str, late: bool = False) -> pd.DataFrame:
        """These columns of the events known by the cutoff, with their age; with *late*, by their known_at."""
        wanted = [*columns, moment, *(["known_at"] if late else [])]
        rows = pd.read_parquet(
            self.folder / table,
            columns=wanted,
            filters=[(moment, "<", self.cutoff)],
            read_dictionary=[name for name in wanted if name in CUSTOMERS + TEXTS],
        )
        if late:
            rows = rows[~(rows["known_at"] >= self.cutoff)]
        made = {}
        for name in columns:
            column = rows[name]
            if name in CUSTOMERS:
                number = pd.Index(self.everybody["customer_id"]).get_indexer(column.cat.categories)
                made[name] = number.astype(np.int32)[column.cat.codes]
            elif name in TEXTS:
                self.texts[name] = column.cat.categories
                made[name] = column.cat.codes.to_numpy()
            else:
                made[name] = column.to_numpy()
        return pd.DataFrame(made | {"age": self._age(rows[moment])}, copy=False)

    @cached_property
    def texts(self) -> dict[str, pd.Index]:
        """What the numbers of features and kinds stand for."""
        return {}

    def by_customer(self, values: pd.Series, empty: float = np.nan) -> Floats:
        """*values*, indexed by customers, for everybody."""
        full = np.full(len(self.everybody), empty)
        full[values.index.to_numpy()] = values.to_numpy()
        return full

    def count(self, customers: pd.Series | np.ndarray) -> Floats:
        """How often each customer is among *customers*."""
        return np.bincount(customers, minlength=len(self.everybody)).astype(np.float64)

    def total(self, customers: pd.Series | np.ndarray, value: pd.Series | np.ndarray) -> Floats:
        """Sum of *value* by customer."""
        return np.bincount(customers, weights=value, minlength=len(self.everybody)).astype(np.float64)

    def _age(self, moments: pd.Series) -> np.ndarray:
        day = moments.to_numpy().astype("datetime64[D]")
        return (np.datetime64(self.cutoff, "D") - day).astype(np.int32)


def features(folder: Path, cutoff: datetime, settings: Settings) -> pd.DataFrame:
    """All columns but those of the credit, by `customer_id`, of who had joined by the midnight *cutoff*."""
    past = Past(folder, cutoff, settings)
    usage = past.events("usage", "occurred_at", "customer_id", "feature", "user_id")
    columns = _engagement(past, usage) | _sophistication(past, usage)
    last_use = usage.groupby("customer_id")["age"].min()
    del usage
    orders = past.events("orders", "ordered_at", "customer_id", "product", "revenue", "margin", late=True)
    met = past.events("interactions", "occurred_at", "source_id", "target_id", "kind", "weight", late=True)
    referral = met["kind"] == past.texts["kind"].get_loc("referral")
    columns |= _value(past, orders)
    columns |= _referrals(past, met[referral], orders, last_use)
    columns |= _graph(past, met[~referral], orders, last_use)
    columns |= _feedback(past)
    made = pd.DataFrame(columns, index=past.everybody["customer_id"])[past.alive]
    for days in settings.features.windows_days:
        rank = made[f"active_days_{days}d"].rank(method="min") - 1
        made[f"engagement_percentile_{days}d"] = rank / max(len(made) - 1, 1)
    return made


def _engagement(past: Past, usage: pd.DataFrame) -> dict[str, Floats]:
    windows = past.settings.features.windows_days
    who, age = usage["customer_id"].to_numpy(), usage["age"].to_numpy()
    by_customer = usage.groupby("customer_id")["age"].agg(["min", "max"])
    columns = {
        "days_since_last_use": past.by_customer(by_customer["min"]),
        "days_since_first_use": past.by_customer(by_customer["max"]),
    }
    days = pd.unique(who.astype(np.int64) << 16 | age)
    active, active_age = days >> 16, days & 0xFFFF
    near = age <= max(windows)
    users = usage[near].groupby("user_id")[["customer_id", "age"]].min()  # a user is of one customer
    for window in windows:
        events, twice = past.count(who[age <= window]), past.count(who[age <= 2 * window])
        columns |= {
            f"events_{window}d": events,
            f"active_days_{window}d": past.count(active[active_age <= window]),
            f"active_users_{window}d": past.count(users["customer_id"][users["age"] <= window]),
            f"usage_trend_{window}d": _ratio(events, twice),
        }
    week = (active_age - 1) // 7
    weeks = np.zeros((past.alive.size, 53), dtype=bool)
    weeks[active[week < 52], week[week < 52]] = True
    columns["weeks_in_a_row"] = np.argmin(weeks, axis=1).astype(np.float64)
    return columns


def _sophistication(past: Past, usage: pd.DataFrame) -> dict[str, Floats]:
    names = past.texts["feature"]
    catalog = pd.read_parquet(past.folder / "catalog.parquet")
    catalog = catalog[catalog["released_at"] < past.cutoff].set_index("feature")
    since = np.datetime64(past.cutoff, "D") - catalog["released_at"].to_numpy().astype("datetime64[D]")
    released = pd.Series(since.astype(np.int64), catalog.index).reindex(names).to_numpy()
    advanced = (catalog["tier"] == "advanced").reindex(names, fill_value=False).to_numpy()
    # features ever used, at first
    pair = usage["customer_id"].to_numpy().astype(np.int64) * names.size + usage["feature"].to_numpy()
    first = usage["age"].groupby(pair).max().reset_index()
    first["customer"], first["feature"] = first["index"] // names.size, first["index"] % names.size
    first = first[past.alive[first["customer"]]]
    who, feature = first["customer"].to_numpy(), first["feature"].to_numpy()
    ever, used_advanced = past.count(who), past.count(who[advanced[feature]])
    coverage = _ratio(used_advanced, np.full(ever.size, float((catalog["tier"] == "advanced").sum())))
    delay = released[feature] - first["age"].to_numpy()
    known = np.isfinite(delay)
    by_feature = first.groupby("feature")["age"]
    before, others = by_feature.rank(method="min", ascending=False) - 1, by_feature.transform("size") - 1
    earliness = (1 - (before / others).where(others > 0, 0.0)).round(DECIMALS)
    columns = {
        "features_ever_used": ever,
        "advanced_features_used": used_advanced,
        "advanced_coverage": np.nan_to_num(coverage),
        "advanced_power_user": (coverage > 0.8).astype(np.float64),
        "days_from_release": _ratio(past.total(who[known], delay[known]), past.count(who[known])),
        "earliness": _ratio(past.total(who, earliness), ever),
    }
    for window in past.settings.features.windows_days:
        used = pd.Series(pair[usage["age"].to_numpy() <= window]).value_counts(sort=False)
        who, events = used.index.to_numpy() // names.size, used.to_numpy()
        own = advanced[used.index.to_numpy() % names.size]
        total = past.total(who, events)
        with np.errstate(divide="ignore"):
            entropy = np.log(total) - _ratio(
                past.total(who, (events * np.log(events)).round(DECIMALS)), total
            )
        columns |= {
            f"features_used_{window}d": past.count(who),
            f"advanced_share_{window}d": np.nan_to_num(_ratio(past.total(who[own], events[own]), total)),
            f"usage_entropy_{window}d": np.maximum(entropy.round(DECIMALS), 0.0),
        }
    return columns


def _value(past: Past, orders: pd.DataFrame) -> dict[str, Floats]:
    paid = orders[orders["revenue"] > 0]
    told = orders[orders["margin"].notna()]
    columns = {
        "days_since_last_order": past.by_customer(paid.groupby("customer_id")["age"].min()),
        "total_revenue": past.total(orders["customer_id"], orders["revenue"]),
        "products_bought": past.count(_firsts(orders)["customer_id"]),
        "margin_share": _ratio(
            past.total(told["customer_id"], told["margin"]), past.total(told["customer_id"], told["revenue"])
        ),
        "tenure_days": past.everybody["age"].to_numpy().astype(np.float64),
    }
    for window in past.settings.features.windows_days:
        late = orders[orders["age"] <= window]
        columns |= {
            f"order_count_{window}d": past.count(paid["customer_id"][paid["age"] <= window]),
            f"revenue_{window}d": past.total(late["customer_id"], late["revenue"]),
        }
    return columns


def _referrals(
    past: Past, referrals: pd.DataFrame, orders: pd.DataFrame, last_use: pd.Series
) -> dict[str, Floats]:
    here = referrals[past.alive[referrals["target_id"]]]
    by, age = here["source_id"].to_numpy(), here["age"].to_numpy()
    new = here["target_id"].to_numpy()
    spent = orders[np.isin(orders["customer_id"], new)]
    revenue = past.total(spent["customer_id"], spent["revenue"])[new]
    paid = spent[spent["revenue"] > 0].groupby("customer_id")["age"].min()
    ordered, used = past.by_customer(paid)[new], past.by_customer(last_use)[new]
    counted = referrals["target_id"][past.alive[referrals["source_id"]]]
    columns = {
        "referrals": past.count(by),
        "paying_referrals": past.count(by[revenue > 0]),
        "referral_revenue": past.total(by, revenue),
        "best_referral": past.by_customer(pd.Series(revenue).groupby(by).max(), 0.0),
        "was_referred": (past.count(counted) > 0).astype(np.float64),
    }
    for window in past.settings.features.windows_days:
        late = spent[spent["age"] <= window]
        recent = past.total(late["customer_id"], late["revenue"])[new]
        columns |= {
            f"recent_referrals_{window}d": past.count(by[age <= window]),
            f"buying_referrals_{window}d": past.count(by[ordered <= window]),
            f"active_referrals_{window}d": past.count(by[used <= window]),
            f"recent_referral_revenue_{window}d": past.total(by, recent),
        }
    return columns


def _graph(past: Past, met: pd.DataFrame, orders: pd.DataFrame, last_use: pd.Series) -> dict[str, Floats]:
    size, windows, kinds = past.alive.size, past.settings.features.windows_days, past.texts["kind"]
    met = met[past.alive[met["source_id"]] & past.alive[met["target_id"]]]
    pair = met["source_id"].to_numpy().astype(np.int64) * size + met["target_id"].to_numpy()
    # weights are whole millionths once those of a day and kind are added
    day = (pair * kinds.size + met["kind"].to_numpy()) << 12 | met["age"].to_numpy()
    daily = met["weight"].groupby(day).sum()
    key, age = daily.index.to_numpy() >> 12, daily.index.to_numpy() & 0xFFF
    pair, kind = key // kinds.size, key % kinds.size
    decay = np.exp2(-np.minimum(age / past.settings.features.half_life_days, 50.0))
    weight = np.rint(daily.to_numpy() * decay * UNIT)
    powers = {}
    for power in ("referent", "informational", "expert"):
        shown = np.array([past.settings.powers.get(name) == power for name in kinds])[kind]
        powers[power] = pd.Series(weight[shown]).groupby(pair[shown]).sum()
    contacts = pd.DataFrame({"weight": weight, "age": age}).groupby(pair)
    ties = pd.DataFrame({"weight": contacts["weight"].sum(), "first": contacts["age"].max()})
    tied = ties.index.to_numpy()
    source, target, weight = tied // size, tied % size, ties["weight"].to_numpy()
    back = ties.index.get_indexer(target * size + source)
    mutual = back >= 0
    degree, strength = past.count(source), past.total(source, weight)
    firsts = _firsts(orders)
    bought = past.count(firsts["customer_id"])
    spent = past.total(orders["customer_id"], orders["revenue"])
    active = np.zeros(size, dtype=bool)
    active[orders["customer_id"][orders["age"] <= max(windows)]] = True
    active[last_use.index[last_use <= max(windows)]] = True
    both = past.count(source[mutual])
    shared = Ties(size, source, target, weight, ties["first"].to_numpy(), mutual, {})
    columns = {
        "out_degree": degree,
        "out_strength": strength / UNIT,
        "in_degree": past.count(target),
        "in_strength": past.total(target, weight) / UNIT,
        "second_hand_reach": past.total(source, degree[target]) - both,
        "pagerank": pagerank(shared, np.flatnonzero(past.alive)),
        "core_number": core_number(shared).astype(np.float64),
        "neighbour_revenue": _ratio(past.total(source, spent[target]), degree),
        "neighbour_products": _ratio(past.total(source, weight * bought[target]), strength),
        "neighbour_lack": _ratio(past.total(source, np.maximum(bought[source] - bought[target], 0)), degree),
        "neighbour_activity": _ratio(past.count(source[active[target]]), degree),
    }
    back = pd.Index(tied[mutual])
    for power, shown in powers.items():
        by = shown.index.to_numpy() // size
        reach = past.count(by)
        columns |= {
            f"{power}_reach": reach,
            f"{power}_strength": past.total(by, shown) / UNIT,
            f"{power}_reciprocity": _ratio(past.count(by[shown.index.isin(back)]), reach),
        }
    return columns | _leads(past, source, target, ties["first"].to_numpy(), firsts)


def _leads(
    past: Past, source: Ints, target: Ints, met: np.ndarray, firsts: pd.DataFrame
) -> dict[str, Floats]:
    """Who bought first among those in touch; ages are larger the earlier something was."""
    size, windows = past.alive.size, past.settings.features.windows_days
    recent = firsts[firsts["age"] <= max(windows)].reset_index(drop=True)
    made_by, age = recent["customer_id"].to_numpy(), recent["age"].to_numpy()
    into = sp.csc_matrix((np.arange(source.size), (source, target)), shape=(size, size))
    number = into.indptr[made_by + 1] - into.indptr[made_by]
    which = np.repeat(np.arange(recent.shape[0]), number)
    place = np.arange(which.size) + np.repeat(into.indptr[made_by] - np.cumsum(number) + number, number)
    by, tie = into.indices[place], into.data[place]
    bought = pd.Index(firsts["product"].to_numpy() * size + firsts["customer_id"].to_numpy())
    found = bought.get_indexer(recent["product"].to_numpy()[which] * size + by)
    leads = (found >= 0) & (met[tie] >= age[which])
    leads &= firsts["age"].to_numpy()[found] > age[which]
    which, by = which[leads], by[leads]
    followed = np.zeros(age.size, dtype=bool)
    followed[which] = True
    columns: dict[str, Floats] = {}
    for window in windows:
        late = age <= window
        columns |= {
            f"led_purchases_{window}d": past.count(by[late[which]]),
            f"followed_purchases_{window}d": _ratio(
                past.count(made_by[late & followed]), past.count(made_by[late])
            ),
        }
    return columns


def _feedback(past: Past) -> dict[str, Floats]:
    given = past.events("feedback", "occurred_at", "customer_id", "score")
    number = past.count(given["customer_id"])
    latest = given[given["age"] == given.groupby("customer_id")["age"].transform("min")]
    return {
        "feedback_count": number,
        "feedback_mean": _ratio(past.total(given["customer_id"], given["score"]), number),
        "feedback_latest": past.by_customer(latest.groupby("customer_id")["score"].min()),
    }


def _firsts(orders: pd.DataFrame) -> pd.DataFrame:
    """The age of the first purchase of each product by each customer."""
    key = orders["customer_id"].to_numpy().astype(np.int64) << 16 | orders["product"].to_numpy()
    first = orders["age"].groupby(key).max()
    pair = first.index.to_numpy()
    return pd.DataFrame({"customer_id": pair >> 16, "product": pair & 0xFFFF, "age": first.to_numpy()})


def _ratio(part: np.ndarray, whole: np.ndarray) -> Floats:
    return np.divide(part, whole, out=np.full(part.size, np.nan), where=whole != 0)
