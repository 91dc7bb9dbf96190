"""Digests of what a run was made from: data, whatever the order of their rows, settings and code."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from ripple.digests import code_digest, digest
from ripple.features.dataset import Dataset
from ripple.features.validation.findings import Report
from ripple.training import measured_effects

CODE = (
    "ripple.training.examples.examples",
    "ripple.training.estimators.heads",
    "ripple.training.evaluation.backtest",
    "ripple.models.bundle",
)
"""The modules that, with all they import, make features, labels, models and their backtest."""

PIPELINE = "ripple.training.pipeline"
"""The module that, with all it imports, makes everything that a run records."""


@dataclass(frozen=True)
class Provenance:
    """What a training starts from.

    Attributes:
        data: digest of each table, by name; see `data_digests`.
        identity: digest of data, settings, code, libraries, the number of trials, and what experiments
            measured of plays. Trainings of the same
            identity end with the same bundle.
    """

    data: Mapping[str, str]
    identity: str


def provenance_of(dataset: Dataset, checks: Report, trials: int = 0) -> Provenance:
    """What a training on *dataset* with so many *trials* of a parameter search starts from.

    Neither the name of the run counts nor where results are kept, but what experiments measured that are kept
    there does.
    """
    data = data_digests(dataset)
    measured = measured_effects.read(dataset.settings.home, dataset.settings.until or checks.end)
    settings = dataset.settings.model_dump(mode="json")
    set_aside = sorted((finding.key, finding.count) for finding in checks.set_aside)
    parts = (sorted(data.items()), settings, set_aside, trials, code_digest(PIPELINE))
    return Provenance(data, digest(*parts, *sorted(measured.items())))


def data_digests(dataset: Dataset) -> dict[str, str]:
    """Table → digest of its rows as training reads them; neither their order nor that of columns matters.

    Where the user adds features, their code counts as well, as ``features.py``.
    """
    rows = {name: _rows_digest(table) for name, table in dataset.tables.tables.items()}
    if dataset.attribute_history is not None:
        rows["attributes"] = _rows_digest(dataset.attribute_history.rows)
    if dataset.plays_log is not None:
        rows["plays_log"] = _rows_digest(dataset.plays_log)
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
