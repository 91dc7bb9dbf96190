from types import SimpleNamespace

import pandas as pd
import pytest

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType"),
]


def test_the_mlflow_model_scores_with_the_bundle_it_was_logged_with(bundle, features, tmp_path):
    from models.pyfunc import RipplePyfunc

    bundle.save(tmp_path)
    model = RipplePyfunc()
    model.load_context(SimpleNamespace(artifacts={"bundle": str(tmp_path)}))
    found = model.predict(None, features)
    pd.testing.assert_frame_equal(found, bundle.score(features), check_exact=True)
