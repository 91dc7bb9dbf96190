"""The project as a stranger finds it: targets explained, pages true to the code, links that lead on."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.checkout import ROOT


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    make = shutil.which("make")
    assert make is not None
    return subprocess.run([make, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)


def test_make_help_explains_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile.replace("\\\n", ""), re.MULTILINE)
    shown = _make("help").stdout
    for target in phony.split():
        assert re.search(rf"^ +make {target} +\w", shown, re.MULTILINE), target


def test_pages_read_off_the_code_are_up_to_date() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    for path, page in generate.PAGES.items():
        assert path.read_text(encoding="utf-8") == page(), f"{path.name} is stale: run `make docs`"


def test_the_lock_file_is_up_to_date() -> None:
    uv = Path(sys.executable).with_name("uv")
    done = subprocess.run([uv, "lock", "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_readme_shows_a_picture_of_the_report() -> None:
    picture = (ROOT / "docs" / "report.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert len(picture) > 50_000
