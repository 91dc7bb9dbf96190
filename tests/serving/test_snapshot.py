from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.scorer import Scorer
from serving.snapshot import Snapshot, SnapshotError

VALUES = st.floats(0, 100) | st.integers(0, 3).map(float)


def test_a_snapshot_holds_what_the_file_does(source: Path, features: pd.DataFrame, names: list[str]) -> None:
    snapshot = Snapshot.load(source / "snapshot.parquet", names)
    table = pq.read_table(source / "snapshot.parquet").to_pandas()
    assert snapshot.as_of == "2026-06-30T00:00:00"
    assert snapshot.size == len(features)
    assert [snapshot.row_of(customer_id) for customer_id in table["customer_id"]] == list(range(400))
    assert snapshot.row_of("nobody") is None
    assert snapshot.features.dtype == np.float64
    np.testing.assert_array_equal(snapshot.features, features.to_numpy())
    np.testing.assert_array_equal(snapshot.rank, table["rank"])
    np.testing.assert_array_equal(snapshot.scores["top_probability"], table["top_probability"])


def test_features_come_in_the_order_asked_for(source: Path, features: pd.DataFrame, names: list[str]) -> None:
    snapshot = Snapshot.load(source / "snapshot.parquet", names[::-1])
    np.testing.assert_array_equal(snapshot.features, features[names[::-1]].to_numpy())


@given(st.lists(VALUES, min_size=1, max_size=30), VALUES)
def test_a_rank_is_one_more_than_the_number_strictly_above(values: list[float], asked: float) -> None:
    empty = np.empty(0)
    snapshot = Snapshot("", {}, empty, {}, empty, empty, descending=np.sort(-np.array(values)))
    assert snapshot.rank_of(asked) == 1 + sum(value > asked for value in values)


def test_stored_ranks_are_the_ranks_of_the_stored_values(scorer: Scorer) -> None:
    values = scorer.snapshot.scores["network_value"]
    best = int(np.argmax(values))
    assert scorer.snapshot.rank_of(values[best]) == scorer.snapshot.rank[best] == 1


def _null_id(table: pa.Table) -> pa.Table:
    ids = pa.array([None, *table["customer_id"].to_pylist()[1:]])
    return table.set_column(0, "customer_id", ids)


def _same_id(table: pa.Table) -> pa.Table:
    return table.set_column(0, "customer_id", pa.array(["same"] * table.num_rows))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda table: table.drop_columns(["rank", "orders_90d"]), "no column 'rank' .2 of"),
        (lambda table: table.replace_schema_metadata({}), "as_of"),
        (lambda table: table.slice(0, 0), "no customer"),
        (_null_id, "'customer_id' is null in 1 rows"),
        (_same_id, "'same' is there twice"),
    ],
)
def test_a_snapshot_that_cannot_be_served_is_refused(
    spoil: Callable[[pa.Table], pa.Table], message: str, source: Path, names: list[str], tmp_path: Path
) -> None:
    pq.write_table(spoil(pq.read_table(source / "snapshot.parquet")), tmp_path / "snapshot.parquet")
    with pytest.raises(SnapshotError, match=message):
        Snapshot.load(tmp_path / "snapshot.parquet", names)


def test_a_snapshot_of_another_model_does_not_agree(scorer: Scorer) -> None:
    assert scorer.agrees()
    value = scorer.snapshot.scores["network_value"]
    spoiled = scorer.snapshot.scores | {"network_value": np.nextafter(value, np.inf)}
    assert not Scorer(scorer.bundle, replace(scorer.snapshot, scores=spoiled), "").agrees()
