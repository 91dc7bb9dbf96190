"""The feature matrix: one row per customer alive at a cutoff, one column per feature."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import ibis
import ibis.expr.types as ir

from ripple.features.dataset import Dataset
from ripple.features.registry import Feature, features
from ripple.features.views import VIEWS


def matrix(dataset: Dataset, as_of: datetime, given: Mapping[str, ir.Table] | None = None) -> ir.Table:
    """Features of every customer who had joined before *as_of*, from rows known before *as_of*.

    Args:
        dataset: the open dataset.
        as_of: the cutoff, UTC.
        given: further views by name that features may ask for; here the credit of the last closed window,
            as a table with one row per customer, by `customer_id`.

    Returns:
        An expression with `customer_id` and one float64 column per feature, ordered by customer.
        Features whose tables or columns are absent are absent; a customer without rows has the feature's
        `empty` value; what is undefined is null.
    """
    settings = dataset.settings
    past = dataset.history.before(as_of)
    wide = past["members"].select("customer", "customer_id")
    numbered = {name: table.join(wide, "customer_id") for name, table in (given or {}).items()}
    chosen = features(settings.features)
    by_view = _by_view(chosen)
    of_all = by_view.pop("matrix", [])
    for name, own in by_view.items():
        view = numbered.get(name)
        if view is None and name in VIEWS:
            view = VIEWS[name](past, settings)
        if view is not None:
            own = [feature for feature in own if _possible(feature, view)]
            grouped = _by_customer(view, own, as_of)
            wide = _joined(wide, grouped if name in numbered else past.cached_query(name, grouped), own)
        # features of the matrix itself compare a customer with all others, for which an engine moves whole
        # rows: they are cheap while these are short
        if ready := [feature for feature in of_all if _possible(feature, wide)]:
            wide = wide.mutate(**{feature.name: feature.build(wide, as_of) for feature in ready})
            of_all = [feature for feature in of_all if feature not in ready]
    columns = {
        feature.name: wide[feature.name].cast("float64") for feature in chosen if feature.name in wide.columns
    }
    return wide.select("customer_id", **columns).order_by("customer_id")


def _by_view(chosen: list[Feature]) -> dict[str, list[Feature]]:
    grouped: dict[str, list[Feature]] = {}
    for feature in chosen:
        grouped.setdefault(feature.view, []).append(feature)
    return grouped


def _possible(feature: Feature, table: ir.Table) -> bool:
    return set(feature.needs) <= set(table.columns)


def _by_customer(view: ir.Table, own: list[Feature], as_of: datetime) -> ir.Table:
    """One row per customer; of a view that has no more than that, features are columns rather than sums."""
    built = {feature.name: feature.build(view, as_of) for feature in own}
    columns = [name for name, value in built.items() if isinstance(value, ir.Column)]
    if not columns:
        return view.group_by("customer").aggregate(**built)
    if sums := built.keys() - columns:
        raise RuntimeError(
            f"{own[0].view}: {columns} take its rows as they are, but {sorted(sums)} add them up"
        )
    return view.select("customer", **built)


def _joined(wide: ir.Table, grouped: ir.Table, own: list[Feature]) -> ir.Table:
    grouped = grouped.rename(of="customer")
    joined = wide.left_join(grouped, wide.customer == grouped.of)
    # as a double before it meets a literal, which is a decimal to Spark
    found = {feature: joined[feature.name].cast("float64") for feature in own}
    filled = {
        feature.name: value
        if feature.empty is None
        else ibis.ifelse(joined.of.isnull(), feature.empty, value)
        for feature, value in found.items()
    }
    return joined.select(*wide.columns, **filled)
