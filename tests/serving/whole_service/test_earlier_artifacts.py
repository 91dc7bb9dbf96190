"""Bundles, publications and MLflow models of an earlier release score to the numbers that it recorded.

Commit 3dd7113 wrote them, the last one whose modules were imported as `models`, `serving` and `training`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ripple.models import Bundle
from ripple.models.batch_scoring import score_population
from ripple.models.bundle import RANGE_SCORES
from ripple.serving.publications.redis_store import RedisStore
from ripple.serving.publications.stores import open_store
from ripple.serving.store_poller import warmed_up_scorer

ARTIFACTS = Path(__file__).parents[1] / "earlier_artifacts"
EXPECTED = json.loads((ARTIFACTS / "expected.json").read_text(encoding="utf-8"))
ANSWER = EXPECTED["answer"] | {
    "as_of": EXPECTED["answer"]["as_of"] + "Z",
    "customer": EXPECTED["answer"]["customer"] | dict.fromkeys(RANGE_SCORES),
    "experiments": [],
}
"""What was answered then, with the zone of its moment, and null for what such a model does not tell."""


@pytest.fixture(scope="module")
def features() -> pd.DataFrame:
    index = pd.Index(EXPECTED["customer_ids"], name="customer_id")
    return pd.DataFrame(EXPECTED["features"], index, EXPECTED["feature_names"], dtype=np.float64)


@pytest.fixture(scope="module")
def scores() -> pd.DataFrame:
    index = pd.Index(EXPECTED["customer_ids"], name="customer_id")
    return pd.DataFrame(EXPECTED["scores"], index, EXPECTED["score_names"])


def test_a_bundle_scores_and_ranks_to_the_same_bits(features: pd.DataFrame, scores: pd.DataFrame) -> None:
    bundle = Bundle.load(ARTIFACTS / "bundle")
    pd.testing.assert_frame_equal(bundle.score(features), scores, check_exact=True)
    assert score_population(bundle, features)["rank"].tolist() == EXPECTED["rank"]


async def _answer(location: str, publication: Path | None = None) -> dict[str, Any]:
    store = open_store(location)
    if publication is not None:
        store.publish(publication, publication.name)
    name = await store.current()
    assert name == EXPECTED["publication"]
    try:
        return await warmed_up_scorer(await store.open(name)).customer("c07", 2)
    finally:
        if isinstance(store, RedisStore):
            await store.client.aclose()


def test_a_store_is_served_with_the_same_answer(run: Any) -> None:
    assert run(_answer(str(ARTIFACTS / "store"))) == ANSWER


def test_a_publication_is_served_from_redis_with_the_same_answer(run: Any, redis_url: str) -> None:
    publication = ARTIFACTS / "store/publications" / EXPECTED["publication"]
    assert run(_answer(redis_url, publication)) == ANSWER


SCORE = """
import json, sys
import mlflow, pandas as pd
import ripple.models
expected = json.load(open(sys.argv[1]))
features = pd.DataFrame(expected["features"], columns=expected["feature_names"], dtype=float)
scores = mlflow.pyfunc.load_model(sys.argv[2]).predict(features)
assert "models" in sys.modules
print(json.dumps({"columns": list(scores), "values": scores.to_numpy().tolist()}))
"""


def test_an_mlflow_model_scores_to_the_same_bits(tmp_path: Path) -> None:
    arguments = [ARTIFACTS / "expected.json", ARTIFACTS / "mlflow_model"]
    process = subprocess.run(
        [sys.executable, "-B", "-c", SCORE, *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout) == {"columns": EXPECTED["score_names"], "values": EXPECTED["scores"]}
