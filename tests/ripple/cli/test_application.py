"""The command line as a whole: its commands, their help, its version."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from typer.testing import CliRunner

from ripple.cli import app
from tests.support.servers.processes import Ripple

COMMANDS = {
    "check",
    "compare",
    "features",
    "init",
    "key",
    "label",
    "monitor",
    "package",
    "promote",
    "publish",
    "report",
    "score",
    "serve",
    "simulate",
    "test-features",
    "train",
    "versions",
}


def test_every_command_has_help_with_one_example() -> None:
    names = [command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands]
    assert sorted(names) == sorted(COMMANDS)
    for name in names:
        shown = CliRunner().invoke(app, [name, "--help"])
        assert shown.exit_code == 0
        assert shown.output.count(f"Example: ripple {name}") == 1


def test_the_version_is_that_of_the_distribution() -> None:
    assert CliRunner().invoke(app, ["--version"]).output == f"ripple {version('ripple')}\n"


def test_an_unknown_command_ends_with_2_and_its_name(ripple: Ripple, tmp_path: Path) -> None:
    done = ripple("frobnicate", home=tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert "frobnicate" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
