import numpy as np
import pandas as pd

from ripple.training.examples.targets import direct_value_target, network_value_target, winsorised
from tests.support import synthetic_examples
from tests.support.synthetic_examples import SETTINGS


def test_values_are_capped_at_a_quantile_of_the_positive_ones():
    value = np.array([0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 1000.0])
    assert winsorised(value, 0.75).tolist() == [0, 0, 1, 2, 3, 4, 4]
    assert winsorised(value, 1.0).tolist() == value.tolist()
    assert winsorised(np.zeros(3), 0.9).tolist() == [0, 0, 0]


def test_network_value_is_capped_as_the_settings_say():
    capped = SETTINGS.model_copy(update={"model": SETTINGS.model.model_copy(update={"winsorise": 0.9})})
    labels = synthetic_examples.examples().labels
    value = labels["network_value"].to_numpy()
    assert network_value_target(labels, capped).max() == np.quantile(value[value > 0], 0.9)


def test_more_refunds_than_purchases_are_no_direct_value():
    labels = pd.DataFrame({"direct_value": [12.5, -3.0, 0.0]})
    assert direct_value_target(labels).tolist() == [12.5, 0.0, 0.0]
