"""Commands on a store whose champion is gone, on a moved store, and on one that settings name."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ripple.cli import app
from ripple.errors import InputError
from ripple.settings import Settings
from tests.support.checkout import ROOT
from tests.support.runs.registered_bundle import register_bundle

pytestmark = pytest.mark.filterwarnings("ignore")


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs a command in this process, in a folder of the test; bad input is its exception."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "home" / "bentoml"))
    before = signal.getsignal(signal.SIGTERM)

    def invoke(*arguments: object, home: Path) -> Result:
        monkeypatch.setenv("RIPPLE_HOME", str(home))
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    yield invoke
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two versions, of which the first is champion, and a third of another brand."""
    home = tmp_path_factory.mktemp("registered") / "home"
    for champion in (True, False):
        register_bundle(Settings(home=home), champion)
    register_bundle(Settings(home=home, experiment="b", registered_model="main.crm.b"))
    return home


@pytest.fixture
def home(registered: Path, tmp_path: Path) -> Path:
    """A copy of it, somewhere else."""
    return Path(shutil.copytree(registered, tmp_path / "a home%2Fx"))


def test_a_store_that_was_copied_to_an_awkward_place_is_used_there(
    run: Run, home: Path, tmp_path: Path
) -> None:
    shown = run("report", "champion", home=home)
    assert shown.exit_code == 0, shown.output
    assert Path(shown.stdout.strip()) == home / "reports" / "ripple-v1.html"
    compared = run("compare", "2", "1", home=home)
    assert compared.exit_code == 0, compared.output
    promoted = run("promote", "2", "--because", "it is newer", home=home)
    assert promoted.exit_code == 0, promoted.output
    assert [path.name for path in tmp_path.iterdir()] == [home.name]


@pytest.mark.parametrize(
    "arguments",
    [
        ("report",),
        ("report", "--plays", "plays.csv"),
        ("report", "2", "1"),
        ("compare", "2", "1"),
        ("package",),
        ("score", ".", "--as-of", "2026-01-01", "--out", "scores.csv"),
        ("publish", ".", "--as-of", "2026-01-01"),
        ("monitor", "."),
    ],
)
def test_a_champion_that_is_gone_ends_with_2_and_where_to_look(
    run: Run, registered: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    home = Path(shutil.copytree(registered, tmp_path / "home"))
    # all of them, so that whichever is needed is gone
    for folder in (home / "artifacts").iterdir():
        shutil.rmtree(folder / "artifacts" / "bundle")
    done = run(*arguments, home=home)
    assert isinstance(done.exception, InputError)
    assert re.match("Version .* is gone from the MLflow store .*`ripple versions`", str(done.exception))
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_settings_name_the_store_of_every_command(run: Run, home: Path, tmp_path: Path) -> None:
    settings = tmp_path / "brand.toml"
    settings.write_text("experiment = 'b'\nregistered_model = 'main.crm.b'")
    named = run("report", "--settings", settings, home=home)
    assert named.exit_code == 0, named.output
    assert Path(named.stdout.strip()).name == "main.crm.b-v1.html"
    assert run("versions", home=home).stdout.count("\n") == 3
    settings.rename(tmp_path / "ripple.toml")
    # by the current folder
    assert run("versions", home=home).stdout.count("\n") == 2


def test_a_destination_that_cannot_be_written_is_told_before_the_data_are_read(
    run: Run, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.csv").mkdir()
    for out in ("file/scores.csv", "folder.csv"):
        done = run("score", ".", "--as-of", "2026-01-01", "--out", out, home=home)
        assert isinstance(done.exception, InputError)
        assert out.partition("/")[0] in str(done.exception)
    to_file = run("publish", ".", "--as-of", "2026-01-01", "--to", "file", home=home)
    assert isinstance(to_file.exception, InputError)
    assert re.match("--to: file cannot be written: .*Not a directory", str(to_file.exception))


@pytest.mark.parametrize("data", ["it's", "a b", 'say "a"'])
def test_make_takes_any_name_of_data(data: str) -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory", "--dry-run", "train", f"DATA={data}", "RIPPLE=printf %s,"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    recipe = shown.stdout.strip().splitlines()[-1]
    ran = subprocess.run(["sh", "-c", recipe], env={"DATA": data}, capture_output=True, text=True, check=True)
    assert ran.stdout == f"train,{data},"
