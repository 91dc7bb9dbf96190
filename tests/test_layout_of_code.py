"""The layout of the code: small folders, short modules, and a test file for every module."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

from tests.support.checkout import ROOT

MAX_MODULES = 15
"""The most modules that a folder may hold, `__init__.py`, `__main__.py` and `conftest.py` aside."""
MAX_LINES = 400
"""The most lines that a module may have."""
PACKAGES = {"features", "models", "ripple", "serving", "simulation", "training"}
"""The folders whose modules have a test file each."""
NOTHING_TO_TEST = {"ripple/errors.py"}
"""Modules without behaviour of their own."""


def _modules() -> list[Path]:
    """Every module of the project, by its real place."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = map(Path, listed.splitlines())
    special = {"__init__.py", "__main__.py", "conftest.py"}
    return [path for path in paths if path.name not in special and (ROOT / path).is_file()]


def test_no_folder_is_crowded() -> None:
    counts = Counter(str(path.parent) for path in _modules())
    assert not {folder for folder, count in counts.items() if count > MAX_MODULES}


def test_no_module_is_long() -> None:
    lengths = {str(path): len((ROOT / path).read_text("utf-8").splitlines()) for path in _modules()}
    assert not {path for path, length in lengths.items() if length > MAX_LINES}


def test_every_module_has_its_test_file() -> None:
    modules = {path for path in _modules() if path.parts[0] in PACKAGES}
    untested = {
        path for path in modules if not (ROOT / "tests" / path).with_stem(f"test_{path.stem}").is_file()
    }
    assert {str(path) for path in untested} == NOTHING_TO_TEST
