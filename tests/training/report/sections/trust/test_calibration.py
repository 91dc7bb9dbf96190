from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ripple.training.report.sections.trust.calibration import calibration, reliability
from ripple.training.result import TrainingResult


def test_groups_hold_everybody_with_mean_share_and_interval(result: TrainingResult) -> None:
    found = reliability(result.predictions)
    assert found["customers"].sum() == len(result.predictions)
    assert found["at_top"].sum() == result.predictions["at_top"].sum()
    for row in found.to_dict("records"):
        assert row["from"] <= row["given"] <= row["to"]
        assert row["low"] <= row["found"] <= row["high"]


def test_the_interval_is_wilsons() -> None:
    frame = pd.DataFrame({"top_probability": [0.3] * 10, "at_top": [True] * 3 + [False] * 7})
    (row,) = reliability(frame).to_dict("records")
    assert row["found"] == 0.3
    assert (row["low"], row["high"]) == pytest.approx((0.1078, 0.6032), abs=1e-4)


def test_odds_that_are_right_agree_and_odds_that_are_not_do_not(result: TrainingResult) -> None:
    assert "agree with what came true in" in calibration(result)["finding"]
    frame = result.predictions
    wrong = replace(result, predictions=frame.assign(at_top=frame["top_probability"] < 0.5))
    assert "agree with what came true in 0 of" in calibration(wrong)["finding"]


def test_what_was_not_calibrated_is_not_judged(result: TrainingResult) -> None:
    without = replace(result, predictions=result.predictions.assign(top_probability=np.nan))
    found = calibration(without)
    assert found["finding"].startswith("The odds could not be judged: no earlier period")
    assert found["plot"] == ""


def test_coverage_names_the_worst_tenth(result: TrainingResult) -> None:
    assert calibration(result)["coverage_finding"] == (
        "Over all periods 84\u00a0% of customers lay inside their 80\u00a0% interval; fewest in tenth 10 "
        "of the predictions, 65\u00a0%"
    )
