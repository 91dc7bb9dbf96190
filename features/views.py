"""The views: tables of rows that features are computed from.

Each view has a `customer` (by number) and is made from the daily tables at a cutoff; ages are in days, 1 on
the last day. A view exists where the tables it needs exist, and so do its features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from ripple.digests import code_digest
from ripple.features.expressions import fixed, ratio, sum_or_zero
from ripple.features.graph.graph_table import graph_table
from ripple.features.rollup.daily import WHEN
from ripple.features.rollup.history import DailyTablesAtCutoff
from ripple.settings import Settings

GRAPH_READS = ("members", "contact_days", "order_days", "first_purchases", "active_days")
"""The daily tables that the graph is made of; the last one is there only if there is usage."""

View = Callable[[DailyTablesAtCutoff, Settings], ir.Table | None]


def customers(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table:
    """One row per customer who had joined."""
    return past["members"]


def usage(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table | None:
    """Events by day; `fresh` marks one row for each day with any."""
    if "active_days" not in past:
        return None
    return past["active_days"]


def users(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table | None:
    """One row per person at the customer who used anything lately, with the age of their last use."""
    if "user_days" not in past:
        return None
    days = past["user_days"]
    days = days.filter(days.age <= max(settings.features.windows_days))
    return days.group_by("customer", "user_id").aggregate(age=days.age.min())


def feature_use(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table | None:
    """One row per feature used lately: events in each window and, if catalogued, whether it is advanced."""
    if "feature_days" not in past:
        return None
    windows = settings.features.windows_days
    days = past["feature_days"]
    days = days.filter(days.age <= max(windows))
    used = days.group_by("customer", "feature").aggregate(
        **{f"events_{window}d": days.events.sum(where=days.age <= window).fill_null(0) for window in windows}
    )
    return _with_tier(used, past)


def first_use(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table | None:
    """One row per feature ever used: the day of its first use, the share of its other users who did not start
    before and, with a catalogue, whether it is advanced and the days from its release."""
    if "first_uses" not in past:
        return None
    first = past["first_uses"].select("customer", "feature", "day")
    # customers who had not joined yet do not count, whatever the tables say of them later
    joined = first.semi_join(past["members"], "customer")
    starters = joined.group_by("feature", "day").aggregate(starters=joined.count())
    by_feature = ibis.window(group_by="feature")
    until = ibis.cumulative_window(group_by="feature", order_by="day")
    starters = starters.mutate(
        before=starters.starters.sum().over(until) - starters.starters,
        others=starters.starters.sum().over(by_feature) - 1,
    )
    share = ratio(starters.before, starters.others).fill_null(0.0)
    # all that those who started on one day have in common, before it is joined to each of them
    starters = _with_tier(starters.select("feature", "day", earliness=fixed(1.0 - share)), past)
    return first.join(starters, ["feature", "day"])


def orders(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table:
    """Paid orders, revenue and margin by day and product."""
    return past["order_days"]


def purchases(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table:
    """One row per product ever bought."""
    return past["first_purchases"]


def referred(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table | None:
    """One row per customer whom another one brought in."""
    if "referrals" not in past:
        return None
    joined = past["members"].select("customer")
    return past["referrals"].semi_join(joined, "customer").select("age", customer="target")


def invited(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table | None:
    """One row per customer brought in, by referrer, with the newcomer's revenue, the days since their last
    order and, where there is usage, since their last use."""
    if "referrals" not in past:
        return None
    joined_targets = past["members"].select(target="customer")
    joined = past["referrals"].select("customer", "target", "age").semi_join(joined_targets, "target")
    spent = past["order_days"].semi_join(joined.select(customer="target"), "customer")
    activity = [
        spent.group_by("customer").aggregate(
            revenue=sum_or_zero(spent.revenue),
            last_order_age=spent.age.min(where=spent.orders > 0),
            **{
                f"revenue_{days}d": sum_or_zero(spent.revenue, spent.age <= days)
                for days in settings.features.windows_days
            },
        )
    ]
    if "active_days" in past:
        used = past["active_days"].semi_join(joined.select(customer="target"), "customer")
        activity.append(used.group_by("customer").aggregate(last_use_age=used.age.min()))
    for table in activity:
        columns = [name for name in table.columns if name != "customer"]
        joined = joined.left_join(table.rename(target="customer"), "target").select(*joined.columns, *columns)
    return joined.mutate(
        **{name: joined[name].fill_null(0.0) for name in joined.columns if name.startswith("revenue")}
    )


def feedback(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table | None:
    """Scores by day; `latest` where the customer has given none on a later day."""
    if "feedback_days" not in past:
        return None
    days = past["feedback_days"]
    return days.mutate(latest=days.age == days.age.min().over(ibis.window(group_by="customer")))


def contacts(past: DailyTablesAtCutoff, settings: Settings) -> ir.Table | None:
    """One row per customer: their place in the graph of contacts, and means over the customers they reach."""
    if "contact_days" not in past:
        return None
    tables = {name: past[name] for name in GRAPH_READS if name in past}

    def build() -> pa.Table:
        history = past.history
        return graph_table(
            tables, history.contacts, history.purchases, history.size, past.last_day, settings.features
        )

    definition = str(
        (code_digest(graph_table.__module__), settings.features, sorted(settings.powers.items()))
    )
    return past.cached_computation("graph", definition, list(tables), build)


def _rows_of(table: str) -> View:
    """The view of the rows of a table of the contract, which features that a user adds may need."""
    return lambda past, settings: past.rows(table)


def _with_tier(used: ir.Table, past: DailyTablesAtCutoff) -> ir.Table:
    """Features used with whether each is `advanced`, the `delay` from its release to `day`, if that is there,
    and the number of advanced features there are (`advanced_released`)."""
    if "releases" not in past:
        return used
    releases = past["releases"]
    released = releases.aggregate(advanced_released=releases.count(where=releases.advanced))
    joined = used.left_join(releases.drop(*WHEN, "age"), "feature")
    extra = {"advanced": joined.advanced.fill_null(False)}
    if "day" in used.columns and "released" in releases.columns:
        extra["delay"] = joined.day - joined.released
    return joined.select(*used.columns, **extra).cross_join(released)


ROW_VIEWS: Mapping[str, View] = {
    "order_rows": _rows_of("orders"),
    "usage_rows": _rows_of("usage"),
    "interaction_rows": _rows_of("interactions"),
    "feedback_rows": _rows_of("feedback"),
}
"""Views with a row for each event, with its `day` and `age`; Ripple's own features need none of them."""
VIEWS: Mapping[str, View] = {
    view.__name__: view
    for view in (
        customers,
        usage,
        users,
        feature_use,
        first_use,
        orders,
        purchases,
        referred,
        invited,
        feedback,
        contacts,
    )
}
