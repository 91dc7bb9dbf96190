"""What tests of several rooms share: the real command line, and one small world trained with it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from running import Ripple, TrainedWorld


@pytest.fixture(scope="session")
def executable() -> Path:
    """The console script of the environment that runs the tests."""
    return Path(sys.executable).with_name("ripple")


@pytest.fixture(scope="session")
def ripple(executable: Path) -> Ripple:
    """Runs `ripple ARGUMENTS` with a home of its own and returns what it printed and its exit code."""

    def run(*arguments: object, home: Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"RIPPLE_HOME": str(home), "PYTHONWARNINGS": "default"}
        return subprocess.run(
            [executable, *map(str, arguments)],
            env=environment,
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )

    return run


@pytest.fixture(scope="session")
def trained_world(ripple: Ripple, tmp_path_factory: pytest.TempPathFactory) -> TrainedWorld:
    """900 customers over 24 months, trained through the command line."""
    folder = tmp_path_factory.mktemp("world")
    data, home = folder / "data", folder / "home"
    simulated = ripple(
        *("simulate", data, "--world", "default", "--customers", 900, "--months", 24, "--seed", 5), home=home
    )
    assert simulated.returncode == 0, simulated.stderr
    trained = ripple("train", data, "--name", "first", home=home)
    assert trained.returncode == 0, trained.stderr
    return TrainedWorld(data, home, trained.stdout, trained.stderr)
