"""The bundle as an MLflow model, logged as code: `mlflow.pyfunc.load_model("models:/ripple@champion")`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

from models.bundle import Bundle


class RipplePyfunc(PythonModel):
    """A DataFrame of features in, a DataFrame of scores out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the bundle that was logged with the model."""
        self.bundle = Bundle.load(Path(context.artifacts["bundle"]))

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Scores of every row: the columns of `models.bundle.SCORES`."""
        return self.bundle.score(model_input)


mlflow.models.set_model(RipplePyfunc())
