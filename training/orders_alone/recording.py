"""The record of a run on orders alone in MLflow: parameters, metrics, artifacts, and no model."""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from math import isfinite
from pathlib import Path

import mlflow

from ripple.training.examples.provenance import run_code_digest
from ripple.training.orders_alone.spend_result import SpendResult
from ripple.training.registry import runs
from ripple.training.registry.recording import PREDICTIONS, flat

CUSTOMERS = "customers.csv"
"""The name of the file in a run that lists the value of every customer."""


def log(result: SpendResult, report: str) -> str:
    """Record *result* with its *report* as one run, and return the id of the run."""
    provenance = {
        "data.start": result.data.checks.start.isoformat(),
        "data.end": result.as_of.isoformat(),
        "features": result.features,
        "ripple": version("ripple"),
        "code": run_code_digest(),
    }
    data = {f"data.{table}": digest for table, digest in result.data.digests.items()}
    name = runs.full_name(result.name, result.dataset, datetime.now(UTC))
    with runs.locked(name, result.settings.home) as run, tempfile.TemporaryDirectory() as temporary:
        mlflow.log_params(flat(result.settings.model_dump(mode="json")) | provenance | data)
        mlflow.set_tags({"dataset": result.dataset, "label": "direct value"})
        mlflow.log_metrics({name: value for name, value in result.headline().items() if isfinite(value)})
        folder = Path(temporary)
        result.table().to_csv(folder / CUSTOMERS)
        result.value.direct.predictions.to_parquet(folder / PREDICTIONS, index=False)
        record = json.dumps(result.record(), indent=1, ensure_ascii=False, allow_nan=False)
        (folder / "evidence.json").write_text(record + "\n", encoding="utf-8")
        (folder / "report.html").write_text(report, encoding="utf-8")
        mlflow.log_artifacts(str(folder))
        return str(run.info.run_id)
