"""The champion as a function of Spark, used as in docs/spark.md."""

import re

import mlflow
import numpy as np
import pandas as pd
import pytest
from pyspark.errors import AnalysisException, PythonException
from pyspark.sql import functions as F  # noqa: N812

from ripple.models.bundle import RANGE_SCORES, SCORES
from ripple.training.registry import tracking
from tests.support.checkout import ROOT

CHAMPION = "models:/ripple@champion"
PAGE = ROOT / "docs" / "spark.md"


@pytest.fixture
def client(opened, trained):
    return tracking.connect(opened[0].settings)


@pytest.fixture(scope="module")
def features_with_nulls(result):
    """Features of which some are null, NaN to pandas."""
    features = result.population.features.copy()
    random = np.random.default_rng(1)
    return features.mask(random.random(features.shape) < 0.1)


@pytest.fixture(scope="module")
def table(spark, features_with_nulls, tmp_path_factory):
    """The same on Spark, in several partitions."""
    path = tmp_path_factory.mktemp("features") / "features.parquet"
    features_with_nulls.reset_index().to_parquet(path, index=False)
    return spark.read.parquet(str(path)).repartition(3)


@pytest.fixture
def score(spark, client):
    return mlflow.pyfunc.spark_udf(spark, CHAMPION, env_manager="local")


def collected(scored):
    return scored.select("customer_id", "score.*").toPandas().set_index("customer_id").sort_index()


def same(scores, expected):
    expected = expected.sort_index()[list(scores.columns)]
    pd.testing.assert_frame_equal(scores, expected, check_exact=True, check_index_type=False)


def test_it_scores_like_the_bundle(table, score, features_with_nulls, result):
    assert table.rdd.getNumPartitions() == 3
    assert table.filter("out_degree is null").count() > 0
    scores = collected(table.select("customer_id", score().alias("score")))
    assert tuple(scores.columns) == SCORES + RANGE_SCORES
    same(scores, result.population.bundle.score(features_with_nulls))


def test_a_struct_is_matched_by_name_in_any_order(table, score, features_with_nulls, result):
    names = ["owner", "customer_id", *result.population.bundle.spec.names[::-1]]
    owned = table.withColumn("owner", F.lit("somebody"))
    scores = collected(owned.select("customer_id", score(F.struct(*names)).alias("score")))
    same(scores, result.population.bundle.score(features_with_nulls))


def test_nan_and_null_are_both_undefined(spark, table, score, features_with_nulls, result):
    nothing = table.withColumn("out_degree", F.lit(None)).withColumn("in_degree", F.lit(float("nan")))
    scores = collected(nothing.select("customer_id", score().alias("score")))
    same(
        scores,
        result.population.bundle.score(features_with_nulls.assign(out_degree=np.nan, in_degree=np.nan)),
    )


def test_a_result_type_chooses_scores_by_name(spark, client, table, features_with_nulls, result):
    chosen = "top_probability double, network_value double"
    score = mlflow.pyfunc.spark_udf(spark, CHAMPION, result_type=chosen, env_manager="local")
    scores = collected(table.select("customer_id", score().alias("score")))
    assert list(scores.columns) == ["top_probability", "network_value"]
    same(scores, result.population.bundle.score(features_with_nulls))


def test_a_missing_column_is_named(table, score):
    fewer = table.drop("out_degree")
    with pytest.raises(AnalysisException, match="`out_degree` cannot be resolved"):
        fewer.select(score())
    with pytest.raises(PythonException, match="out_degree"):
        fewer.select(score(F.struct("*"))).collect()


def test_the_page_scores_and_ranks_everybody(spark, client, opened, result, tmp_path, monkeypatch):
    # MLflow keeps the address it is given in this variable
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow.get_tracking_uri())
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".ripple").symlink_to(opened[0].settings.home.absolute())
    result.population.features.reset_index().to_parquet("features.parquet", index=False)
    page: dict = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        # the JVM stays in the folder it was started from
        exec(block.replace('.parquet("', f'.parquet("{tmp_path}/'), page)
    scores = page["ranked"].toPandas().set_index("customer_id").sort_index()
    expected = result.population.scores.sort_index()
    same(scores[list(expected.columns)], expected)
    assert scores["top_member"].sum() == 4
    percentile = expected["network_value"].rank(method="min").sub(1).div(len(expected) - 1)
    assert scores["percentile"].to_numpy() == pytest.approx(percentile.to_numpy())
    assert scores["decile"].tolist() == ((expected["rank"] - 1) * 10 // len(expected) + 1).tolist()
