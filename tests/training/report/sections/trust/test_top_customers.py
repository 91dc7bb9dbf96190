import math
from datetime import datetime

import pandas as pd

from ripple.training.evaluation.judged_tops import JudgedTop
from ripple.training.report.sections.trust.top_customers import (
    top_customers_section,
    trend,
)
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered


def test_there_is_a_row_for_every_list(result: TrainingResult) -> None:
    section = top_customers_section(result)
    assert len(section["rows"]) == 3
    assert section["plot"].count("data-tip") == 9
    latest = result.judged_tops[-1]
    assert numbers(section["finding"])[:4] == [str(latest.right), "20", "5", "2025"]


def list_of(share: float, ratio: float, coverage: float) -> JudgedTop:
    return JudgedTop(datetime(2025, 1, 1), 10, 4, share, 0.5, 0.2, 100 * ratio, 100.0, coverage, 9.0, 8.0)


def test_the_trend_says_what_rose_fell_and_was_steady() -> None:
    text = trend([list_of(0.30, 0.8, 0.80), list_of(0.5, 9.0, 0.5), list_of(0.24, 1.1, 0.82)])
    assert numbers(text) == ["3", "30", "24", "0.80", "1.10", "80", "82"]
    assert [verb for verb in text.replace(",", "").split() if verb in ("rose", "fell", "steady")] == [
        "fell",
        "rose",
        "steady",
    ]
    assert numbers(trend([list_of(0.3, 1.0, 0.8)])) == ["1"]
    assert numbers(trend([list_of(0.3, math.nan, math.nan)] * 2)) == ["2", "30", "30"]


def test_without_predictions_there_are_no_rows(result: TrainingResult) -> None:
    assert top_customers_section(altered(result, predictions=pd.DataFrame()))["rows"] == []
