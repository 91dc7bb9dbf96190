"""Every world, baseline and ranking is evaluated, and a full run alone is written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import get_args

import pytest

from benchmarks.truth import page, run
from benchmarks.truth.figures import Figures
from ripple import simulation
from ripple.settings import Credit


def test_every_world_and_every_baseline_is_evaluated() -> None:
    assert page.WORLDS.keys() == simulation.WORLDS.keys()
    assert set(run.BASELINES) == set(get_args(Credit.model_fields["baseline"].annotation))


def test_the_truth_itself_captures_all_and_every_ranking_is_held_against_it(figures: Figures) -> None:
    rankings = figures.rankings
    assert rankings.loc["the truth itself", ["capture", "spearman", "total_ratio"]].tolist() == [
        1.0,
        1.0,
        1.0,
    ]
    assert list(rankings.index) == [
        *("label", "time-decayed credit", "equal split", "last touch"),
        *("degree", "weighted degree", "PageRank", "own revenue", "the truth itself"),
    ]
    assert rankings["capture"].between(0, 1).all()
    assert rankings["capture_next"].between(0, 1).all()


@pytest.mark.parametrize(("arguments", "written"), [(["--baselines"], True), (["--seeds", "7"], False)])
def test_only_a_full_run_is_written(
    arguments: list[str],
    written: bool,
    figures: Figures,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(run, "PAGE", tmp_path / "truth.md")
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    monkeypatch.setattr(run, "evaluate_all", lambda *given: {"default": [figures]})
    monkeypatch.setattr(sys, "argv", ["truth", *arguments])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    run.main()
    shown = capsys.readouterr().out
    assert shown.startswith("# The label against known truth")
    assert (tmp_path / "truth.md").exists() == (tmp_path / "truth.json").exists() == written
    if written:
        assert (tmp_path / "truth.md").read_text(encoding="utf-8") == shown
        assert list(json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))["worlds"]) == [
            "default"
        ]
