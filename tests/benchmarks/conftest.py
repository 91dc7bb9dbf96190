"""What tests of several benchmarks share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.harness import Run


@pytest.fixture(scope="session")
def in_process() -> Run:
    """Calls a function as a benchmark does, but in the process of the tests."""

    def run(work: Callable[..., Any], *arguments: object) -> Any:
        return work(*arguments)

    return run
