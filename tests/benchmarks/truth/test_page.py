"""The page and the JSON are true to the figures."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import pytest

from benchmarks.harness import RESULTS
from benchmarks.truth import forecast, goals, page
from benchmarks.truth.figures import Figures
from benchmarks.truth.forecast import Forecast
from benchmarks.truth.run import EXPERIMENTS
from ripple.training.evaluation.cutoff_evaluation import MODEL
from tests.support.checkout import ROOT


def test_the_page_in_docs_is_of_these_worlds_and_words() -> None:
    shown, *_ = (ROOT / "docs" / "truth.md").read_text(encoding="utf-8").split(f"<!-- {EXPERIMENTS} -->")
    results = json.loads((RESULTS / "truth.json").read_text(encoding="utf-8"))
    introduction, *_ = page.page({}, results["customers"], results["seeds"]).split("## Goals")
    assert shown.startswith(introduction)
    assert re.findall("^## (.+)$", shown, re.MULTILINE)[1:-2] == list(results["worlds"])
    assert shown.count(" met |") + shown.count("**missed**") == len(results["goals"])


def test_forecast_goals_and_rows_are_on_the_page(figures: Figures, small_forecast: Forecast) -> None:
    with_forecast = replace(figures, forecast=small_forecast.rankings, resamples=small_forecast.resamples)
    reached = {goal.what: goal.figure for goal in goals.goals("default", with_forecast)}
    capture = small_forecast.rankings["capture"]
    rules = capture.drop([MODEL, *forecast.ORACLES])
    assert reached["forecast, lead over the best rule"] == pytest.approx(capture[MODEL] - rules.max())
    assert reached["forecast ÷ the ceiling"] == pytest.approx(capture[MODEL] / capture[forecast.CEILING])
    shown = page.page({"default": [with_forecast]}, 250, [7])
    assert "| forecast | capture, next window | lead of the model | 95 % interval |" in shown
    assert f"| {MODEL} |" in shown


def test_where_there_is_no_truth_all_credit_is_false_and_nothing_else_is_shown(figures: Figures) -> None:
    nobody = Figures(
        figures.rankings.assign(
            capture=math.nan, spearman=math.nan, capture_next=math.nan, total_ratio=math.nan
        ),
        figures.totals.assign(ratio=math.nan),
        figures.deciles.assign(truth=0.0),
        figures.baselines,
    )
    (goal,) = goals.goals("none", nobody)
    assert goal.figure == figures.rankings.at["label", "influence_share"]
    shown = page.page({"none": [nobody]}, 250, [7])
    assert "| ranking | influence ÷ revenue |" in shown
    assert "degree |" not in shown


def test_the_page_and_the_json_hold_the_same_goals(figures: Figures) -> None:
    runs = {"default": [figures, figures], "referral": [figures]}
    shown = page.page(runs, 250, [7, 8])
    read = json.loads(page.as_json(runs, 250, [7, 8]), parse_constant=pytest.fail)
    assert shown.count(" met |") + shown.count("**missed**") == len(read["goals"]) == 8
    for goal in read["goals"]:
        low = -math.inf if goal["low"] is None else goal["low"]
        high = math.inf if goal["high"] is None else goal["high"]
        assert goal["met"] == (goal["figure"] is not None and low <= goal["figure"] <= high)
    assert list(read["worlds"]) == ["default", "referral"]
    assert "| default | product |" not in shown
    for table in shown.split("\n\n"):
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1
