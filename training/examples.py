"""Features and labels at one cutoff, brought together: what a model learns from and is judged on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.matrix import matrix
from features.tables import Dataset, Tables
from training.credit import network_value


@dataclass(frozen=True)
class Examples:
    """Features and labels of the customers alive at *cutoff*, all indexed by customer_id.

    `labels` hold what was known when the window closed, as a model trained then would have had them;
    `realised` what is known by the end of the data, to judge by. They differ by rows that became known late.

    The order of the rows follows from what they hold and not from ids: LightGBM draws rows by position and
    equal scores are ranked by it, and neither may change when customers are renamed.
    """

    cutoff: datetime
    features: pd.DataFrame
    labels: pd.DataFrame
    realised: pd.DataFrame


def features_at(dataset: Dataset, as_of: datetime) -> ir.Table:
    """The feature matrix at *as_of*, past credit included: the label of the last window closed by then."""
    horizon = timedelta(days=dataset.settings.horizon_days)
    past = network_value(dataset.tables.before(as_of), as_of - horizon, as_of, dataset.settings)
    return matrix(dataset, as_of, {"credit": past})


def labels_at(dataset: Dataset, cutoff: datetime, known: Tables) -> ir.Table:
    """The label of the horizon that begins at *cutoff*, from what is *known*."""
    horizon = timedelta(days=dataset.settings.horizon_days)
    return network_value(known, cutoff, cutoff + horizon, dataset.settings)


def examples_at(dataset: Dataset, cutoff: datetime) -> Examples:
    """Features and labels at *cutoff*, row by row for the same customers."""
    tables = dataset.tables
    closed = tables.until(cutoff + timedelta(days=dataset.settings.horizon_days))
    features, labels = frame(features_at(dataset, cutoff)), frame(labels_at(dataset, cutoff, closed))
    late = tables.has("orders", "known_at") or tables.has("interactions", "known_at")
    realised = frame(labels_at(dataset, cutoff, tables)) if late else labels
    # influence value tells apart whomever its one-step part does
    held = pd.concat([features, labels.drop(columns="one_step_value")], axis=1)
    digest = pd.util.hash_pandas_object(held, index=False)
    order = features.index[np.argsort(digest.to_numpy(), kind="stable")]
    return Examples(cutoff, features.loc[order], labels.loc[order], realised.loc[order])


def frame(expression: ir.Table) -> pd.DataFrame:
    """Run *expression* and return it as pandas, indexed by customer_id."""
    return expression.to_pyarrow().to_pandas().set_index("customer_id")
