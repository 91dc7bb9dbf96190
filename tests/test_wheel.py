"""The wheel as a stranger installs it: what is in it, and that it works in an empty folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ripple.cli import app
from ripple.features.catalog import text
from ripple.settings import Settings
from tests.support.checkout import ROOT

UV = Path(sys.executable).with_name("uv")
MAX_BARE_BYTES = 30_000_000
"""The most that the client and the command line alone may take in site-packages."""
CODE = ("features", "models", "ripple", "serving", "simulation", "training")
"""The folders of the checkout that are installed."""
BARE_ARGUMENTS = {
    "simulate": ["world"],
    "check": ["world"],
    "features": ["world", "--as-of", "2025-01-01", "--out", "features.parquet"],
    "label": ["world", "--from", "2025-01-01", "--to", "2025-02-01", "--out", "label.parquet"],
    "init": ["world"],
    "test-features": ["world"],
    "train": ["world"],
    "monitor": ["world"],
    "score": ["world", "--as-of", "2025-01-01", "--out", "scores.parquet"],
    "publish": ["world", "--as-of", "2025-01-01"],
    "package": [],
    "serve": [],
    "versions": [],
    "report": [],
    "compare": ["1", "2"],
    "promote": [],
}
"""Arguments of every command that needs an extra."""
RUN_ALL = """
import contextlib, io, json, sys
from ripple.cli import main
for arguments in json.loads(sys.argv[1]):
    sys.argv = ["ripple", *arguments]
    printed = io.StringIO()
    with contextlib.redirect_stderr(printed):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    print(json.dumps([code, printed.getvalue()]))
"""


def _run(*command: object, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _build(source: Path, out: Path, *options: str) -> Path:
    """What Hatchling, as it is installed here, builds from *source*: it asks no index for anything."""
    _run(UV, "build", "--quiet", "--offline", "--no-build-isolation", *options, "--out-dir", out, source)
    (built,) = (path for path in out.iterdir() if path.suffix in (".whl", ".gz"))
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout."""
    return _build(ROOT, tmp_path_factory.mktemp("wheel"), "--wheel", f"--python={sys.executable}")


@pytest.fixture(scope="module")
def install(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Installs the wheel with extras into an environment of its own, all else as uv.lock has it."""

    def installed(*extras: str) -> Path:
        environment = tmp_path_factory.mktemp("environment") / "venv"
        options = [f"--extra={extra}" for extra in extras]
        sync = (UV, "sync", "--quiet", "--frozen", "--no-dev", "--no-install-project", *options)
        _run(*sync, f"--python={sys.executable}", UV_PROJECT_ENVIRONMENT=str(environment))
        python = environment / "bin" / "python"
        _run(UV, "pip", "install", "--quiet", "--offline", "--no-deps", f"--python={python}", wheel)
        _run(UV, "pip", "check", "--quiet", f"--python={python}")
        return environment

    return installed


def _files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def _installed_files() -> set[str]:
    """Every file of the package that the checkout has, by the name that it has in the wheel."""
    listed = _run("git", "ls-files", "--cached", "--others", "--exclude-standard", *CODE).splitlines()
    real = (Path(file) for file in listed if not (ROOT / file).is_symlink())
    return {str(path if path.parts[0] == "ripple" else "ripple" / path) for path in real}


def test_the_wheel_holds_the_package_whole_and_nothing_else(wheel: Path) -> None:
    files = _files(wheel)
    assert files == _installed_files()
    assert {Path(file).parts[0] for file in files} == {"ripple"}
    assert files >= {
        "ripple/py.typed",
        "ripple/training/report/sections/trust/known_truth.json",
        "ripple/training/report/templates/page.html.j2",
        "ripple/training/report/templates/script.js",
        "ripple/training/report/templates/style.css",
    }


def test_the_source_distribution_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    source = _build(ROOT, tmp_path / "source", "--sdist", f"--python={sys.executable}")
    with tarfile.open(source) as archive:
        assert not [member.name for member in archive if member.issym()]
    again = _build(source, tmp_path / "again", "--wheel", f"--python={sys.executable}")
    assert _files(again) == _files(wheel)


def test_sources_that_lost_their_links_are_not_built(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    _run("git", "clone", "--quiet", "--config", "core.symlinks=false", ROOT, copy)
    for name in ("hatch_build.py", "pyproject.toml"):
        shutil.copyfile(ROOT / name, copy / name)
    command = [
        UV,
        "build",
        "--offline",
        "--no-build-isolation",
        f"--python={sys.executable}",
        "--wheel",
        copy,
    ]
    built = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert built.returncode != 0
    assert "lost its symbolic links" in built.stderr


def test_without_extras_it_is_the_client_and_a_small_command_line(
    install: Callable[..., Path], tmp_path: Path
) -> None:
    environment = install()
    bin_folder = environment / "bin"
    (packages,) = environment.glob("lib/python*/site-packages")
    installed = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
    assert installed < MAX_BARE_BYTES
    assert _run(bin_folder / "ripple", "--version", cwd=tmp_path).startswith("ripple ")
    assert "simulate" in _run(bin_folder / "ripple", "--help", cwd=tmp_path)
    assert _run(bin_folder / "ripple", "key", cwd=tmp_path).startswith("key: ")
    heavy = "from ripple import Client; import sys; print('numpy' in sys.modules, Client.__name__)"
    assert _run(bin_folder / "python", "-c", heavy, cwd=tmp_path) == "False Client\n"

    calls = [[name, *arguments] for name, arguments in BARE_ARGUMENTS.items()]
    calls += [["features", "--list"], ["train", "world", "--tune", "5"]]
    calls += [["experiment", "design", "world", "--play", "rescue", "--out", "july"]]
    calls += [["experiment", "read", "world", "--design", "."]]
    printed = _run(bin_folder / "python", "-c", RUN_ALL, json.dumps(calls), cwd=tmp_path).splitlines()
    for call, line in zip(calls, printed, strict=True):
        code, message = json.loads(line)
        assert code == 2, call
        needed = {"publish": "train,serve", "package": "train,serve", "serve": "train,serve"}
        needed["experiment"] = "train,experiments"
        extras = "train,tune" if "--tune" in call else needed.get(call[0], "train")
        assert f"-py3-none-any.whl[{extras}]'" in message, call
        assert message.count("\n") == 1, call
    assert list(tmp_path.iterdir()) == []


def test_every_command_that_needs_an_extra_is_tried_without() -> None:
    names = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert names == {*BARE_ARGUMENTS, "key"}


def test_with_extras_it_works_in_an_empty_folder(install: Callable[..., Path], tmp_path: Path) -> None:
    ripple = install("train", "serve") / "bin" / "ripple"
    simulated = _run(ripple, "simulate", "world", "--customers", "300", "--months", "12", cwd=tmp_path)
    assert "dataset: world" in simulated
    assert "keeps the input contract" in _run(ripple, "check", "world", cwd=tmp_path)
    options = ("--as-of", "2025-12-01", "--out", "features.parquet")
    assert "features.parquet: " in _run(ripple, "features", "world", *options, cwd=tmp_path)
    assert _run(ripple, "features", "--list", cwd=tmp_path) == text(Settings()) + "\n"
