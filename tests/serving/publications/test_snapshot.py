from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.models import Bundle
from ripple.models.bundle import RANGE_SCORES, SCORES
from ripple.serving.publications import snapshot as module
from ripple.serving.publications.snapshot import Ids, Snapshot, SnapshotError, convert_snapshot
from ripple.serving.score_explanations import Explainer


@pytest.fixture(scope="module")
def explainer(bundle: Bundle) -> Explainer:
    return Explainer(bundle)


@pytest.fixture(scope="module")
def snapshot(published: Path, explainer: Explainer) -> Snapshot:
    return Snapshot.load(published / "snapshot.arrow", explainer)


def test_a_snapshot_holds_what_the_batch_wrote(
    snapshot: Snapshot, source: Path, features: pd.DataFrame
) -> None:
    table = pq.read_table(source / "snapshot.parquet").to_pandas()
    assert snapshot.as_of == "2026-06-30T00:00:00"
    assert snapshot.size == len(features)
    lookup = snapshot.find(table["customer_id"].tolist())
    assert lookup.ids == table["customer_id"].tolist()
    assert lookup.features.dtype == np.float64
    np.testing.assert_array_equal(lookup.features, features.to_numpy())
    np.testing.assert_array_equal(lookup.scores, table[[*SCORES, *RANGE_SCORES]].to_numpy())
    assert lookup.ranks == table["rank"].tolist()


def test_parts_are_those_of_the_features(snapshot: Snapshot, explainer: Explainer) -> None:
    expected = explainer.contributions(snapshot.features)
    np.testing.assert_array_equal(snapshot.contributions.families, expected.families)
    np.testing.assert_array_equal(snapshot.contributions.features, expected.features)
    np.testing.assert_array_equal(snapshot.contributions.strongest, expected.strongest)


def test_it_is_mapped_and_not_read(snapshot: Snapshot) -> None:
    for array in (snapshot.features, snapshot.scores, snapshot.contributions.families, snapshot.hashes):
        assert not array.flags.owndata
        assert not array.flags.writeable


@given(st.lists(st.text(max_size=6), max_size=8))
def test_ids_are_those_of_the_array(words: list[str]) -> None:
    ids = Ids(pa.array(words, pa.string()))
    assert [encoded.decode() for encoded in ids] == words
    assert len(ids) == len(words)


def test_customers_with_equal_hashes_are_distinguished(
    source: Path, explainer: Explainer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "crc32", lambda text: len(text) % 2 + int(text[-1]) % 3)
    convert_snapshot(tmp_path / "snapshot.arrow", source / "snapshot.parquet", explainer)
    same = Snapshot.load(tmp_path / "snapshot.arrow", explainer)
    ids = [f"c{row:04d}" for row in range(400)]
    assert same.find([*ids, "d0001", "c9999"]).ids == ids
    assert len(np.unique(same.hashes)) < 5


def test_a_snapshot_of_other_features_is_refused(published: Path, bundle: Bundle, tmp_path: Path) -> None:
    bundle.save(tmp_path)
    for file in tmp_path.iterdir():
        file.write_text(file.read_text().replace("orders_30d", "orders_31d"))
    with pytest.raises(SnapshotError, match="other features"):
        Snapshot.load(published / "snapshot.arrow", Explainer(Bundle.load(tmp_path)))


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"ARROW1\0\0" + bytes(64)])
def test_a_file_that_is_no_snapshot_is_refused(content: bytes, explainer: Explainer, tmp_path: Path) -> None:
    (tmp_path / "snapshot.arrow").write_bytes(content)
    with pytest.raises(SnapshotError, match="is no snapshot"):
        Snapshot.load(tmp_path / "snapshot.arrow", explainer)


def _null_id(table: pa.Table) -> pa.Table:
    ids = pa.array([None, *table["customer_id"].to_pylist()[1:]])
    return table.set_column(0, "customer_id", ids)


def _same_id(table: pa.Table) -> pa.Table:
    ids = ["same", *table["customer_id"].to_pylist()[1:-1], "same"]
    return table.set_column(0, "customer_id", pa.array(ids))


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
def test_scores_that_cannot_be_served_are_refused(
    spoil: Callable[[pa.Table], pa.Table], message: str, source: Path, explainer: Explainer, tmp_path: Path
) -> None:
    pq.write_table(spoil(pq.read_table(source / "snapshot.parquet")), tmp_path / "snapshot.parquet")
    with pytest.raises(SnapshotError, match=message):
        convert_snapshot(tmp_path / "snapshot.arrow", tmp_path / "snapshot.parquet", explainer)
