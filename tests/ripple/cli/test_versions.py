"""Commands on registered versions: what they fetch, export, list and refuse."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.support.servers.processes import (
    Ripple,
    TrainedWorld,
    assert_refused,
)


def test_report_is_fetched_by_version_and_says_where_it_stands(
    ripple: Ripple, trained_world: TrainedWorld
) -> None:
    shown = ripple("report", "1", home=trained_world.home)
    assert shown.returncode == 0, shown.stderr
    page = Path(shown.stdout.strip()).read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<h2>Version 1 is champion.</h2><p>It was promoted by the gate on " in page
    assert "Version 1 is champion." in shown.stderr


def test_plays_are_exported_without_the_data(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path
) -> None:
    out = tmp_path / "crm" / "plays.csv"
    done = ripple("report", "--plays", out, home=trained_world.home, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    listed = pd.read_csv(out)
    assert {"customer_id", "play", "reasons", "value", "value_low", "value_high", "max_cost"} <= set(listed)
    assert len(listed) > 100
    assert listed.drop(columns=["reasons"]).notna().all(axis=None)
    assert [path.name for path in out.parent.iterdir()] == ["plays.csv"]


def test_the_versions_are_listed(ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path) -> None:
    listed = ripple("versions", home=trained_world.home)
    assert listed.returncode == 0, listed.stderr
    header, first = listed.stdout.splitlines()
    assert header.split("  ")[0] == "version"
    assert re.fullmatch(r"1 +champion +2026-01-01 +\d\.\d\d +passed +by the gate, 20.* UTC", first)


def test_where_no_version_is_registered_none_is_listed(ripple: Ripple, tmp_path: Path) -> None:
    listed = ripple("versions", home=tmp_path)
    assert (listed.returncode, listed.stdout) == (0, "")
    assert "`ripple train DATA` makes one" in listed.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("report", "--plays", "plays.xlsx"), "must end in .csv"),
        (("promote", "99"), "No version '99'"),
        (("report", "99"), "No version '99'"),
        (("promote", "1"), "champion already"),
        (("compare", "1", "99"), "No version '99'"),
        (("compare", "1", "champion"), "Both are version 1"),
        (("report", "1", "newest"), "Both are version 1"),
    ],
)
def test_bad_input_ends_with_2_a_message_and_no_file(
    ripple: Ripple,
    trained_world: TrainedWorld,
    tmp_path: Path,
    arguments: tuple[str, ...],
    expected: str,
) -> None:
    assert_refused(ripple, trained_world, tmp_path, arguments, expected)
