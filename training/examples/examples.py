"""Examples: the features and labels of one cutoff, which a model learns from or is evaluated on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ripple.digests import code_digest, digest
from ripple.features.attribute_features import VIEW, Encoding, values
from ripple.features.dataset import Dataset
from ripple.features.matrix import matrix
from ripple.features.tables.tables import Tables
from ripple.training.attribution import decayed_credit, network_value
from ripple.training.examples.feature_sequence import Rows


@dataclass(frozen=True)
class Examples:
    """Features and labels of the customers alive at *cutoff*, all indexed by customer_id.

    Attributes:
        rows: the features.
        labels: as known when the window closed, which a model trained then would have had.
        known_today: labels as known by the end of the data, or None at a cutoff that is only trained on. They
            differ from `labels` by rows that became known late.
        attributes: those of the customers that are text, for slices and as levels of categories.
        credited: time-decayed credit for the last window that closed before the cutoff, a baseline; None
            where there are no interactions.

    The order of the rows follows from what they hold and not from ids: LightGBM draws rows by position and
    equal scores are ranked by it, and neither may change when customers are renamed.
    """

    cutoff: datetime
    rows: Rows
    labels: pd.DataFrame
    known_today: pd.DataFrame | None
    attributes: pd.DataFrame = field(default_factory=pd.DataFrame)
    credited: pd.Series | None = None

    @property
    def features(self) -> pd.DataFrame:
        """One column per feature; where rows are on disk, they are read at every access."""
        return self.rows.frame()

    @property
    def realised(self) -> pd.DataFrame:
        """The labels to evaluate by: those known by the end of the data."""
        if self.known_today is None:
            raise RuntimeError(f"{self.cutoff} is no evaluation cutoff")
        return self.known_today

    def where(self, mask: np.ndarray) -> Examples:
        """The examples of the customers for whom *mask* is true, without attributes and baseline credit."""
        known_today = None if self.known_today is None else self.known_today[mask]
        return Examples(self.cutoff, self.rows.where(mask), self.labels[mask], known_today)


def features_at(dataset: Dataset, as_of: datetime) -> ir.Table:
    """The feature matrix at *as_of*, past credit included: that of the window that closed just before.

    Customers who joined in that window have past credit too: what they have brought since.
    """
    start = as_of - timedelta(days=dataset.settings.horizon_days)
    known = dataset.tables.before(as_of)
    views = {"credit": _credit(dataset, start, known, as_of, inclusive=False)}
    if dataset.attribute_features:
        rows = dataset.attributes_before(as_of)
        views[VIEW] = values(rows, dataset.attribute_features, encodings_at(dataset, as_of))
    return matrix(dataset, as_of, views)


def encodings_at(dataset: Dataset, as_of: datetime) -> dict[str, Encoding]:
    """By attribute that is a category, the values of its levels at *as_of*.

    They follow from the customers who had joined when the last closed window began, by the level that they
    had then: what comes with a level is what it foretold. The outcome is the network value credited in the
    window, or the direct value where nobody is credited with any.
    """
    categories = [one for one in dataset.attribute_features if one.kind == "category"]
    if not categories:
        return {}
    start = as_of - timedelta(days=dataset.settings.horizon_days)
    credit = frame(_credit(dataset, start, dataset.tables.before(as_of), as_of, inclusive=False))
    network, direct = (credit[f"{name}_value"].clip(lower=0) for name in ("network", "direct"))
    outcome = network if network.any() else direct
    joined = dataset.tables.before(start)["customers"].select("customer_id")
    levels = frame(dataset.attributes_before(start).semi_join(joined, "customer_id"))
    return {
        one.name: Encoding.of(levels[one.name], outcome.reindex(levels.index).fillna(0.0))
        for one in categories
    }


def labels_at(dataset: Dataset, cutoff: datetime, known_until: datetime | None = None) -> ir.Table:
    """The label of the horizon from *cutoff*, from what was known at *known_until*, or is known now."""
    tables = dataset.tables if known_until is None else dataset.tables.until(known_until)
    credit = _credit(dataset, cutoff, tables, known_until or datetime.max, inclusive=True)
    joined = tables["customers"].filter(tables["customers"].joined_at < cutoff)
    return credit.semi_join(joined, "customer_id").order_by("customer_id")


def examples_at(
    dataset: Dataset, cutoff: datetime, folder: Path | None = None, evaluated: bool = True
) -> Examples:
    """The examples at *cutoff*; features go to a file in *folder* if they are many.

    Args:
        evaluated: whether predictions are evaluated at *cutoff*, by labels as known by the end of the data.
    """
    tables = dataset.tables
    closed = cutoff + timedelta(days=dataset.settings.horizon_days)
    features, labels = frame(features_at(dataset, cutoff)), frame(labels_at(dataset, cutoff, closed))
    late = tables.has("orders", "known_at") or tables.has("interactions", "known_at")
    known_today = frame(labels_at(dataset, cutoff)) if late and evaluated else labels
    # the one-step part of influence value distinguishes nobody whom influence value does not
    content = pd.concat([features, labels.drop(columns="one_step_value")], axis=1)
    order = features.index[by_content(content)]
    features = features.loc[order]
    return Examples(
        cutoff,
        Rows.of(features, folder),
        labels.loc[order],
        known_today.loc[order] if evaluated else None,
        attributes(dataset, cutoff).loc[order],
        _time_decayed(dataset, cutoff, features),
    )


def by_content(table: pd.DataFrame) -> np.ndarray:
    """The positions of the rows of *table* in an order that follows only from their content."""
    hashes = pd.util.hash_pandas_object(table, index=False)
    return np.argsort(hashes.to_numpy(), kind="stable")


def attributes(dataset: Dataset, as_of: datetime) -> pd.DataFrame:
    """The customers' attributes that are text, as they were before *as_of*, indexed by customer_id."""
    rows = frame(dataset.attributes_before(as_of))
    return rows[[name for name in rows if pd.api.types.is_string_dtype(rows[name])]]


def _time_decayed(dataset: Dataset, cutoff: datetime, features: pd.DataFrame) -> pd.Series | None:
    """`Examples.credited`; referral value is recorded and the same by any rule, so the label's is added."""
    known, horizon = dataset.tables.before(cutoff), timedelta(days=dataset.settings.horizon_days)
    if "interactions" not in known or "past_referral_value" not in features:
        return None
    credit = frame(decayed_credit(known, cutoff - horizon, cutoff, dataset.settings))["influence_value"]
    return credit.reindex(features.index).fillna(0.0) + features["past_referral_value"]


def _credit(dataset: Dataset, start: datetime, tables: Tables, known: datetime, inclusive: bool) -> ir.Table:
    """The credit for the horizon from *start*, from *tables*, whose rows were known before *known*.

    One row per customer who had joined before the horizon ended. It is cached under a digest of all it
    follows from, the code included.
    """
    settings = dataset.settings
    end = start + timedelta(days=settings.horizon_days)
    return dataset.history.cached_label(
        f"labels/{start:%Y-%m-%dT%H%M%S}",
        digest(code_digest(network_value.__module__), settings.credit, settings.seed, (start, end)),
        known,
        inclusive,
        lambda: network_value(tables, start, end, settings, joined_before=end).to_pyarrow(),
    )


def frame(expression: ir.Table) -> pd.DataFrame:
    """The rows of *expression* as pandas, indexed by customer_id."""
    return expression.to_pyarrow().to_pandas().set_index("customer_id")
