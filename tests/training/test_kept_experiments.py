import sys
from datetime import datetime, timedelta

import pytest

from ripple.errors import InputError
from ripple.training.kept_experiments import (
    keep_design,
    keep_readout,
    read_experiments,
    validate_name,
    write_readout,
)
from ripple.training.measured_effects import read as read_effects
from tests.support.checkout import ROOT
from tests.support.small_experiment import ARMS, DESIGNED, END, START, small_readout, write_small_design

LATER = END + timedelta(days=30)


@pytest.fixture
def home(tmp_path):
    """A home that keeps two experiments, the second of which begins 30 days after the first."""
    home = tmp_path / "home"
    for name, shift in (("august", 30), ("july", 0)):
        write_small_design(tmp_path / name, name, shift)
        keep_design(home, tmp_path / name)
    return home


def test_designs_come_back_by_start_with_their_assignments(home):
    first, second = read_experiments(home, LATER)
    assert [first.design.name, second.design.name] == ["july", "august"]
    assert first.assignments["arm"].to_dict() == ARMS
    assert first.audience["owner"].tolist() == ["c1", "c2"]
    assert (first.readout, second.readout) == (None, None)
    # the effects that training takes are another file
    assert read_effects(home) == {}


def test_what_was_not_known_at_a_moment_is_not_told(home):
    assert read_experiments(home, DESIGNED - timedelta(seconds=1)) == []
    assert [one.design.name for one in read_experiments(home, DESIGNED)] == ["july"]
    keep_readout(home, small_readout())
    assert read_experiments(home, END - timedelta(seconds=1))[0].readout is None
    assert read_experiments(home, END)[0].readout == small_readout()


def test_the_status_is_that_at_a_moment(home):
    july = read_experiments(home, LATER)[0]
    statuses = [july.status(moment) for moment in (DESIGNED, START, END - timedelta(seconds=1), END)]
    assert statuses == ["planned", "running", "running", "ended"]


def test_a_later_readout_takes_the_place_of_an_earlier_one(home, tmp_path):
    keep_readout(home, small_readout(fraction=0.5))
    assert read_experiments(home, LATER)[0].readout.until == datetime(2025, 7, 31)
    keep_readout(home, small_readout())
    assert read_experiments(home, LATER)[0].readout.until == END
    write_readout(tmp_path / "readout.json", small_readout())
    kept = home / "experiments" / "july" / "readout.json"
    assert kept.read_bytes() == (tmp_path / "readout.json").read_bytes()


def test_two_experiments_of_one_name_are_not_mixed_up(home, tmp_path):
    validate_name(home, "september")
    with pytest.raises(InputError, match="an experiment called july already"):
        validate_name(home, "july")
    # the same one may be kept again, as a read-out does
    keep_design(home, tmp_path / "july")
    write_small_design(tmp_path / "other", "july", 7)
    with pytest.raises(InputError, match="an experiment called july already"):
        keep_design(home, tmp_path / "other")
    assert read_experiments(home, LATER)[0].design.start == START


def test_files_that_were_changed_are_errors(home):
    keep_readout(home, small_readout())
    kept = home / "experiments" / "july"
    (kept / "readout.json").write_text('{"experiment": "july"}', encoding="utf-8")
    with pytest.raises(InputError, match="Read the experiment again"):
        read_experiments(home, LATER)
    (kept / "readout.json").unlink()
    with (kept / "design" / "assignments.csv").open("a", encoding="utf-8") as file:
        file.write("new,rescue,treatment,9,0,1,1,1\n")
    with pytest.raises(InputError, match="was changed after the design"):
        read_experiments(home, LATER)


def test_they_are_read_where_the_library_of_the_analysis_is_missing(home, run_python):
    keep_readout(home, small_readout())
    code = (
        "import sys; sys.modules['statsmodels'] = None\n"
        "from datetime import datetime; from pathlib import Path\n"
        "from ripple.training.kept_experiments import read_experiments\n"
        "print(len(read_experiments(Path(sys.argv[1]), datetime(2026, 1, 1))))"
    )
    assert run_python(code, home) == "2"


@pytest.fixture
def run_python():
    """Runs code in a process of its own, and returns what it prints."""
    import subprocess

    def run(code, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run
