from dataclasses import replace
from datetime import datetime

from ripple.training.report.text.evaluated_cutoffs import cutoff_key, evaluated_cutoffs, skipped_cutoffs
from ripple.training.result import TrainingResult
from tests.support.runs.results import altered


def test_cutoffs_without_numbers_were_skipped(result: TrainingResult) -> None:
    backtest = replace(result.evaluation.backtest, heads=result.evaluation.backtest.heads.iloc[1:])
    run = altered(result, backtest=backtest)
    first, *others = result.data.schedule.evaluation
    assert evaluated_cutoffs(run) == others
    assert skipped_cutoffs(run) == [first]
    assert skipped_cutoffs(result) == []


def test_a_key_is_the_day() -> None:
    assert cutoff_key(datetime(2025, 7, 5, 12)) == "2025-07-05"
