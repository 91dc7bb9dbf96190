"""Features of the small dataset, 50 days after its first day: small enough to check by hand."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import pytest

from tests.support.oracles.feature_frames import features_of, small


@pytest.fixture(scope="session")
def matrix() -> pd.DataFrame:
    """The features of c1 to c5; c5 does nothing."""
    return features_of(small(), datetime(2024, 6, 20))
