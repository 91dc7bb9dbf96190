import math

import numpy as np
import pandas as pd
import pytest

from ripple.training.evaluation.slices import (
    COLD_START,
    EVERYBODY,
    UNEVEN,
    Slice,
    slice_masks,
    summed,
    uneven,
)

FEATURES = pd.DataFrame({"tenure_days": [10.0, 200.0, 365.0, 900.0], "out_degree": [4.0, 3.0, 2.0, 1.0]})
COLD = np.array([True, False, False, False])


def masks(features, attributes=FEATURES[[]]):
    return {name: mask.tolist() for name, mask in slice_masks(features, attributes, COLD)}


def test_customers_are_sliced_by_what_is_known_of_them():
    attributes = pd.DataFrame({"plan": ["free", None, "team", "free"]})
    members = masks(FEATURES, attributes)
    assert members[COLD_START] == [True, False, False, False]
    assert members["known in training"] == [False, True, True, True]
    assert members["tenure under 180 days"] == [True, False, False, False]
    assert members["tenure 180 to 365 days"] == [False, True, False, False]
    assert members["tenure over 365 days"] == [False, False, True, True]
    assert members["degree decile 1"] == [False, False, False, True]
    assert members["plan free"] == [True, False, False, True]
    assert members["plan team"] == [False, False, True, False]


def test_a_mere_name_is_no_segment():
    names = pd.DataFrame({"name": [f"n{i}" for i in range(13)]})
    many = pd.DataFrame({"tenure_days": np.ones(13)})
    slice_names = [name for name, _ in slice_masks(many, names, np.zeros(13, dtype=bool))]
    assert not any(name.startswith("name") for name in slice_names)


def test_slices_are_added_up_over_cutoffs():
    def cutoff(own, captures):
        everybody = Slice(10, 100.0, 80.0, 2, 2, 10, 8, {"capture": 0.5})
        return {EVERYBODY: everybody, "plan free": Slice(*own, captures)}

    slices = summed(
        [
            cutoff((4, 30.0, 15.0, 1, 2, 4, 3), {"capture": 0.2}),
            cutoff((6, 10.0, 15.0, 0, 1, 0, 0), {"capture": 0.6}),
        ]
    ).set_index("slice")
    free = slices.loc["plan free"]
    assert free["customers"] == 10
    assert free["top_share"] == pytest.approx(1 / 4)
    assert free["true_top_share"] == pytest.approx(3 / 4)
    assert free["predicted_share"] == pytest.approx(30 / 40)
    assert free["coverage"] == pytest.approx(3 / 4)
    assert free["capture"] == pytest.approx(0.4)
    assert slices.loc[EVERYBODY, "top_share"] == 1


def test_what_is_undefined_in_a_slice_is_nan():
    row = summed([{EVERYBODY: Slice(3, 0.0, 1.0, 1, 0, 0, 0, {"capture": math.nan})}]).iloc[0]
    assert all(math.isnan(row[name]) for name in ("predicted_share", "coverage", "capture"))
    assert math.isnan(row["true_top_share"])


def test_slices_far_off_either_way_are_pointed_out():
    table = pd.DataFrame(
        {"slice": list("abcde"), "predicted_share": [1.0, 1.01 * UNEVEN, 0.99 / UNEVEN, UNEVEN, math.nan]}
    )
    assert uneven(table)["slice"].tolist() == ["b", "c"]
