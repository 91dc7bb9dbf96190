import importlib
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

import ripple.models

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]


def test_the_mlflow_model_scores_with_the_bundle_and_the_code_it_was_logged_with(
    bundle, features, tmp_path, monkeypatch
):
    from ripple.models.mlflow_model import RippleModel

    monkeypatch.setitem(sys.modules, "logged_code", ripple.models)
    monkeypatch.setitem(sys.modules, "logged_code.bundle", importlib.import_module("ripple.models.bundle"))
    bundle.save(tmp_path)
    model = RippleModel()
    artifacts = {"bundle": str(tmp_path)}
    model.load_context(SimpleNamespace(artifacts=artifacts, model_config={"package": "logged_code"}))
    scores = model.predict(None, features)
    pd.testing.assert_frame_equal(scores, bundle.score(features), check_exact=True)
