"""A company's own tables, mapped, are the same dataset as the tables of the contract, from every source."""

from __future__ import annotations

from datetime import datetime

import pytest

from ripple.features.dataset import open_dataset
from ripple.features.tables.contract import CONTRACT
from ripple.features.validation import checks
from tests.support.oracles import feature_frames
from tests.support.oracles.dataset_sources import rows
from tests.support.oracles.mapped_company import SETTINGS, contract, theirs

AS_OF = datetime(2024, 4, 1)


def test_mapped_tables_of_every_source_are_those_of_the_contract(store, tmp_path):
    frames = contract()
    expected, _ = checks.check(feature_frames.write(frames, tmp_path / "contract"), feature_frames.SETTINGS)
    dataset, report = checks.check(store(theirs(frames)), SETTINGS)
    assert report.violations == []
    for name in CONTRACT:
        assert (name in dataset.tables) == (name in frames)
        if name in frames:
            assert rows(dataset, name) == rows(expected, name)
    assert dataset.attributes == ["industry"]


@pytest.mark.parametrize("store", ["parquet", "csv", "duckdb", "postgresql"], indirect=True)
def test_mapped_tables_give_the_features_of_the_contract(store, tmp_path):
    frames = contract()
    expected, _ = checks.check(feature_frames.write(frames, tmp_path / "contract"), feature_frames.SETTINGS)
    dataset, _ = checks.check(store(theirs(frames)), SETTINGS)
    matrix = feature_frames.features_at(dataset, AS_OF)
    assert feature_frames.bits(matrix) == feature_frames.bits(feature_frames.features_at(expected, AS_OF))


def test_what_is_not_used_is_known(store):
    dataset = open_dataset(store(theirs(contract())), SETTINGS)
    assert dataset.unused["orders"] == {"payments": ("internal note",)}
    assert dataset.unused["usage"] == {"clicks": (), "exports": ()}
