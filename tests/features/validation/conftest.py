"""Fixtures that report the rules a dataset breaks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ripple.features.dataset import Dataset
from ripple.features.validation.findings import Finding, Report
from tests.support.oracles.feature_frames import Frames

Violations = Callable[..., dict[str, Finding]]


@pytest.fixture(params=["parquet", "csv"])
def form(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def violations_of(checked: Callable[..., tuple[Dataset, Report]]) -> Violations:
    """By key, the findings that stop the work."""

    def violations_of(frames: Frames, form: str = "parquet", toml: str = "") -> dict[str, Finding]:
        return {finding.key: finding for finding in checked(frames, form, toml)[1].violations}

    return violations_of
