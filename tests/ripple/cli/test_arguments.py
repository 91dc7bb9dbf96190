from datetime import datetime

import pytest
import typer
from typer.testing import CliRunner

from ripple.cli.arguments import AsOf, Out
from ripple.errors import InputError


@pytest.fixture
def given():
    """What a command with these options is given for some arguments."""
    received = []
    command = typer.Typer()

    @command.command()
    def run(as_of: AsOf, out: Out) -> None:
        received.extend([as_of, out.name])

    def invoke(*arguments):
        done = CliRunner().invoke(command, list(arguments))
        return received if done.exit_code == 0 else done.exception

    return invoke


@pytest.mark.parametrize(
    ("moment", "expected"),
    [("2025-07-01", datetime(2025, 7, 1)), ("2025-07-01T12:30:00", datetime(2025, 7, 1, 12, 30))],
)
def test_a_date_means_its_first_moment(given, moment, expected):
    assert given("--as-of", moment, "--out", "x.csv") == [expected, "x.csv"]


@pytest.mark.parametrize("moment", ["soon", "2025-13-01", "01.07.2025"])
def test_no_other_form_of_a_moment_is_read(given, moment):
    assert isinstance(given("--as-of", moment, "--out", "x.csv"), SystemExit)


def test_no_other_format_is_written(given):
    assert isinstance(given("--as-of", "2025-07-01", "--out", "x.xlsx"), InputError)
