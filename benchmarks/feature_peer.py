"""The features once more, in careful pandas: the peer of `features.matrix` in `feature_cost`.

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
"""The number of decimals to which earliness and logarithms are rounded before they are added up."""
CUSTOMER_COLUMNS, TEXT_COLUMNS = (
    ("customer_id", "source_id", "target_id"),
    ("feature", "user_id", "product", "kind"),
)


@dataclass(frozen=True)
class KnownTables:
    """The tables in *folder* as known before *cutoff*; customers, features and so on are integer codes."""

    folder: Path
    cutoff: datetime
    settings: Settings

    @cached_property
    def everybody(self) -> pd.DataFrame:
        """All customers with their age in days, in the order of their ids; their position is their code."""
        customers = pd.read_parquet(self.folder / "customers", columns=["customer_id", "joined_at"])
        customers = customers.sort_values("customer_id", ignore_index=True)
        customers["age"] = self._age(customers["joined_at"])
        return customers

    @cached_property
    def alive(self) -> np.ndarray:
        """Whether each customer had joined by the cutoff."""
        joined: np.ndarray = (self.everybody["joined_at"] < self.cutoff).to_numpy()
        return joined

    def events(self, table: str, moment: str, *columns: str, late: bool = False) -> pd.DataFrame:
        """*columns* and age in days of the events before the cutoff; with *late*, of those known by then."""
        names = [*columns, moment, *(["known_at"] if late else [])]
        rows = pd.read_parquet(
            self.folder / table,
            columns=names,
            filters=[(moment, "<", self.cutoff)],
            read_dictionary=[name for name in names if name in CUSTOMER_COLUMNS + TEXT_COLUMNS],
        )
        if late:
            rows = rows[~(rows["known_at"] >= self.cutoff)]
        arrays = {}
        for name in columns:
            column = rows[name]
            if name in CUSTOMER_COLUMNS:
                number = pd.Index(self.everybody["customer_id"]).get_indexer(column.cat.categories)
                arrays[name] = number.astype(np.int32)[column.cat.codes]
            elif name in TEXT_COLUMNS:
                self.texts[name] = column.cat.categories
                arrays[name] = column.cat.codes.to_numpy()
            else:
                arrays[name] = column.to_numpy()
        return pd.DataFrame(arrays | {"age": self._age(rows[moment])}, copy=False)

    @cached_property
    def texts(self) -> dict[str, pd.Index]:
        """Column → the texts that its codes stand for."""
        return {}

    def by_customer(self, values: pd.Series, empty: float = np.nan) -> Floats:
        """*values*, indexed by customer code, for all customers."""
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
    """All columns but those of the credit, by customer_id, for who joined before the midnight *cutoff*."""
    known = KnownTables(folder, cutoff, settings)
    usage = known.events("usage", "occurred_at", "customer_id", "feature", "user_id")
    columns = _engagement(known, usage) | _sophistication(known, usage)
    last_use = usage.groupby("customer_id")["age"].min()
    del usage
    orders = known.events("orders", "ordered_at", "customer_id", "product", "revenue", "margin", late=True)
    interactions = known.events(
        "interactions", "occurred_at", "source_id", "target_id", "kind", "weight", late=True
    )
    referral = interactions["kind"] == known.texts["kind"].get_loc("referral")
    columns |= _value(known, orders)
    columns |= _referrals(known, interactions[referral], orders, last_use)
    columns |= _graph(known, interactions[~referral], orders, last_use)
    columns |= _feedback(known)
    matrix = pd.DataFrame(columns, index=known.everybody["customer_id"])[known.alive]
    for days in settings.features.windows_days:
        rank = matrix[f"active_days_{days}d"].rank(method="min") - 1
        matrix[f"engagement_percentile_{days}d"] = rank / max(len(matrix) - 1, 1)
    return matrix


def _engagement(known: KnownTables, usage: pd.DataFrame) -> dict[str, Floats]:
    windows = known.settings.features.windows_days
    who, age = usage["customer_id"].to_numpy(), usage["age"].to_numpy()
    by_customer = usage.groupby("customer_id")["age"].agg(["min", "max"])
    columns = {
        "days_since_last_use": known.by_customer(by_customer["min"]),
        "days_since_first_use": known.by_customer(by_customer["max"]),
    }
    days = pd.unique(who.astype(np.int64) << 16 | age)
    active, active_age = days >> 16, days & 0xFFFF
    near = age <= max(windows)
    users = usage[near].groupby("user_id")[["customer_id", "age"]].min()  # a user is of one customer
    for window in windows:
        events, twice = known.count(who[age <= window]), known.count(who[age <= 2 * window])
        columns |= {
            f"events_{window}d": events,
            f"active_days_{window}d": known.count(active[active_age <= window]),
            f"active_users_{window}d": known.count(users["customer_id"][users["age"] <= window]),
            f"usage_trend_{window}d": _ratio(events, twice),
        }
    week = (active_age - 1) // 7
    weeks = np.zeros((known.alive.size, 53), dtype=bool)
    weeks[active[week < 52], week[week < 52]] = True
    columns["weeks_in_a_row"] = np.argmin(weeks, axis=1).astype(np.float64)
    return columns


def _sophistication(known: KnownTables, usage: pd.DataFrame) -> dict[str, Floats]:
    names = known.texts["feature"]
    catalog = pd.read_parquet(known.folder / "catalog.parquet")
    catalog = catalog[catalog["released_at"] < known.cutoff].set_index("feature")
    since = np.datetime64(known.cutoff, "D") - catalog["released_at"].to_numpy().astype("datetime64[D]")
    released = pd.Series(since.astype(np.int64), catalog.index).reindex(names).to_numpy()
    advanced = (catalog["tier"] == "advanced").reindex(names, fill_value=False).to_numpy()
    # features ever used, at first
    pair = usage["customer_id"].to_numpy().astype(np.int64) * names.size + usage["feature"].to_numpy()
    first = usage["age"].groupby(pair).max().reset_index()
    first["customer"], first["feature"] = first["index"] // names.size, first["index"] % names.size
    first = first[known.alive[first["customer"]]]
    who, feature = first["customer"].to_numpy(), first["feature"].to_numpy()
    ever, used_advanced = known.count(who), known.count(who[advanced[feature]])
    coverage = _ratio(used_advanced, np.full(ever.size, float((catalog["tier"] == "advanced").sum())))
    delay = released[feature] - first["age"].to_numpy()
    dated = np.isfinite(delay)
    by_feature = first.groupby("feature")["age"]
    before, others = by_feature.rank(method="min", ascending=False) - 1, by_feature.transform("size") - 1
    earliness = (1 - (before / others).where(others > 0, 0.0)).round(DECIMALS)
    columns = {
        "features_ever_used": ever,
        "advanced_features_used": used_advanced,
        "advanced_coverage": np.nan_to_num(coverage),
        "advanced_power_user": (coverage > 0.8).astype(np.float64),
        "days_from_release": _ratio(known.total(who[dated], delay[dated]), known.count(who[dated])),
        "earliness": _ratio(known.total(who, earliness), ever),
    }
    for window in known.settings.features.windows_days:
        used = pd.Series(pair[usage["age"].to_numpy() <= window]).value_counts(sort=False)
        who, events = used.index.to_numpy() // names.size, used.to_numpy()
        is_advanced = advanced[used.index.to_numpy() % names.size]
        total = known.total(who, events)
        with np.errstate(divide="ignore"):
            entropy = np.log(total) - _ratio(
                known.total(who, (events * np.log(events)).round(DECIMALS)), total
            )
        columns |= {
            f"features_used_{window}d": known.count(who),
            f"advanced_share_{window}d": np.nan_to_num(
                _ratio(known.total(who[is_advanced], events[is_advanced]), total)
            ),
            f"usage_entropy_{window}d": np.maximum(entropy.round(DECIMALS), 0.0),
        }
    return columns


def _value(known: KnownTables, orders: pd.DataFrame) -> dict[str, Floats]:
    paid = orders[orders["revenue"] > 0]
    with_margin = orders[orders["margin"].notna()]
    columns = {
        "days_since_last_order": known.by_customer(paid.groupby("customer_id")["age"].min()),
        "total_revenue": known.total(orders["customer_id"], orders["revenue"]),
        "products_bought": known.count(_first_purchases(orders)["customer_id"]),
        "margin_share": _ratio(
            known.total(with_margin["customer_id"], with_margin["margin"]),
            known.total(with_margin["customer_id"], with_margin["revenue"]),
        ),
        "tenure_days": known.everybody["age"].to_numpy().astype(np.float64),
    }
    for window in known.settings.features.windows_days:
        late = orders[orders["age"] <= window]
        columns |= {
            f"order_count_{window}d": known.count(paid["customer_id"][paid["age"] <= window]),
            f"revenue_{window}d": known.total(late["customer_id"], late["revenue"]),
        }
    return columns


def _referrals(
    known: KnownTables, referrals: pd.DataFrame, orders: pd.DataFrame, last_use: pd.Series
) -> dict[str, Floats]:
    present = referrals[known.alive[referrals["target_id"]]]
    by, age = present["source_id"].to_numpy(), present["age"].to_numpy()
    new = present["target_id"].to_numpy()
    spent = orders[np.isin(orders["customer_id"], new)]
    revenue = known.total(spent["customer_id"], spent["revenue"])[new]
    paid = spent[spent["revenue"] > 0].groupby("customer_id")["age"].min()
    ordered, used = known.by_customer(paid)[new], known.by_customer(last_use)[new]
    referred = referrals["target_id"][known.alive[referrals["source_id"]]]
    columns = {
        "referrals": known.count(by),
        "paying_referrals": known.count(by[revenue > 0]),
        "referral_revenue": known.total(by, revenue),
        "best_referral": known.by_customer(pd.Series(revenue).groupby(by).max(), 0.0),
        "was_referred": (known.count(referred) > 0).astype(np.float64),
    }
    for window in known.settings.features.windows_days:
        late = spent[spent["age"] <= window]
        recent = known.total(late["customer_id"], late["revenue"])[new]
        columns |= {
            f"recent_referrals_{window}d": known.count(by[age <= window]),
            f"buying_referrals_{window}d": known.count(by[ordered <= window]),
            f"active_referrals_{window}d": known.count(by[used <= window]),
            f"recent_referral_revenue_{window}d": known.total(by, recent),
        }
    return columns


def _graph(
    known: KnownTables, contacts: pd.DataFrame, orders: pd.DataFrame, last_use: pd.Series
) -> dict[str, Floats]:
    size, windows, kinds = known.alive.size, known.settings.features.windows_days, known.texts["kind"]
    contacts = contacts[known.alive[contacts["source_id"]] & known.alive[contacts["target_id"]]]
    pair = contacts["source_id"].to_numpy().astype(np.int64) * size + contacts["target_id"].to_numpy()
    # weights are whole millionths once those of a day and kind are added
    day = (pair * kinds.size + contacts["kind"].to_numpy()) << 12 | contacts["age"].to_numpy()
    daily = contacts["weight"].groupby(day).sum()
    key, age = daily.index.to_numpy() >> 12, daily.index.to_numpy() & 0xFFF
    pair, kind = key // kinds.size, key % kinds.size
    decay = np.exp2(-np.minimum(age / known.settings.features.half_life_days, 50.0))
    weight = np.rint(daily.to_numpy() * decay * UNIT)
    powers = {}
    for power in ("referent", "informational", "expert"):
        shown = np.array([known.settings.powers.get(name) == power for name in kinds])[kind]
        powers[power] = pd.Series(weight[shown]).groupby(pair[shown]).sum()
    by_tie = pd.DataFrame({"weight": weight, "age": age}).groupby(pair)
    ties = pd.DataFrame({"weight": by_tie["weight"].sum(), "first": by_tie["age"].max()})
    tied = ties.index.to_numpy()
    source, target, weight = tied // size, tied % size, ties["weight"].to_numpy()
    back = ties.index.get_indexer(target * size + source)
    mutual = back >= 0
    degree, strength = known.count(source), known.total(source, weight)
    firsts = _first_purchases(orders)
    bought = known.count(firsts["customer_id"])
    spent = known.total(orders["customer_id"], orders["revenue"])
    active = np.zeros(size, dtype=bool)
    active[orders["customer_id"][orders["age"] <= max(windows)]] = True
    active[last_use.index[last_use <= max(windows)]] = True
    mutual_degree = known.count(source[mutual])
    shared = Ties(size, source, target, weight, ties["first"].to_numpy(), mutual, {})
    columns = {
        "out_degree": degree,
        "out_strength": strength / UNIT,
        "in_degree": known.count(target),
        "in_strength": known.total(target, weight) / UNIT,
        "second_hand_reach": known.total(source, degree[target]) - mutual_degree,
        "pagerank": pagerank(shared, np.flatnonzero(known.alive)),
        "core_number": core_number(shared).astype(np.float64),
        "neighbour_revenue": _ratio(known.total(source, spent[target]), degree),
        "neighbour_products": _ratio(known.total(source, weight * bought[target]), strength),
        "neighbour_lack": _ratio(known.total(source, np.maximum(bought[source] - bought[target], 0)), degree),
        "neighbour_activity": _ratio(known.count(source[active[target]]), degree),
    }
    back = pd.Index(tied[mutual])
    for power, shown in powers.items():
        by = shown.index.to_numpy() // size
        reach = known.count(by)
        columns |= {
            f"{power}_reach": reach,
            f"{power}_strength": known.total(by, shown) / UNIT,
            f"{power}_reciprocity": _ratio(known.count(by[shown.index.isin(back)]), reach),
        }
    columns |= _open_purchases(known, source, target, firsts)
    return columns | _leads(known, source, target, ties["first"].to_numpy(), firsts)


def _open_purchases(
    known: KnownTables, source: Ints, target: Ints, firsts: pd.DataFrame
) -> dict[str, Floats]:
    """Products that one of a tie has bought, the last *days* days or ever, and the one reached has not."""

    def bought(chosen: pd.DataFrame) -> sp.csr_matrix:
        cells = chosen["customer_id"].to_numpy(), chosen["product"].to_numpy()
        shape = known.alive.size, 1 + firsts["product"].max()
        return sp.csr_matrix((np.ones(chosen.shape[0]), cells), shape)

    reached, columns = bought(firsts)[target], {}
    chosen_by_name = {"purchases_to_{}": firsts} | {
        f"recent_purchases_to_{{}}_{days}d": firsts[firsts["age"] <= days]
        for days in known.settings.features.windows_days
    }
    for name, chosen in chosen_by_name.items():
        own = bought(chosen)[source]
        lacked = np.asarray(own.sum(axis=1) - own.multiply(reached).sum(axis=1)).ravel()
        columns[name.format("lead")] = known.total(source, lacked)
        columns[name.format("follow")] = known.total(target, lacked)
    return columns


def _leads(
    known: KnownTables, source: Ints, target: Ints, first_contact: np.ndarray, firsts: pd.DataFrame
) -> dict[str, Floats]:
    """Purchases that others in touch made before; ages are larger the earlier something was."""
    size, windows = known.alive.size, known.settings.features.windows_days
    recent = firsts[firsts["age"] <= max(windows)].reset_index(drop=True)
    buyer, age = recent["customer_id"].to_numpy(), recent["age"].to_numpy()
    into = sp.csc_matrix((np.arange(source.size), (source, target)), shape=(size, size))
    number = into.indptr[buyer + 1] - into.indptr[buyer]
    which = np.repeat(np.arange(recent.shape[0]), number)
    place = np.arange(which.size) + np.repeat(into.indptr[buyer] - np.cumsum(number) + number, number)
    by, tie = into.indices[place], into.data[place]
    bought = pd.Index(firsts["product"].to_numpy() * size + firsts["customer_id"].to_numpy())
    earlier = bought.get_indexer(recent["product"].to_numpy()[which] * size + by)
    leads = (earlier >= 0) & (first_contact[tie] >= age[which])
    leads &= firsts["age"].to_numpy()[earlier] > age[which]
    which, by = which[leads], by[leads]
    followed = np.zeros(age.size, dtype=bool)
    followed[which] = True
    columns: dict[str, Floats] = {}
    for window in windows:
        late = age <= window
        columns |= {
            f"led_purchases_{window}d": known.count(by[late[which]]),
            f"followed_purchases_{window}d": _ratio(
                known.count(buyer[late & followed]), known.count(buyer[late])
            ),
        }
    return columns


def _feedback(known: KnownTables) -> dict[str, Floats]:
    scores = known.events("feedback", "occurred_at", "customer_id", "score")
    count = known.count(scores["customer_id"])
    latest = scores[scores["age"] == scores.groupby("customer_id")["age"].transform("min")]
    return {
        "feedback_count": count,
        "feedback_mean": _ratio(known.total(scores["customer_id"], scores["score"]), count),
        "feedback_latest": known.by_customer(latest.groupby("customer_id")["score"].min()),
    }


def _first_purchases(orders: pd.DataFrame) -> pd.DataFrame:
    """The age of the first purchase of each product by each customer."""
    key = orders["customer_id"].to_numpy().astype(np.int64) << 16 | orders["product"].to_numpy()
    first = orders["age"].groupby(key).max()
    pair = first.index.to_numpy()
    return pd.DataFrame({"customer_id": pair >> 16, "product": pair & 0xFFFF, "age": first.to_numpy()})


def _ratio(part: np.ndarray, whole: np.ndarray) -> Floats:
    return np.divide(part, whole, out=np.full(part.size, np.nan), where=whole != 0)
