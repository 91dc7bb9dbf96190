from datetime import timedelta

import numpy as np
import pytest

from ripple.training.estimators.boosting import (
    lightgbm_parameters,
    relative_amounts,
    train,
    tweedie_objective,
)
from tests.support import synthetic_examples
from tests.support.synthetic_examples import SETTINGS


def test_few_rows_suffice_for_fifty_leaves():
    assert lightgbm_parameters(SETTINGS, 10**6)["min_data_in_leaf"] == SETTINGS.model.min_rows_per_leaf
    assert lightgbm_parameters(SETTINGS, 500)["min_data_in_leaf"] == 10
    assert lightgbm_parameters(SETTINGS, 3)["min_data_in_leaf"] == 1


def test_amounts_have_mean_one_at_each_cutoff_and_old_ones_weigh_half_each_half_life():
    half_life = timedelta(days=SETTINGS.model.half_life_horizons * SETTINGS.horizon_days)
    latest = synthetic_examples.examples(customers=4)
    older = synthetic_examples.examples(synthetic_examples.START - half_life, customers=3)
    amounts, weights = relative_amounts(
        [(older, np.array([1.0, 2.0, 3.0])), (latest, np.array([0.0, 10.0, 10.0, 20.0]))], SETTINGS
    )
    assert amounts.tolist() == [0.5, 1.0, 1.5, 0.0, 1.0, 1.0, 2.0]
    assert weights == pytest.approx([0.5] * 3 + [1.0] * 4, rel=0.01)


def test_every_second_row_keeps_the_mean_of_its_cutoff():
    one = synthetic_examples.examples(customers=4)
    amounts, weights = relative_amounts([(one, np.array([0.0, 10.0, 10.0, 20.0]))], SETTINGS, stride=2)
    assert amounts.tolist() == [0.0, 1.0]
    assert weights.tolist() == [1.0, 1.0]


def test_a_booster_does_not_contain_the_parameters_it_was_trained_with():
    import lightgbm as lgb

    x = np.random.default_rng(1).normal(0, 1, (500, 2))
    parameters = tweedie_objective(SETTINGS) | lightgbm_parameters(SETTINGS, 500)
    booster = train(parameters, lgb.Dataset(x, np.exp(x[:, 0]), params=parameters), 5)
    assert "num_threads" not in booster.model_to_string()
    assert "tweedie" in booster.model_to_string()
    assert booster.num_trees() == 5
