"""Experiments in a small world, and their section on the page."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.harness import RESULTS
from benchmarks.truth import experiments
from benchmarks.truth.experiments import INDIVIDUAL, READ_OUT, SETTINGS, T_TEST, WAYS, Figures, Trial
from benchmarks.truth.experiments_page import EXPERIMENT_COUNT, PEEK_COUNT, goals, section
from benchmarks.truth.run import EXPERIMENTS, PAGE
from ripple.training.experiments.outcomes import AUDIENCE, OWN, TOTAL


@pytest.fixture(scope="module")
def found() -> Figures:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiments, "SETTINGS", (SETTINGS[0], SETTINGS[3]))
        patch.setattr(experiments, "DRAWS", 20)
        return experiments.figures(2, 1, customers=1200, candidates=80)


def test_every_way_reads_every_setting(found: Figures) -> None:
    ways = {(row["setting"], row["way"]) for row in found.rows}
    assert ways == {(setting.name, way) for setting in (SETTINGS[0], SETTINGS[3]) for way in WAYS}
    assert set(found.looks) == {READ_OUT, T_TEST}
    by_outcome = {row["outcome"]: row for row in found.rows if row["way"] == READ_OUT}
    assert list(by_outcome) == [TOTAL, OWN, AUDIENCE]


def test_the_truth_of_a_sum_is_the_sum_of_truths_and_spend_moves_nobody_else(found: Figures) -> None:
    for setting in (SETTINGS[0], SETTINGS[3]):
        truth = {
            row["outcome"]: row["truth"]
            for row in found.rows
            if (row["setting"], row["way"]) == (setting.name, READ_OUT)
        }
        assert truth[TOTAL] == pytest.approx(truth[OWN] + truth[AUDIENCE])
        assert (truth[AUDIENCE] == 0) == ("spend" in setting.factors)


def test_power_grows_with_the_effect() -> None:
    trial = Trial.__new__(Trial)
    table = experiments.pd.DataFrame({"unit": np.arange(40)})
    trial.laid = {"ego": type("Laid", (), {"assignments": table})}  # type: ignore[dict-item]
    trial.error, trial.reach = {TOTAL: 10.0}, {TOTAL: 0.0}
    assert trial.promised_power(TOTAL, 0.0) == pytest.approx(0.04)
    assert trial.promised_power(TOTAL, 20.0) < trial.promised_power(TOTAL, 30.0) < 1
    narrow = trial.promised_power(TOTAL, 20.0)
    trial.reach = {TOTAL: 3.0}
    assert trial.promised_power(TOTAL, 20.0) < narrow


def test_the_page_in_docs_shows_the_figures_that_were_kept() -> None:
    kept = Figures(**json.loads((RESULTS / "experiments.json").read_text(encoding="utf-8")))
    shown = PAGE.read_text(encoding="utf-8").partition(f"<!-- {EXPERIMENTS} -->")[2]
    assert section(kept, EXPERIMENT_COUNT, PEEK_COUNT).strip() in shown
    assert shown.count("met |") + shown.count("**missed**") == len(list(goals(kept)))
    assert all(row["experiments"] == EXPERIMENT_COUNT for row in kept.rows)
    # naive units miss more of what comes through others
    bias = {(row["setting"], row["way"]): row["bias"] for row in kept.rows if row["outcome"] == TOTAL}
    assert bias[SETTINGS[0].name, INDIVIDUAL] < bias[SETTINGS[0].name, READ_OUT]
