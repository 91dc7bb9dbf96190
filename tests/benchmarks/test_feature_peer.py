"""The peer in pandas gives the same features as Ripple, at a cutoff inside the data too."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import feature_data, feature_peer
from ripple.features.dataset import open_dataset
from ripple.features.matrix import matrix
from ripple.settings import Settings


@pytest.mark.parametrize("cutoff", [datetime(2024, 7, 1), feature_data.END])
def test_the_peer_gives_the_same_features(cutoff: datetime, tmp_path: Path) -> None:
    feature_data.write(200, tmp_path)
    ours = matrix(open_dataset(tmp_path, Settings()), cutoff).to_pyarrow().to_pandas()
    theirs = feature_peer.features(tmp_path, cutoff, Settings())
    assert 50 < len(theirs) <= 200
    pd.testing.assert_frame_equal(
        ours.set_index("customer_id"), theirs, check_like=True, rtol=1e-6, atol=1e-6
    )
