"""One model in three forms, all of which score alike."""

from __future__ import annotations

from pathlib import Path

import joblib
import numpy as np
import pytest

from benchmarks import synthetic_model
from ripple.models.batch_scoring import score_population
from ripple.settings import Model


def test_a_tenth_of_the_values_is_missing_and_a_seed_gives_the_same() -> None:
    x = synthetic_model.feature_rows(1000, seed=3)
    assert x.shape == (1000, synthetic_model.FEATURES)
    assert np.isnan(x).mean() == pytest.approx(0.1, abs=0.01)
    np.testing.assert_array_equal(x, synthetic_model.feature_rows(1000, seed=3))


# raised inside MLflow
@pytest.mark.filterwarnings("ignore:Operation with range is deprecated")
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")
def test_the_bundle_scores_as_the_heads_it_was_made_of(tmp_path: Path) -> None:
    bundle = synthetic_model.write_model(tmp_path, Model(trees=5))
    value, top = joblib.load(tmp_path / "heads.joblib")
    features = synthetic_model.customer_features(50)
    scores = score_population(bundle, features).loc[features.index]
    np.testing.assert_allclose(scores["network_value"], value.predict(features), rtol=1e-9)
    np.testing.assert_allclose(scores["top_probability"], top.predict_proba(features)[:, 1], rtol=1e-9)
    assert (tmp_path / "mlflow" / "MLmodel").is_file()
