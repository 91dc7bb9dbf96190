import numpy as np
import pytest

from ripple.simulation.tables.feedback_scores import feedback_table


@pytest.fixture(scope="module")
def feedback(history, calendar):
    return feedback_table(history.population, calendar, np.random.default_rng(9)).to_pandas()


def test_there_are_a_few_scores_between_minus_one_and_one(history, feedback):
    assert feedback.score.between(-1, 1).all()
    assert 1.3 < len(feedback) / history.population.years.sum() < 1.7


def test_scores_show_satisfaction(history, feedback):
    satisfaction = history.population.satisfaction[feedback.customer_id.str[1:].astype(int)]
    assert np.corrcoef(feedback.score, satisfaction)[0, 1] > 0.7
