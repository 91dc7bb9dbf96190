"""Experiments from the command line: a design on a trained world, its reading, and what both refuse."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import pandas as pd
import pytest

from ripple.sections.play_rules import RULES
from tests.support.servers.processes import Ripple, TrainedWorld, assert_refused

PLAYS = ",".join(rule.play for rule in RULES)


@pytest.fixture(scope="module")
def designed(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, CompletedProcess[str]]]:
    """A design with all plays, as long as half a horizon, and what was printed."""
    folder = tmp_path_factory.mktemp("designs") / "july"
    options = ("--play", PLAYS, "--days", 60, "--cost", "rescue=40", "--cost", "12", "--out", folder)
    done = ripple("experiment", "design", trained_world.data, *options, home=trained_world.home)
    assert done.returncode == 0, done.stderr
    yield folder, done
    shutil.rmtree(folder)
    shutil.rmtree(trained_world.home / "experiments")


def test_a_design_is_a_list_for_the_crm_and_a_plan(
    designed: tuple[Path, CompletedProcess[str]], ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path
) -> None:
    folder, done = designed
    assert {file.name for file in folder.iterdir()} == {
        *("assignments.csv", "audience.csv", "design.json", "summary.md")
    }
    assert ripple("report", "--plays", tmp_path / "plays.csv", home=trained_world.home).returncode == 0
    plays = pd.read_csv(tmp_path / "plays.csv", dtype={"customer_id": str}).set_index("customer_id")["play"]
    rows = pd.read_csv(folder / "assignments.csv", dtype={"customer_id": str}).set_index("customer_id")
    design = json.loads((folder / "design.json").read_text(encoding="utf-8"))
    assert rows["play"].sort_index().equals(plays.drop(design["left_out"]).sort_index())
    assert set(rows["arm"]) == {"treatment", "holdout"}
    assert rows["arm"].eq("holdout").mean() == pytest.approx(0.5, abs=0.1)
    assert (design["name"], design["model"]) == ("july", "1")
    costs = {play: plan["cost"] for play, plan in design["plays"].items()}
    assert costs == {play: 40.0 if play == "rescue" else 12.0 for play in costs}
    largest = max(design["plays"].values(), key=lambda plan: plan["treated"])
    assert largest["prospects"]["own_revenue"]["detectable"] > 0
    assert "per treated customer" in done.stdout
    assert "RuntimeWarning" not in done.stderr
    assert "SingularMatrixWarning" not in done.stderr


def test_a_design_is_not_read_before_it_begins_or_once_it_was_changed(
    designed: tuple[Path, CompletedProcess[str]], ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path
) -> None:
    folder, _ = designed
    read = ("experiment", "read", str(trained_world.data), "--design")
    early = ripple(*read, folder, home=trained_world.home)
    assert (early.returncode, early.stdout) == (2, "")
    assert "nothing to read yet" in early.stderr
    shutil.copytree(folder, tmp_path / "changed")
    with (tmp_path / "changed" / "assignments.csv").open("a", encoding="utf-8") as file:
        file.write("new,rescue,treatment,0,0,1,1,1\n")
    changed = ripple(*read, tmp_path / "changed", home=trained_world.home)
    assert changed.returncode == 2
    assert "was changed after the design" in changed.stderr
    # the design is kept, and nothing was read
    kept = trained_world.home / "experiments" / "july"
    assert {file.name for file in kept.iterdir()} == {"design"}
    for file in folder.iterdir():
        assert (kept / "design" / file.name).read_bytes() == file.read_bytes()
    validate = ("experiment", "validate", str(trained_world.data), "--design", folder)
    running = ripple(*validate, home=trained_world.home)
    assert (running.returncode, running.stdout) == (2, "")
    assert "held against the label when it is over" in running.stderr
    twice = ripple(*validate, "--design", folder, home=trained_world.home)
    assert twice.returncode == 2
    assert "named twice" in twice.stderr


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--play", "rescue,flatter"), "there is no play 'flatter'; there are rescue"),
        (("--play", ","), "there is no play"),
        (("--play", "rescue", "--holdout", "1"), "--holdout 1.0 is not between 0 and 1"),
        (("--play", "rescue", "--cost", "partner=3"), "write an amount such as 25, or rescue=25"),
        (("--play", "rescue", "--cost", "-3"), "write an amount"),
        (("--play", "rescue", "--start", "2025-01-01"), "before anybody is"),
        (("--play", "rescue", "--as-of", "2025-06-01"), "train a version on the data of then"),
        (("--play", "rescue", "--as-of", "2030-06-01"), "is after the data end"),
        (("--play", "rescue", "--model", "9"), "No version '9'"),
    ],
)
def test_what_cannot_be_designed_is_refused(
    ripple: Ripple,
    trained_world: TrainedWorld,
    tmp_path: Path,
    options: tuple[str, ...],
    expected: str,
) -> None:
    arguments = ("experiment", "design", "{data}", *options, "--out", str(tmp_path / "august"))
    assert_refused(ripple, trained_world, tmp_path, arguments, expected)


def test_a_name_is_not_used_twice(
    designed: tuple[Path, CompletedProcess[str]], ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path
) -> None:
    assert designed[0].name == "july"
    arguments = ("experiment", "design", "{data}", "--play", "rescue", "--out", str(tmp_path / "july"))
    assert_refused(ripple, trained_world, tmp_path, arguments, "There is an experiment called july already")


def test_a_design_is_not_overwritten(
    designed: tuple[Path, CompletedProcess[str]], ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path
) -> None:
    arguments = ("experiment", "design", "{data}", "--play", "rescue", "--out", str(designed[0]))
    assert_refused(ripple, trained_world, tmp_path, arguments, "exists already")
