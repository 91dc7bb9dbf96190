import re
from dataclasses import replace
from datetime import datetime

import pandas as pd
import pytest

from ripple.training.evaluation.membership_changes import ScoredVersion
from ripple.training.monitoring import MonitoringResult
from ripple.training.registry.gate import Check
from ripple.training.report.text.monitoring_text import ADVICE, COLUMNS, monitoring_text
from ripple.training.result import TrainingResult

FAILED = Check("level", False, 3.0, 2.0, "Predicted ÷ realised total is 3.00.")


@pytest.fixture
def monitored(result: TrainingResult) -> MonitoringResult:
    version = ScoredVersion(
        "3",
        result.population.as_of,
        result.population.bundle,
        result.population.features,
        result.population.scores,
    )
    return MonitoringResult(
        version=version,
        end=datetime(2026, 9, 1),
        backtest=result.evaluation.backtest,
        expected={"capture": 0.4},
        drift=result.population.drift.assign(
            psi=[0.3, 0.1, 0.5, *[0.0] * (len(result.population.drift) - 3)]
        ),
        checks=(FAILED,),
        next_close=datetime(2026, 10, 1),
        windows=4,
    )


def test_the_table_has_a_row_per_cutoff_one_for_all_and_one_for_the_backtest(
    monitored: MonitoringResult, result: TrainingResult
) -> None:
    lines = monitoring_text(monitored).splitlines()
    assert re.split(r"  +", lines[2]) == list(COLUMNS)
    rows = [re.split(r"  +", line) for line in lines[3:8]]
    assert [row[0] for row in rows] == [*result.evaluation.backtest.heads["cutoff"], "all", "backtest"]
    assert rows[0][1:] == ["300", "0.60", "0.45", "3.20", "0.60", "1.09"]
    assert rows[-1][1:] == ["0.40", "–"]
    assert lines[8].endswith(result.evaluation.backtest.best_baseline)
    assert all(line == line.rstrip() for line in lines)


def test_drift_windows_and_verdict_follow(monitored: MonitoringResult) -> None:
    text = monitoring_text(monitored)
    features = len(monitored.drift) - 2
    assert re.search(rf"^drift: +1 of {features} .* {monitored.drift.index[2]}$", text, re.MULTILINE)
    assert re.search(r"^windows: +4 .*2026-10-01$", text, re.MULTILINE)
    assert text.splitlines()[-2:] == [f"verdict:  retrain: {ADVICE['retrain']}", f"          {FAILED.text}"]


def test_served_predictions_have_a_row_per_day_and_version(monitored: MonitoringResult) -> None:
    served = pd.DataFrame(
        {
            "as_of": ["2026-01-01"],
            "model_version": ["3-abc"],
            "customers": [1200],
            "predicted_share": [1.25],
            "coverage": [float("nan")],
        }
    )
    without = monitoring_text(monitored).splitlines()
    monitored = replace(monitored, served=served)
    added = [line for line in monitoring_text(monitored).splitlines() if line not in without]
    assert added[-1].split() == ["2026-01-01", "3-abc", "1,200", "1.25", "–"]


def test_before_a_window_has_closed_there_is_no_table(monitored: MonitoringResult) -> None:
    monitored = replace(monitored, backtest=None, checks=())
    lines = monitoring_text(monitored).splitlines()
    assert lines[2].startswith("drift:")
    assert lines[-1] == f"verdict:  wait: {ADVICE['wait']}"
