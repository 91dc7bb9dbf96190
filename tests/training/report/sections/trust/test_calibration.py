import numpy as np
import pandas as pd
import pytest

from ripple.training.report.sections.trust.calibration import calibration_section, reliability
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_groups_contain_everybody_with_mean_share_and_interval(result: TrainingResult) -> None:
    groups = reliability(result.evaluation.predictions)
    assert groups["customers"].sum() == len(result.evaluation.predictions)
    assert groups["at_top"].sum() == result.evaluation.predictions["at_top"].sum()
    for group in groups.to_dict("records"):
        assert group["from"] <= group["predicted"] <= group["to"]
        assert group["low"] <= group["realised"] <= group["high"]


def test_the_interval_is_wilsons() -> None:
    frame = pd.DataFrame({"top_probability": [0.3] * 10, "at_top": [True] * 3 + [False] * 7})
    (group,) = reliability(frame).to_dict("records")
    assert group["realised"] == 0.3
    assert (group["low"], group["high"]) == pytest.approx((0.1078, 0.6032), abs=1e-4)


def test_the_finding_counts_the_groups_that_agree(result: TrainingResult) -> None:
    groups = reliability(result.evaluation.predictions)
    agreeing = ((groups["low"] <= groups["predicted"]) & (groups["predicted"] <= groups["high"])).sum()
    assert numbers(calibration_section(result)["finding"])[-2:] == [str(agreeing), str(len(groups))]
    frame = result.evaluation.predictions
    wrong = altered(result, predictions=frame.assign(at_top=frame["top_probability"] < 0.5))
    assert numbers(calibration_section(wrong)["finding"])[-2] == "0"


def test_without_calibrated_probabilities_nothing_is_shown(result: TrainingResult) -> None:
    without = altered(result, predictions=result.evaluation.predictions.assign(top_probability=np.nan))
    section = calibration_section(without)
    assert section["rows"] == []
    assert section["plot"] == section["coverage_plot"] == section["coverage_finding"] == ""


def test_coverage_has_the_mean_and_the_lowest_tenth(result: TrainingResult) -> None:
    assert numbers(calibration_section(result)["coverage_finding"]) == ["84", "80", "10", "65"]
