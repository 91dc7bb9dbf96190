"""Digests of what a run was made from: its data, whatever the order of their rows, and its code."""

from __future__ import annotations

import warnings

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ripple.digests import code_digest, digest
from ripple.features.dataset import Dataset

CODE = (
    "ripple.training.examples.examples",
    "ripple.training.estimators.heads",
    "ripple.training.evaluation.backtest",
    "ripple.models.bundle",
)
"""The modules that, with all they import, make features, labels, models and their backtest."""


def data_digests(dataset: Dataset) -> dict[str, str]:
    """Table → digest of its rows as training reads them; neither their order nor that of columns matters.

    Where the user adds features, their code counts as well, as ``features.py``.
    """
    rows = {name: _rows_digest(table) for name, table in dataset.tables.tables.items()}
    if dataset.attribute_history is not None:
        rows["attributes"] = _rows_digest(dataset.attribute_history.rows)
    return rows | ({"features.py": dataset.extension.digest} if dataset.extension.digest else {})


def _rows_digest(table: ir.Table) -> str:
    columns, rows, total = sorted(table.columns), 0, np.uint64(0)
    with warnings.catch_warnings():
        # ibis 12 asks DuckDB for batches by a name that DuckDB 1.4 deprecated
        warnings.simplefilter("ignore", DeprecationWarning)
        for batch in table.select(*columns).to_pyarrow_batches():
            hashes = pd.util.hash_pandas_object(batch.to_pandas(), index=False).to_numpy()
            # sums of unsigned integers wrap round, so that any order gives the same
            rows, total = rows + len(hashes), np.add(total, hashes.sum(dtype=np.uint64), dtype=np.uint64)
    return digest(columns, rows, int(total))


def run_code_digest() -> str:
    """Digest of the code that makes features, labels and models."""
    return code_digest(*CODE)
