"""What tests of the commands share: a process that runs `ripple` without starting Python anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.servers.processes import Ripple, forking_ripple


@pytest.fixture(scope="session")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ripple]:
    """Runs `ripple` without starting Python anew."""
    with forking_ripple(tmp_path_factory.mktemp("forking")) as ripple:
        yield ripple
