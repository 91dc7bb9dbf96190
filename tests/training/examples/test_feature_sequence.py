from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ripple.training.estimators.heads import fit
from ripple.training.examples import feature_sequence
from ripple.training.examples.feature_sequence import Rows
from tests.support import synthetic_examples
from tests.support.synthetic_examples import SETTINGS

FEATURES = synthetic_examples.examples(customers=50).features


@pytest.fixture
def stored(tmp_path, monkeypatch) -> Rows:
    """Rows on disk, of which few are in memory at a time."""
    return store(FEATURES, tmp_path, monkeypatch)


def store(features: pd.DataFrame, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Rows:
    monkeypatch.setattr(feature_sequence, "MAX_CELLS_IN_MEMORY", 0)
    monkeypatch.setattr(feature_sequence, "BATCH_ROWS", 7)
    return Rows.of(features, folder)


def test_few_rows_stay_in_memory(tmp_path):
    pd.testing.assert_frame_equal(Rows.of(FEATURES, tmp_path).frame(), FEATURES)
    assert not list(tmp_path.iterdir())


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    begin=st.integers(0, 60), end=st.integers(0, 60), kept=st.lists(st.booleans(), min_size=50, max_size=50)
)
def test_any_slice_from_disk_is_that_of_the_features(stored, begin, end, kept):
    np.testing.assert_array_equal(stored[begin:end], FEATURES.to_numpy()[begin:end])
    some, mask = stored.where(np.array(kept)), np.array(kept)
    np.testing.assert_array_equal(some[begin:end], FEATURES[mask].to_numpy()[begin:end])
    pd.testing.assert_frame_equal(some.frame(), FEATURES[mask])


def test_single_rows_and_lists_of_them_come_as_from_an_array(stored):
    np.testing.assert_array_equal(stored[13], FEATURES.to_numpy()[13])
    np.testing.assert_array_equal(stored[[3, 13, 49]], FEATURES.to_numpy()[[3, 13, 49]])


def test_heads_fitted_from_disk_are_the_same_bytes(tmp_path, monkeypatch):
    history = list(synthetic_examples.history().values())[:4]
    kept = [replace(one, rows=store(one.features, tmp_path, monkeypatch)) for one in history]
    in_memory, from_disk = fit(history, SETTINGS), fit(kept, SETTINGS)
    assert len(list(tmp_path.iterdir())) == len(history)
    for written, kept in zip(
        (from_disk.value.booster, from_disk.top, *from_disk.ranges.boosters),
        (in_memory.value.booster, in_memory.top, *in_memory.ranges.boosters),
        strict=True,
    ):
        assert written.model_to_string() == kept.model_to_string()
