import pandas as pd

from ripple.training.evaluation.prediction_table import evaluated_at
from tests.support.synthetic_predictions import CUTOFFS, synthetic_predictions


def test_a_run_was_evaluated_at_its_own_cutoffs_only_oldest_first():
    table = synthetic_predictions(1.0).iloc[::-1]
    assert evaluated_at(table) == list(CUTOFFS)
    assert evaluated_at(table.assign(revisited=table["cutoff"] == CUTOFFS[0])) == [CUTOFFS[1]]


def test_without_a_table_there_are_no_cutoffs():
    assert evaluated_at(None) == evaluated_at(pd.DataFrame()) == []
