"""What the benchmarks of models and of serving are about: a model of the default parameters, made up."""

from __future__ import annotations

from pathlib import Path

import joblib
import mlflow
import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema

from ripple.models import Bundle, FeatureSpec, Interval, Spec
from ripple.settings import Model
from ripple.training.estimators.heads import JOINED
from ripple.training.registry.recording import model_from_code

FEATURES, TAUGHT = 80, 20_000
FAMILIES = ("engagement", "sophistication", "referent", "expert", "network", "direct value")
UNITS = ("days", "share", "customers", "currency")
NAMES = [f"feature_{i:02}_90d" for i in range(FEATURES)]

Heads = tuple[LGBMRegressor, LGBMClassifier]


def rows(number: int, seed: int) -> np.ndarray:
    """Features (rows × `FEATURES`), a tenth of the values undefined."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.gamma(0.5, 10, (number, FEATURES)), 2)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x


def customers(number: int) -> pd.DataFrame:
    """The features of so many customers, by id."""
    ids = pd.Index([f"c{i:07}" for i in range(number)], name="customer_id", dtype="str")
    return pd.DataFrame(rows(number, seed=2), index=ids, columns=NAMES)


def heads(model: Model) -> Heads:
    """Trees as large as `estimators.heads` grows them, by LightGBM's scikit-learn wrappers."""
    x = pd.DataFrame(rows(TAUGHT, seed=1), columns=NAMES)
    some = x.to_numpy()
    target = np.nansum(some[:, :20], axis=1) * np.nan_to_num(some[:, 20]) + 1
    parameters = {
        "n_estimators": model.trees,
        "learning_rate": model.learning_rate,
        "num_leaves": model.leaves,
        "max_depth": model.depth,
        "min_child_samples": model.min_rows_per_leaf,
        "colsample_bytree": 0.5,
        "n_jobs": 1,
        "verbosity": -1,
    }
    size = {name: JOINED[name] for name in ("num_leaves", "max_depth")}
    return (
        LGBMRegressor(objective="poisson", **(parameters | size)).fit(x, target),
        LGBMClassifier(**parameters).fit(x, target > np.quantile(target, 0.99)),
    )


def bundle(made: Heads) -> Bundle:
    """The same trees as Ripple keeps them, not calibrated, so that all give the same scores."""
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
    return Bundle(made[0].booster_, made[1].booster_, spec)


def write(folder: Path, model: Model) -> Bundle:
    """Write one model into *folder* as a bundle, as pickled wrappers and as a model of MLflow."""
    made = heads(model)
    joblib.dump(made, folder / "heads.joblib")
    (folder / "bundle").mkdir()
    bundle(made).save(folder / "bundle")
    mlflow.pyfunc.save_model(
        folder / "mlflow",
        **model_from_code(folder / "bundle"),
        signature=ModelSignature(Schema([ColSpec(DataType.double, name) for name in NAMES])),
        input_example=customers(5).reset_index(drop=True),
        pip_requirements=["mlflow"],
    )
    return Bundle.load(folder / "bundle")
