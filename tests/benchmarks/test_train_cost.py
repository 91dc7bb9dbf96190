"""The benchmark of a whole training measures every stage of a run by the command itself."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks import train_cost
from benchmarks.harness import Run
from ripple import simulation
from ripple.cli.progress import SHARES
from tests.support.small_settings import SMALL


def simulate(customers: int, folder: Path) -> None:
    toml = simulation.settings_toml(11) + SMALL + "[model]\ntrees = 10\n"
    simulation.write(simulation.simulate("default", customers, 11, 3), folder, toml)


@pytest.mark.filterwarnings("ignore")  # those of MLflow and SQLAlchemy, which no command shows either
def test_every_stage_is_measured_against_the_floor(in_process: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_cost, "simulate", simulate)
    monkeypatch.setenv("RIPPLE_HOME", "elsewhere")  # so that it is put back
    rows = list(train_cost.measure(in_process, [250]))
    by_stage = {row["stage"]: row for row in rows}
    assert list(by_stage) == ["floor", "start", *SHARES, "end", "whole"]
    assert all(row["customers"] == 250 and row["cpu_s"] >= 0 for row in rows)
    whole = by_stage.pop("whole")
    floor = by_stage.pop("floor")
    assert whole["cpu_s"] == pytest.approx(sum(row["cpu_s"] for row in by_stage.values()))
    assert whole["x_floor"] == whole["cpu_s"] / floor["cpu_s"]
    assert 0.05 < whole["peak_gb"] < 10


def test_exponents_are_those_of_seconds_by_customers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stage takes 2 s for 10 customers and 16 s for 40: 4 times the customers, 8 times the seconds."""
    seconds = {10: 2.0, 40: 16.0}

    def run(work: object, *arguments: object) -> object:
        if work is train_cost.simulate:
            return sizes.append(arguments[0])
        spent = {"wall_s": 1.0, "cpu_s": seconds[sizes[-1]], "peak_gb": 1.0}
        return spent if work is train_cost.floor else {"fits": spent}

    sizes: list[object] = []
    rows = list(train_cost.measure(run, [10, 40]))
    assert "exponent" not in rows[1]
    assert [row["exponent"] for row in rows if row["customers"] == 40] == pytest.approx([math.log(8, 4)] * 3)
