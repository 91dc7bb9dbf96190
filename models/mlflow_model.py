"""The bundle as an MLflow model, logged as code: `mlflow.pyfunc.load_model("models:/ripple@champion")`.

MLflow runs this file by itself, in processes that may have no Ripple, another version of it, or their own
packages with the names of its folders. So the scoring code is logged with the model, as a package with a
unique name (`ripple.training.registry.recording`).
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext


class RippleModel(PythonModel):
    """An MLflow model that takes a DataFrame of features and returns a DataFrame of scores."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle logged with the model, with the code logged with the model."""
        bundle = importlib.import_module(f"{context.model_config['package']}.bundle")
        self.bundle = bundle.Bundle.load(Path(context.artifacts["bundle"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Scores of every row: the columns of `Bundle.score`."""
        return self.bundle.score(model_input)


mlflow.models.set_model(RippleModel())
