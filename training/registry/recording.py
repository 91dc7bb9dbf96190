"""The record of a run in MLflow: parameters, metrics, a child run per cutoff, model, artifacts."""

from __future__ import annotations

import json
import platform
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from math import isfinite
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import Metric
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from ripple import models
from ripple.digests import digest
from ripple.features.catalog import markdown as catalogue
from ripple.models.batch_scoring import write_snapshot
from ripple.models.bundle import HEADS, RANGE_SCORES, SCORES, Spec
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.examples.provenance import run_code_digest
from ripple.training.insights import plays
from ripple.training.insights.shap_sample import shap_values
from ripple.training.registry import runs
from ripple.training.registry.gate import Decision
from ripple.training.registry.tracking import LONGEST_TAG
from ripple.training.result import TrainingResult

PREDICTIONS = "predictions.parquet"
LOGGED_MODEL = "ripple"
"""The name of the model inside its run, which may not have the dots of a registered model."""

IDENTITY = "ripple.identity"
"""The tag of a run that says what it was made from; see `examples.provenance.Provenance`."""
PREVIEW_ROWS = 100
"""The number of rows of a Parquet file that are also kept as CSV, which MLflow's pages show."""
PREVIEW_ORDER = {"snapshot": ("rank", True), "predictions": ("predicted", False)}
"""The column by which the rows of a preview are ordered, and whether upwards, by the name of the file."""
UNRECORDED = ("deterministic", "force_row_wise", "monotone_constraints", "seed", "verbosity")
"""The LightGBM parameters that are the same for all heads and versions, or that features and settings say."""

REQUIREMENTS = ("mlflow", "lightgbm", "numpy", "pandas", "scipy")


@dataclass(frozen=True)
class LoggedModel:
    """A model that is logged in a run but not registered."""

    model_uri: str
    run_id: str
    description: str = ""


def log(
    result: TrainingResult, decision: Decision, report: str, card: str, started: datetime | None = None
) -> LoggedModel:
    """Record *result* as one run with a child run per backtest cutoff. Nothing is registered.

    The run holds parameters, metrics, also by cutoff, digests of data and code, the model and all artifacts;
    what differs between two runs shows when MLflow compares them.

    Args:
        report, card: the report as HTML, and the model card as Markdown.
        started: when the training began, UTC; now where it is None.
    """
    home, description = result.settings.home, describe(result, decision)
    began = started or datetime.now(UTC)
    name = runs.full_name(result.name, result.dataset, began)
    run_id = runs.created(name, result.settings.experiment, description, began)
    with runs.locked(name, home, run_id=run_id) as run, tempfile.TemporaryDirectory() as temporary:
        mlflow.log_params(_parameters(result))
        mlflow.set_tags(
            {
                "dataset": result.dataset,
                IDENTITY: result.data.identity,
                "label": result.population.bundle.spec.label,
                "gate": "passed" if decision.passed else "failed",
                "gate.reasons": " ".join(decision.reasons)[:LONGEST_TAG],
            }
        )
        mlflow.log_metrics({name: value for name, value in result.headline().items() if value == value})
        mlflow.log_metrics(result.population.total.metrics())
        if result.label.controls:
            mlflow.log_metrics(result.label.controls.metrics())
        _log_inputs(result)
        _log_cutoffs(result, run.info.run_id)
        _log_search(result)
        folder = Path(temporary)
        _write_artifacts(result, decision, report, card, folder)
        mlflow.log_artifacts(str(folder))
        return LoggedModel(_log_bundle(result, folder / "bundle"), run.info.run_id, description)


def describe(result: TrainingResult, decision: Decision) -> str:
    """The run and its version in a few sentences of Markdown, the figures first."""
    backtest, share = result.evaluation.backtest, f"{result.settings.top_share:.0%}"
    lead, low, high = backtest.lead
    search = result.evaluation.search
    sentences = [
        f"**{backtest.capture(MODEL):.2f}** of the value held by the true top {share} is captured, "
        f"{backtest.capture(backtest.best_baseline):.2f} by the best simple rule ({backtest.best_baseline}): "
        f"{lead:+.2f} (95 % interval {low:+.2f} to {high:+.2f}).",
        f"Trained on {result.dataset} until {result.population.as_of:%Y-%m-%d}, for the network value of "
        f"{len(result.population.scores):,} customers over {result.settings.horizon_days} days.",
        f"Gate: {decision.title}. {' '.join(decision.summary)}".strip(),
        *([f"Search of parameters: {search.text}"] if search else []),
        "The page is `report.html`, the model card `model_card.md`; `preview/` has the first rows of tables.",
    ]
    return "\n\n".join(sentences)[:LONGEST_TAG]


def _parameters(result: TrainingResult) -> dict[str, Any]:
    """Settings, and all else that a difference between two runs may come from."""
    provenance = {
        "data.start": result.data.checks.start.isoformat(),
        "data.end": result.population.as_of.isoformat(),
        "features": len(result.population.bundle.spec.names),
        "ripple": version("ripple"),
        "code": run_code_digest(),
    }
    data = {f"data.{table}": digest_of_rows for table, digest_of_rows in result.data.digests.items()}
    heads = {
        f"{head}.{name}": value
        for head, parameters in result.population.head_parameters.items()
        for name, value in parameters.items()
        if name not in UNRECORDED
    }
    return flat(result.settings.model_dump(mode="json")) | provenance | data | heads


def _log_inputs(result: TrainingResult) -> None:
    """The tables, as MLflow's data sets."""
    source = CodeDatasetSource({"dataset": result.dataset})
    for table, digest_of_rows in result.data.digests.items():
        # its abstract property is left out by MLflow, which makes them all the same
        entry = MetaDataset(source, name=table, digest=digest_of_rows)  # type: ignore[abstract]
        mlflow.log_input(entry, context="training")


def _log_search(result: TrainingResult) -> None:
    """The outcome of the parameter search, and a child run for every choice that was tried."""
    search = result.evaluation.search
    if search is None:
        return
    mlflow.log_metrics({f"search.{name}": value for name, value in _numbers(search.record()).items()})
    mlflow.set_tag("search", search.text)
    for trial in search.trials:
        state = "given up" if trial.capture is None else "complete"
        tags = {"kind": "trial", "trial": state}
        with runs.run(f"{result.name}, trial {trial.number}", nested=True, tags=tags):
            mlflow.log_params({f"model.{name}": value for name, value in trial.parameters.items()})
            if trial.capture is not None:
                mlflow.log_metric("tuning_capture", trial.capture)


def _log_cutoffs(result: TrainingResult, parent: str) -> None:
    """A child run for every evaluation cutoff, and the model's metrics by cutoff in the parent as well."""
    backtest, plan = result.evaluation.backtest, result.data.schedule
    evaluated = set(backtest.heads["cutoff"])
    client, by_cutoff = mlflow.MlflowClient(), []
    for step, cutoff in enumerate(plan.evaluation):
        day = f"{cutoff:%Y-%m-%d}"
        if day not in evaluated:
            continue
        rankings = backtest.rankings[backtest.rankings["cutoff"] == day].set_index("ranking").to_dict("index")
        model_metrics = _numbers(backtest.model_metrics(day))
        rules = _numbers({f"capture of {name}": rule["capture"] for name, rule in rankings.items()})
        with runs.run(f"{result.name} at {day}", nested=True, tags={"kind": "backtest"}):
            closed = plan.training_for(cutoff)
            mlflow.log_params(
                {
                    "cutoff": day,
                    "closes": f"{cutoff + plan.horizon:%Y-%m-%d}",
                    "training_cutoffs": len(closed),
                    "training_from": f"{closed[0]:%Y-%m-%d}",
                    "training_to": f"{closed[-1]:%Y-%m-%d}",
                }
            )
            mlflow.log_metrics(model_metrics | rules)
        when = int(cutoff.replace(tzinfo=UTC).timestamp() * 1000)
        by_cutoff += [Metric(f"cutoff.{name}", value, when, step) for name, value in model_metrics.items()]
    client.log_batch(parent, metrics=by_cutoff)


def _numbers(row: Mapping[Any, Any]) -> dict[str, float]:
    """The finite numbers of *row*, by name."""
    return {
        str(name): float(value)
        for name, value in row.items()
        if isinstance(value, int | float) and isfinite(value)
    }


def _write_artifacts(
    result: TrainingResult, decision: Decision, report: str, card: str, folder: Path
) -> None:
    (folder / "bundle").mkdir()
    result.population.bundle.save(folder / "bundle")
    headline = {name: value if isfinite(value) else None for name, value in result.headline().items()}
    _write_json(folder / "bundle" / "measures.json", headline)
    for place in (folder, folder / "bundle"):
        (place / "model_card.md").write_text(card, encoding="utf-8")
    write_snapshot(
        folder / "snapshot.parquet",
        result.population.scores,
        result.population.features,
        result.population.as_of,
        result.population.attributes,
    )
    result.evaluation.out_of_sample.to_parquet(folder / PREDICTIONS, index=False)
    plays.write(result.insights.playbook, folder / plays.FILE, result.population.shown_attributes)
    (folder / "shap").mkdir()
    for head in HEADS:
        shap_values(
            result.population.bundle, result.population.features, head, result.settings.seed
        ).to_parquet(folder / "shap" / f"{head}.parquet")
    _write_json(folder / "evidence.json", result.record())
    _write_json(folder / "gate.json", decision.record())
    (folder / "features.md").write_text(catalogue(result.settings), encoding="utf-8")
    (folder / "environment.txt").write_text(_environment(), encoding="utf-8")
    (folder / "report.html").write_text(report, encoding="utf-8")
    _write_previews(folder)


def _write_previews(folder: Path) -> None:
    """The first rows of every Parquet file in *folder* as CSV, in a folder `preview` there."""
    files = sorted(folder.rglob("*.parquet"))
    (folder / "preview").mkdir()
    for file in files:
        rows = pd.read_parquet(file)
        if file.stem in PREVIEW_ORDER:
            column, upwards = PREVIEW_ORDER[file.stem]
            rows = rows.sort_values(column, ascending=upwards, kind="stable")
        name = "_".join(file.relative_to(folder).with_suffix(".csv").parts)
        rows.head(PREVIEW_ROWS).to_csv(folder / "preview" / name, index=rows.index.name is not None)


def _write_json(file: Path, record: dict[str, Any]) -> None:
    text = json.dumps(record, indent=1, ensure_ascii=False, allow_nan=False)
    file.write_text(text + "\n", encoding="utf-8")


def _environment() -> str:
    """Every installed package with its version, as pip installs from it, and the Python they run on."""
    packages = sorted({f"{package.name}=={package.version}" for package in distributions()}, key=str.lower)
    return "\n".join([f"# Python {platform.python_version()}", *packages, ""])


def _log_bundle(result: TrainingResult, bundle: Path) -> str:
    logged = mlflow.pyfunc.log_model(
        name=LOGGED_MODEL,
        **model_from_code(bundle),
        signature=_signature(result.population.bundle.spec),
        input_example=result.population.features.head(5).reset_index(drop=True),
        pip_requirements=[f"{name}=={version(name)}" for name in REQUIREMENTS],
    )
    return str(logged.model_uri)


def model_from_code(bundle: Path) -> dict[str, Any]:
    """Arguments by which `mlflow.pyfunc` logs or saves the *bundle* with the code that scores it.

    The code is copied next to the bundle, as a package whose name follows from its content: it hides no
    module of the process that loads it, and two versions of it may be loaded side by side.
    """
    code = Path(models.__file__).parent
    sources = [file.read_text(encoding="utf-8") for file in sorted(code.glob("*.py"))]
    package = bundle.with_name(f"ripple_model_{digest(*sources)}")
    shutil.copytree(code, package, ignore=shutil.ignore_patterns("__pycache__"))
    return {
        "python_model": str(code / "mlflow_model.py"),
        "artifacts": {"bundle": str(bundle)},
        "code_paths": [str(package)],
        "model_config": {"package": package.name},
    }


def _signature(spec: Spec) -> ModelSignature:
    """Features in, scores out, all of them doubles.

    Every feature is required, though its value may be missing; inferred from rows, MLflow would take one for
    optional that happens to be null in them, and Spark then cannot find the columns by name.
    """
    inputs, scores = (
        Schema([ColSpec(DataType.double, name) for name in names])
        for names in (spec.names, SCORES + RANGE_SCORES)
    )
    return ModelSignature(inputs, scores)


def flat(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Keys of nested sections joined with dots, as MLflow wants its parameters."""
    flattened: dict[str, Any] = {}
    for key, value in nested.items():
        flattened |= flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flattened
