"""The feature matrix: one row per customer alive at a cutoff, one column per feature."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import duckdb
import ibis
import ibis.expr.types as ir

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.features.extension import Extension
from ripple.features.registry import Feature, features
from ripple.features.tables.sources.source import SQL_ERRORS, reason
from ripple.features.views import ROW_VIEWS, VIEWS


def matrix(
    dataset: Dataset,
    as_of: datetime,
    views: Mapping[str, ir.Table] | None = None,
    only: Collection[str] | None = None,
) -> ir.Table:
    """Features of every customer who had joined before *as_of*, from rows known before *as_of*.

    Args:
        dataset: the open dataset.
        as_of: the cutoff, UTC.
        views: further views by name, each a table with one row per customer, by `customer_id`; here
            ``credit``, the credit of the last closed window, and ``attributes``, see `attribute_features`.
        only: the names of the features to compute, none of which compares with others; all where it is None.

    Returns:
        An expression with `customer_id` and one float64 column per feature, ordered by customer.
        Features whose tables or columns are absent are absent; a customer without rows has the feature's
        `empty` value; what is undefined is null.
    """
    settings = dataset.settings
    past = dataset.history.before(as_of)
    wide = past["members"].select("customer", "customer_id")
    numbered = {name: table.join(wide, "customer_id") for name, table in (views or {}).items()}
    all_features = [feature for feature in all_features_of(dataset) if only is None or feature.name in only]
    by_view = _by_view(all_features)
    of_matrix = by_view.pop("matrix", [])
    for name, candidates in by_view.items():
        view = numbered.get(name)
        if view is None and (build := VIEWS.get(name) or ROW_VIEWS.get(name)):
            view = build(past, settings)
        if view is not None:
            available = [feature for feature in candidates if _is_available(feature, view)]
            columns = _by_customer(view, available, as_of)
            if name not in numbered:
                try:
                    columns = past.cached_query(name, columns)
                except SQL_ERRORS as error:
                    raise _own_failure(dataset.extension, available, error) from error
            wide = _with_columns(wide, columns, available)
        # features of the matrix itself compare a customer with all others, for which an engine moves whole
        # rows: they are cheap while these are short
        if ready := [feature for feature in of_matrix if _is_available(feature, wide)]:
            wide = wide.mutate(**{feature.name: feature.build(wide, as_of) for feature in ready})
            of_matrix = [feature for feature in of_matrix if feature not in ready]
    values = {
        feature.name: wide[feature.name].cast("float64")
        for feature in all_features
        if feature.name in wide.columns
    }
    return wide.select("customer_id", **values).order_by("customer_id")


def all_features_of(dataset: Dataset) -> list[Feature]:
    """Ripple's features, those that the user adds, and those that are attributes of customers."""
    own = features(dataset.settings.features, dataset.extension.definitions)
    return [*own, *(attribute.definition for attribute in dataset.attribute_features)]


def _own_failure(extension: Extension, computed: list[Feature], error: duckdb.Error) -> Exception:
    """*error*, as bad input where features of the user's own are among those that were *computed*."""
    own = {definition.build.__name__ for definition in extension.definitions}
    names = [feature.name for feature in computed if feature.function in own]
    if not names:
        return error
    origins = " and ".join(extension.origins)
    return InputError(f"{origins}: {' or '.join(names)} cannot be computed: {reason(error)}")


def _by_view(all_features: list[Feature]) -> dict[str, list[Feature]]:
    grouped: dict[str, list[Feature]] = {}
    for feature in all_features:
        grouped.setdefault(feature.view, []).append(feature)
    return grouped


def _is_available(feature: Feature, table: ir.Table) -> bool:
    """Whether *table* has the optional columns that *feature* needs."""
    return set(feature.needs) <= set(table.columns)


def _by_customer(view: ir.Table, available: list[Feature], as_of: datetime) -> ir.Table:
    """One row per customer: aggregates over a view's rows, or columns of a view with one row for each."""
    values = {feature.name: feature.build(view, as_of) for feature in available}
    columns = [name for name, value in values.items() if isinstance(value, ir.Column)]
    if not columns:
        return view.group_by("customer").aggregate(**values)
    if sums := values.keys() - columns:
        raise RuntimeError(
            f"{available[0].view}: {columns} take its rows as they are, but {sorted(sums)} add them up"
        )
    return view.select("customer", **values)


def _with_columns(wide: ir.Table, columns: ir.Table, available: list[Feature]) -> ir.Table:
    """*wide* with the features in *columns*, which hold their `empty` value where a customer has no row."""
    columns = columns.rename(of="customer")
    joined = wide.left_join(columns, wide.customer == columns.of)
    # as a double before it meets a literal, which is a decimal to Spark
    values = {feature: joined[feature.name].cast("float64") for feature in available}
    filled = {
        feature.name: value
        if feature.empty is None
        else ibis.ifelse(joined.of.isnull(), feature.empty, value)
        for feature, value in values.items()
    }
    return joined.select(*wide.columns, **filled)
