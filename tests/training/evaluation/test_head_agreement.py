import numpy as np
import pandas as pd
import pytest

from ripple.training.evaluation.head_agreement import disagreements, rank_agreement


def scores(value, probability):
    index = pd.Index([f"c{i}" for i in range(len(value))], name="customer_id")
    return pd.DataFrame({"network_value": value, "top_probability": probability}, index=index)


def test_agreement_is_spearmans():
    assert rank_agreement(scores([1.0, 2.0, 3.0], [0.1, 0.2, 0.9])) == 1
    assert rank_agreement(scores([1.0, 2.0, 3.0], [0.1, 0.9, 0.2])) == pytest.approx(0.5)


def test_who_is_at_the_top_by_value_and_far_behind_by_probability_is_listed():
    value = np.arange(100.0, 0, -1)
    probability = value / 1000
    probability[1] = 0.0
    listed = disagreements(scores(value, probability), 0.02)
    assert listed.index.tolist() == ["c1"]
    assert listed["value_rank"].tolist() == [2]
    assert listed["probability_rank"].tolist() == [100]


@pytest.mark.parametrize(("rank", "listed"), [(10, []), (11, ["c1"])])
def test_far_behind_is_beyond_five_times_the_size_of_the_top(rank, listed):
    """The top holds two of 100 customers."""
    value = np.arange(100.0, 0, -1)
    probability = value / 1000
    probability[1] = (probability[rank - 1] + probability[rank]) / 2
    assert disagreements(scores(value, probability), 0.02).index.tolist() == listed


def test_nobody_is_listed_where_the_heads_agree():
    value = np.arange(100.0, 0, -1)
    assert disagreements(scores(value, value / 1000), 0.02).empty
