"""A registered model version of a tiny bundle, which costs no training."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from ripple.models.batch_scoring import score_population, write_snapshot
from ripple.models.bundle import Bundle
from ripple.settings import Settings
from ripple.training.insights import plays
from ripple.training.registry import model_versions, preflight
from ripple.training.registry.model_versions import Version
from ripple.training.registry.recording import PREDICTIONS
from ripple.training.registry.tracking import Store
from tests.support.checkout import ROOT

BUNDLE = ROOT / "tests/serving/earlier_artifacts/bundle"
CUSTOMERS = 40
CUTOFF = pd.Timestamp("2025-06-01")


def register_bundle(settings: Settings, champion: bool = True) -> Version:
    """Record a run with all that commands read of one, and register it in the store of *settings*."""
    store = preflight.open_for_writing(settings)
    experiment = store.get_experiment_by_name(store.experiment)
    assert experiment is not None
    run = store.create_run(experiment.experiment_id, run_name="tiny")
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder))
        store.log_artifacts(run.info.run_id, folder)
    for name, value in {"top_share": "0.05", "seed": "7", "data.end": "2026-01-01"}.items():
        store.log_param(run.info.run_id, name, value)
    store.log_metric(run.info.run_id, "capture", 0.5)
    store.set_terminated(run.info.run_id)
    return _registered(store, run.info.run_id, f"{run.info.artifact_uri}/bundle", champion)


def _registered(store: Store, run_id: str, source: str, champion: bool) -> Version:
    if not store.search_registered_models(f"name = '{store.registered_model}'"):
        store.create_registered_model(store.registered_model)
    entry = store.create_model_version(store.registered_model, source, run_id, tags={"gate": "passed"})
    version = Version(str(entry.version), run_id)
    store.set_model_version_tag(store.registered_model, version.number, "gate.reasons", "It is tiny.")
    if champion:
        model_versions.set_champion(store, version)
    return version


def _write(folder: Path) -> None:
    bundle, random = Bundle.load(BUNDLE), np.random.default_rng(3)
    shutil.copytree(BUNDLE, folder / "bundle")
    customers = pd.Index([f"c{i:02}" for i in range(CUSTOMERS)], name="customer_id")
    features = pd.DataFrame(
        random.lognormal(1.0, 1.0, (CUSTOMERS, len(bundle.spec.names))), customers, bundle.spec.names
    )
    scores = score_population(bundle, features)
    write_snapshot(folder / "snapshot.parquet", scores, features, CUTOFF.to_pydatetime())
    predictions = pd.DataFrame(
        {"customer_id": customers, "cutoff": CUTOFF, "predicted": scores["network_value"].to_numpy()}
    ).assign(realised=lambda table: table["predicted"] * random.lognormal(0.0, 0.5, CUSTOMERS))
    predictions.to_parquet(folder / PREDICTIONS, index=False)
    (folder / "report.html").write_text("<!doctype html><body><main></main></body>", encoding="utf-8")
    (folder / plays.FILE).write_text("customer_id,play\nc01,rescue\n", encoding="utf-8")
