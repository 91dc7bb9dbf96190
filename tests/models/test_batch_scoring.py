from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.models.batch_scoring import (
    read_snapshot,
    score_population,
    top_count,
    with_reasons,
    write_snapshot,
)
from ripple.models.reasons import reasons

AS_OF = datetime(2026, 1, 1, 12)


@pytest.fixture(scope="module")
def scores(bundle, features):
    return score_population(bundle, features)


def test_the_best_is_first_and_the_top_share_rounded_up_belongs(bundle, features, scores):
    assert sorted(scores["rank"]) == list(range(1, 501))
    ranked = scores.sort_values("rank")
    assert ranked["network_value"].is_monotonic_decreasing
    # 2 % of 500
    assert ranked["top_member"].tolist() == [True] * 10 + [False] * 490
    assert score_population(bundle, features.iloc[:51])["top_member"].sum() == 2
    assert score_population(bundle, features.iloc[:1])["top_member"].tolist() == [True]


@given(st.integers(1, 49), st.integers(1, 10**7))
def test_the_top_count_is_rounded_up_exactly(percent, customers):
    assert top_count(percent / 100, customers) == -(-percent * customers // 100)


def test_scores_are_those_of_the_bundle(bundle, features, scores):
    expected = bundle.score(features)
    pd.testing.assert_frame_equal(scores[expected.columns], expected, check_exact=True)
    assert list(scores.columns[len(expected.columns) :]) == ["top_member", "rank"]


def test_equals_are_ranked_in_order_of_id(bundle, features):
    same = pd.DataFrame(
        np.repeat(features.iloc[[0]].to_numpy(), 60, axis=0),
        columns=features.columns,
        index=pd.Index([f"c{number:02d}" for number in range(60)][::-1], name="customer_id"),
    )
    ranked = score_population(bundle, same)
    assert ranked.sort_index()["rank"].tolist() == list(range(1, 61))
    assert ranked.index[ranked["top_member"]].tolist() == ["c00", "c01"]


def test_the_order_of_rows_changes_nothing(bundle, features, scores):
    shuffled = score_population(bundle, features.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(shuffled, scores, check_exact=True)


def test_no_customers_have_no_scores(bundle, features):
    assert score_population(bundle, features.iloc[:0]).empty


def test_a_snapshot_holds_scores_and_features_and_its_moment(tmp_path, features, scores):
    path = tmp_path / "snapshot.parquet"
    write_snapshot(path, scores, features.sample(frac=1, random_state=1), AS_OF)
    table = pq.read_table(path)
    assert table.schema.metadata == {b"as_of": b"2026-01-01T12:00:00"}
    assert table.column_names == ["customer_id", *scores.columns, *features.columns]
    types = {field.name: field.type for field in table.schema}
    assert types["customer_id"] in (pa.string(), pa.large_string())
    assert types["rank"] == pa.int64()
    assert types["top_member"] == pa.bool_()
    assert {types[name] for name in ("network_value", "top_probability", *features.columns)} == {pa.float64()}
    back = table.to_pandas().set_index("customer_id")
    pd.testing.assert_frame_equal(back[features.columns], features, check_exact=True)
    pd.testing.assert_frame_equal(back[scores.columns], scores, check_exact=True)
    # what is undefined is null, as every reader of Parquet understands
    assert table["best_referral"].null_count == features["best_referral"].isna().sum()


def test_attributes_stand_beside_scores_and_features(scores, features, tmp_path):
    plan = pd.DataFrame({"plan": ["a", "b"] * 250}, index=features.index)
    write_snapshot(tmp_path / "snapshot.parquet", scores, features, AS_OF, plan)
    table = pq.read_table(tmp_path / "snapshot.parquet")
    assert table.column("attribute:plan").to_pylist() == plan["plan"].loc[scores.index].tolist()


@pytest.mark.parametrize("chunk_rows", [7, 2**16])
def test_reasons_are_the_strongest_of_each_customer(bundle, features, scores, chunk_rows, monkeypatch):
    monkeypatch.setattr("ripple.models.batch_scoring.CHUNK_ROWS", chunk_rows)
    explained = with_reasons(bundle, scores, features.sample(frac=1, random_state=1), 3)
    assert list(explained.columns[:-6]) == list(scores.columns)
    for head in ("value", "top"):
        expected = reasons(bundle, head, bundle.matrix(features.loc[scores.index]), 3)
        for position in range(3):
            column = explained[f"{head}_reason_{position + 1}"].tolist()
            assert column == [row[position].text for row in expected]


def test_there_are_no_more_reasons_than_features(bundle, features, scores):
    assert len(with_reasons(bundle, scores[:5], features, 20).columns) == len(scores.columns) + 2 * 7


def test_a_snapshot_is_read_back_as_it_was_written(tmp_path, features, scores):
    path = tmp_path / "snapshot.parquet"
    write_snapshot(path, scores, features, AS_OF, pd.DataFrame({"plan": "a"}, index=features.index))
    as_of, known, scored = read_snapshot(path)
    assert as_of == AS_OF
    pd.testing.assert_frame_equal(known, features, check_exact=True)
    pd.testing.assert_frame_equal(scored, scores, check_exact=True)
