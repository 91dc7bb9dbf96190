"""The bundle as an MLflow model, logged as code: `mlflow.pyfunc.load_model("models:/ripple@champion")`.

MLflow runs this file by itself, in processes that may have no Ripple, another version of it, or packages of
their own called like its folders. So the code that scores comes with the model, as a package of a name that
nothing else has (`ripple.training.registry.recording`).
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext


class RippleModel(PythonModel):
    """A DataFrame of features in, a DataFrame of scores out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle that was logged with the model, by the code that was logged with it."""
        bundle = importlib.import_module(f"{context.model_config['package']}.bundle")
        self.bundle = bundle.Bundle.load(Path(context.artifacts["bundle"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Scores of every row: the columns of `bundle.SCORES`."""
        return self.bundle.score(model_input)


mlflow.models.set_model(RippleModel())
