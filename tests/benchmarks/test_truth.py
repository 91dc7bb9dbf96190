"""The benchmark of the label against truth: rivals worked out by hand, and a page true to its figures."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from typing import get_args

import ibis
import pandas as pd
import pytest

from ripple import simulation
from ripple.features.tables.tables import Tables
from ripple.features.validation import checks
from ripple.settings import Credit, Settings
from ripple.settings import load as load_settings
from ripple.training.attribution import decayed_credit
from ripple.training.examples.examples import frame
from tests.support.checkout import ROOT

BENCHMARKS = ROOT / "benchmarks"
START = datetime(2025, 1, 1)
END = START + timedelta(days=180)


def day(number):
    return START + timedelta(days=number)


@pytest.fixture(scope="module")
def truth():
    """benchmarks/truth.py as a module."""
    spec = importlib.util.spec_from_file_location("truth", BENCHMARKS / "truth.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        patch.setitem(sys.modules, "truth", module)
        spec.loader.exec_module(module)
        yield module


@pytest.fixture(scope="module")
def tables():
    """Two touched d's purchase; others met d too late, bought it too early or too late, or never."""
    bought = {"first": -20, "last": -5, "late": -4, "long_ago": -150, "d": 10, "after": 20, "referred": 30}
    met = [("first", "d", 1), ("first", "d", 2), ("last", "d", 3), ("late", "d", 11), ("long_ago", "d", 1)]
    met += [("after", "d", 1), ("idle", "d", 1), ("last", "referred", 29), ("last", "after", 21)]
    customers = pd.DataFrame({"customer_id": [*bought, "idle"], "joined_at": day(-300)})
    customers.loc[customers["customer_id"] == "referred", "joined_at"] = day(-10)
    orders = pd.DataFrame(
        {"customer_id": list(bought), "ordered_at": list(map(day, bought.values())), "product": "p"}
    ).assign(revenue=100.0)
    interactions = pd.DataFrame(met, columns=["source_id", "target_id", "occurred_at"])
    interactions = interactions.assign(
        occurred_at=interactions["occurred_at"].map(day), kind="mention", weight=1.0
    )
    interactions.loc[len(interactions)] = ["idle", "referred", day(-10), "referral", 1.0]
    named = {"customers": customers, "orders": orders, "interactions": interactions}
    return Tables({name: ibis.memtable(table) for name, table in named.items()})


@pytest.fixture(scope="module")
def figures(truth):
    return truth.evaluate("default", 7, 250, baselines=["product"], redraws=2, forecast=False)


@pytest.fixture(scope="module")
def foreseen(truth, tmp_path_factory):
    """A forecast of a small world, by few trees, at one cutoff."""
    history = simulation.simulate_with_truth("default", 250, 30, 7)
    folder = tmp_path_factory.mktemp("world") / "data"
    few = "[model]\ntrees = 10\n[cutoffs]\nevaluate = 1\nstep_days = 180\n"
    simulation.write(simulation.tables(history), folder, simulation.settings_toml(30) + few)
    return truth.foresee(*checks.load(folder, load_settings(folder)), history, 2)


def test_the_forecast_is_judged_beside_rules_and_ceilings(truth, foreseen):
    table = foreseen.rankings
    assert {truth.MODEL, "last label", "degree", "time-decayed credit", *truth.KNOWING} <= set(table.index)
    assert table["capture"].between(0, 1).all()
    for column in ("total_ratio", "coverage", "least_coverage"):
        assert table[column].notna().tolist() == [name == truth.MODEL for name in table.index]
    assert 0 < table["least_coverage"][truth.MODEL] <= table["coverage"][truth.MODEL] <= 1
    assert set(foreseen.resamples.columns) == set(table.index)
    low, high = truth.interval(foreseen.resamples, "degree")
    assert low <= high


def test_forecast_goals_and_rows_are_on_the_page(truth, figures, foreseen):
    found = replace(figures, forecast=foreseen.rankings, resamples=foreseen.resamples)
    named = {goal.what: goal.figure for goal in truth.goals("default", found)}
    capture = foreseen.rankings["capture"]
    rules = capture.drop([truth.MODEL, *truth.KNOWING])
    assert named["forecast, lead over the best rule"] == pytest.approx(capture[truth.MODEL] - rules.max())
    assert named["forecast ÷ the ceiling"] == pytest.approx(capture[truth.MODEL] / capture[truth.CEILING])
    shown = truth.page({"default": [found]}, 250, [7])
    assert "| forecast | capture, next window | lead of the model | 95 % interval |" in shown
    assert f"| {truth.MODEL} |" in shown


def test_every_world_and_every_baseline_is_judged(truth):
    assert truth.WORLDS.keys() == simulation.WORLDS.keys()
    assert set(truth.BASELINES) == set(get_args(Credit.model_fields["baseline"].annotation))


def test_equal_split_and_last_touch_by_hand(truth, tables):
    credits = truth.touch_credits(tables, START, END, Settings())
    assert credits["equal split"].to_dict() == {"first": 50.0, "last": 50.0}
    assert credits["last touch"].to_dict() == {"last": 100.0}


def test_shared_credit_adds_up_to_what_time_decay_shares(truth, tables):
    nobody_referred = tables["interactions"].filter(tables["interactions"].kind != "referral")
    unreferred = Tables(tables.tables | {"interactions": nobody_referred})
    decayed = frame(decayed_credit(unreferred, START, END, Settings()))["influence_value"]
    for credit in truth.touch_credits(unreferred, START, END, Settings()).values():
        assert credit.sum() == pytest.approx(decayed.sum()) == pytest.approx(200.0)


def test_page_rank_flows_to_the_source(truth):
    pair = pd.DataFrame({"source_id": ["a"], "target_id": ["b"], "weight": [2.0]})
    # b = (1 − .85·b)/2, for what a holds goes to everybody
    assert truth.page_rank(pair).to_dict() == pytest.approx({"a": 1 - 1 / 2.85, "b": 1 / 2.85})
    votes = [("a", "c", 3.0), ("b", "c", 1.0), ("a", "c", 3.0)]
    split = truth.page_rank(pd.DataFrame(votes, columns=["source_id", "target_id", "weight"]))
    assert split.sum() == pytest.approx(1.0)
    assert (split["a"] - split["c"]) / (split["b"] - split["c"]) == pytest.approx(6.0)


def test_a_small_decile_is_shown_and_not_judged(truth):
    deciles = pd.DataFrame(
        {"targets": 1.0, "label": [9.0, 20.0, 200.0, 0.0], "truth": [0.0, 0.9, 100.0, 50.0]}
    )
    bias = truth.bias(deciles.assign(influence=[0.0, 1.0, 30.0, 0.0], true_influence=[0.0, 0.5, 10.0, 0.0]))
    assert bias["influence_ratio"].fillna(-1.0).tolist() == [-1.0, 2.0, 3.0, -1.0]
    assert bias["factor"].isna().tolist() == [True, True, False, False]
    assert bias["factor"].tolist()[2:] == [2.0, math.inf]


def test_the_truth_itself_captures_all_and_every_ranking_is_held_against_it(figures):
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


def test_totals_and_deciles_are_of_the_same_label_and_truth(figures):
    totals, deciles = figures.totals, figures.deciles
    assert totals.at["influence, one step", "label"] <= totals.at["influence, with generations", "label"]
    assert totals.at["referral", "ratio"] == pytest.approx(1.0, abs=0.05)
    assert deciles["targets"].is_monotonic_increasing
    assert len(deciles) == 10
    ratio = totals.at["influence, with generations", "ratio"]
    assert deciles["influence"].sum() / deciles["true_influence"].sum() == pytest.approx(ratio)
    total_ratio = figures.rankings.at["label", "total_ratio"]
    assert deciles["label"].sum() / deciles["truth"].sum() == pytest.approx(total_ratio)


def test_where_there_is_no_truth_all_credit_is_false_and_nothing_else_is_shown(truth, figures):
    nobody = truth.Figures(
        figures.rankings.assign(
            capture=math.nan, spearman=math.nan, capture_next=math.nan, total_ratio=math.nan
        ),
        figures.totals.assign(ratio=math.nan),
        figures.deciles.assign(truth=0.0),
        figures.baselines,
    )
    (goal,) = truth.goals("none", nobody)
    assert goal.figure == figures.rankings.at["label", "influence_share"]
    shown = truth.page({"none": [nobody]}, 250, [7])
    assert "| ranking | influence ÷ revenue |" in shown
    assert "degree |" not in shown


def test_the_page_and_the_json_hold_the_same_goals(truth, figures):
    runs = {"default": [figures, figures], "referral": [figures]}
    shown = truth.page(runs, 250, [7, 8])
    read = json.loads(truth.as_json(runs, 250, [7, 8]), parse_constant=pytest.fail)
    assert shown.count(" met |") + shown.count("**missed**") == len(read["goals"]) == 7
    for goal in read["goals"]:
        low = -math.inf if goal["low"] is None else goal["low"]
        high = math.inf if goal["high"] is None else goal["high"]
        assert goal["met"] == (goal["figure"] is not None and low <= goal["figure"] <= high)
    assert list(read["worlds"]) == ["default", "referral"]
    assert "| default | product |" not in shown
    for table in shown.split("\n\n"):
        lines = [line for line in table.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1


def test_a_goal_says_its_range_and_is_missed_by_what_is_not_a_number(truth):
    assert [truth.Goal("w", "x", math.nan, *ends).range for ends in [(0.5,), (-math.inf, 2), (0.5, 2)]] == [
        *("≥ 0.50", "≤ 2.00", "0.50 – 2.00"),
    ]
    assert not truth.Goal("w", "x", math.nan, low=0.0).met
    assert truth.Goal("w", "x", 2.0, high=2.0).met
