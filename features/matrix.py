"""The feature matrix: one row per customer alive at a cutoff, one column per feature."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import ibis
import ibis.expr.types as ir

from features.registry import Feature, features
from features.tables import Dataset, Tables
from features.views import VIEWS
from settings import Settings


def matrix(dataset: Dataset, as_of: datetime, given: Mapping[str, ir.Table] | None = None) -> ir.Table:
    """Features of every customer who had joined before *as_of*, from rows known before *as_of*.

    Args:
        dataset: the open dataset.
        as_of: the cutoff, UTC.
        given: further views by name that features may ask for; here the credit of the last closed window,
            as a table with one row per customer.

    Returns:
        An expression with `customer_id` and one float64 column per feature, ordered by customer.
        Features whose tables or columns are absent are absent; a customer without rows has the feature's
        `empty` value; what is undefined is null.
    """
    settings = dataset.settings
    past = dataset.tables.before(as_of)
    views = _views(past, as_of, settings) | dict(given or {})
    wide = past["customers"].select("customer_id")
    chosen = features(settings.features)
    for view, own in _by_view(chosen).items():
        if view in views:
            wide = _joined(wide, views[view], own, as_of)
    # features of the matrix itself compare a customer with all others, so they come last
    own = [feature for feature in chosen if feature.view == "matrix" and _possible(feature, wide)]
    wide = wide.mutate(**{feature.name: feature.build(wide, as_of) for feature in own})
    columns = {
        feature.name: wide[feature.name].cast("float64") for feature in chosen if feature.name in wide.columns
    }
    return wide.select("customer_id", **columns).order_by("customer_id")


def _views(past: Tables, as_of: datetime, settings: Settings) -> dict[str, ir.Table]:
    built = {name: view(past, as_of, settings) for name, view in VIEWS.items()}
    return {name: table for name, table in built.items() if table is not None}


def _by_view(chosen: list[Feature]) -> dict[str, list[Feature]]:
    grouped: dict[str, list[Feature]] = {}
    for feature in chosen:
        grouped.setdefault(feature.view, []).append(feature)
    return grouped


def _possible(feature: Feature, table: ir.Table) -> bool:
    return set(feature.needs) <= set(table.columns)


def _joined(wide: ir.Table, view: ir.Table, own: list[Feature], as_of: datetime) -> ir.Table:
    own = [feature for feature in own if _possible(feature, view)]
    grouped = view.group_by("customer_id").aggregate(
        **{feature.name: feature.build(view, as_of) for feature in own}
    )
    grouped = grouped.rename(joined_id="customer_id")
    joined = wide.left_join(grouped, wide.customer_id == grouped.joined_id)
    filled = {
        feature.name: joined[feature.name]
        if feature.empty is None
        else ibis.ifelse(joined.joined_id.isnull(), feature.empty, joined[feature.name])
        for feature in own
    }
    return joined.select(*wide.columns, **filled)
