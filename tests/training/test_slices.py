import math

import numpy as np
import pandas as pd
import pytest

from training.slices import COLD_START, judge_slice, slices

FEATURES = pd.DataFrame({"tenure_days": [10.0, 200.0, 365.0, 900.0], "out_degree": [4.0, 3.0, 2.0, 1.0]})
COLD = np.array([True, False, False, False])


def masks(features, attributes=FEATURES[[]]):
    return {name: mask.tolist() for name, mask in slices(features, attributes, COLD)}


def test_customers_are_sliced_by_what_is_known_of_them():
    attributes = pd.DataFrame({"plan": ["free", None, "team", "free"]})
    found = masks(FEATURES, attributes)
    assert found[COLD_START] == [True, False, False, False]
    assert found["known in training"] == [False, True, True, True]
    assert found["tenure under 180 days"] == [True, False, False, False]
    assert found["tenure 180 to 365 days"] == [False, True, False, False]
    assert found["tenure over 365 days"] == [False, False, True, True]
    assert found["degree decile 1"] == [False, False, False, True]
    assert found["plan free"] == [True, False, False, True]
    assert found["plan team"] == [False, False, True, False]


def test_a_mere_name_is_no_segment():
    names = pd.DataFrame({"name": [f"n{i}" for i in range(13)]})
    many = pd.DataFrame({"tenure_days": np.ones(13)})
    found = [name for name, _ in slices(many, names, np.zeros(13, dtype=bool))]
    assert not any(name.startswith("name") for name in found)


def test_a_slice_is_judged_inside_itself():
    mask = np.array([True, True, False])
    value, score = np.array([10.0, 30.0, 100.0]), np.array([2.0, 1.0, 9.0])
    found = judge_slice(mask, {"capture": score}, value, np.array([5.0, 15.0, 1.0]), 0.5)
    assert found["customers"] == 2
    assert found["realised"] == 40
    assert found["predicted_share"] == pytest.approx(0.5)
    assert found["capture"] == pytest.approx(10 / 30)
    empty = judge_slice(mask, {"capture": score}, np.zeros(3), score, 0.5)
    assert math.isnan(empty["capture"])
    assert math.isnan(empty["predicted_share"])
