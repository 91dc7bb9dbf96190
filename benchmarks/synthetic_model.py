"""A model of the default parameters over synthetic features, for the benchmarks of SHAP and of serving."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any

import joblib
import mlflow
import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from ripple.arrays import Floats
from ripple.models import Bundle, FeatureSpec, Interval, Spec
from ripple.models.batch_scoring import score_population, write_snapshot
from ripple.serving.package import package
from ripple.settings import Model
from ripple.training.estimators.distillation import STUDENT_PARAMS
from ripple.training.registry.recording import model_from_code

FEATURES, TRAINING_ROWS = 80, 20_000
AS_OF = datetime(2026, 6, 30)
"""The moment of the features in the snapshot."""
FAMILIES = ("engagement", "sophistication", "referent", "expert", "network", "direct value")
UNITS = ("days", "share", "customers", "currency")
NAMES = [f"feature_{i:02}_90d" for i in range(FEATURES)]

Heads = tuple[LGBMRegressor, LGBMClassifier]


def feature_rows(number: int, seed: int) -> Floats:
    """Features, so many rows × `FEATURES`; a tenth of the values is missing."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.gamma(0.5, 10, (number, FEATURES)), 2)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def customer_features(number: int) -> pd.DataFrame:
    """Features of so many customers, indexed by customer_id."""
    ids = pd.Index([f"c{i:07}" for i in range(number)], name="customer_id", dtype="str")
    return pd.DataFrame(feature_rows(number, seed=2), index=ids, columns=NAMES)


def fit_heads(model: Model) -> Heads:
    """The value and the top head, as large as training grows them, by scikit-learn's interface."""
    x = pd.DataFrame(feature_rows(TRAINING_ROWS, seed=1), columns=NAMES)
    values = x.to_numpy()
    target = np.nansum(values[:, :20], axis=1) * np.nan_to_num(values[:, 20]) + 1
    parameters: dict[str, Any] = {
        "n_estimators": model.trees,
        "learning_rate": model.learning_rate,
        "num_leaves": model.leaves,
        "max_depth": model.depth,
        "min_child_samples": model.min_rows_per_leaf,
        "colsample_bytree": 0.5,
        "n_jobs": 1,
        "verbosity": -1,
    }
    value_size = {name: STUDENT_PARAMS[name] for name in ("num_leaves", "max_depth")}
    return (
        LGBMRegressor(objective="poisson", **(parameters | value_size)).fit(x, target),
        LGBMClassifier(**parameters).fit(x, target > np.quantile(target, 0.99)),
    )


def uncalibrated_bundle(heads: Heads) -> Bundle:
    """The trees of *heads* as a bundle that changes no score, so that all who serve them answer alike."""
    features = tuple(
        FeatureSpec(name, FAMILIES[i % len(FAMILIES)], UNITS[i % len(UNITS)], f"What {name} means.")
        for i, name in enumerate(NAMES)
    )
    spec = Spec(
        features=features,
        level=1.0,
        slope=1.0,
        intercept=0.0,
        interval=Interval(0.8, (10.0, 40.0), (0.0, 0.4, 0.6), (3.0, 2.2, 1.7)),
        currency="USD",
        horizon_days=180,
        top_share=0.01,
        trained_until="2025-12-31T00:00:00",
        label="network_value",
    )
    return Bundle(heads[0].booster_, heads[1].booster_, spec)


def write_model(folder: Path, model: Model) -> Bundle:
    """Fit a model and write it into *folder*: as a bundle, as pickled heads and as a model of MLflow."""
    heads = fit_heads(model)
    joblib.dump(heads, folder / "heads.joblib")
    (folder / "bundle").mkdir()
    uncalibrated_bundle(heads).save(folder / "bundle")
    mlflow.pyfunc.save_model(
        folder / "mlflow",
        **model_from_code(folder / "bundle"),
        signature=ModelSignature(Schema([ColSpec(DataType.double, name) for name in NAMES])),
        input_example=customer_features(5).reset_index(drop=True),
        pip_requirements=["mlflow"],
    )
    return Bundle.load(folder / "bundle")


def write_bento(folder: Path, features: pd.DataFrame, model: Model) -> str:
    """Write a model and a snapshot of *features* into *folder* and pack both; the tag of the Bento."""
    bundle = write_model(folder, model)
    write_snapshot(folder / "snapshot.parquet", score_population(bundle, features), features, AS_OF)
    os.environ["BENTOML_HOME"] = str(folder / "bentoml")
    return str(package(folder, "1"))
