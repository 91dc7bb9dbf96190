import math

import numpy as np
import pandas as pd
import pytest

from ripple.training.evaluation.slices import (
    COLD_START,
    EVERYBODY,
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
    assert members["plan = free"] == [True, False, False, True]
    assert members["plan = team"] == [False, False, True, False]


@pytest.mark.parametrize(("levels", "slices"), [(12, 12), (13, 0)])
def test_a_mere_name_is_no_segment(levels, slices):
    names = pd.DataFrame({"name": [f"n{i}" for i in range(levels)]})
    many = pd.DataFrame({"tenure_days": np.ones(levels)})
    members = [name for name, _ in slice_masks(many, names, np.zeros(levels, dtype=bool))]
    assert sum(name.startswith("name") for name in members) == slices


def test_a_customer_without_an_attribute_is_in_none_of_its_slices():
    attributes = pd.DataFrame({"plan": pd.array(["free", None, "team", "free"], dtype="string")})
    assert masks(FEATURES, attributes)["plan = free"] == [True, False, False, True]


def test_tenure_is_cut_at_180_and_365_days():
    days = pd.DataFrame({"tenure_days": [179.5, 180.0, 364.5, 365.0]})
    members = masks(days)
    assert members["tenure under 180 days"] == [True, False, False, False]
    assert members["tenure 180 to 365 days"] == [False, True, True, False]


def test_every_customer_is_in_one_of_ten_deciles_of_degree():
    degrees = pd.DataFrame({"out_degree": np.arange(25.0)[::-1]})
    members = dict(slice_masks(degrees, degrees[[]], np.zeros(25, dtype=bool)))
    deciles = [mask for name, mask in members.items() if name.startswith("degree decile")]
    assert [int(mask.sum()) for mask in deciles] == [3, 2, 3, 2, 3, 2, 3, 2, 3, 2]
    assert np.argmax(deciles, axis=0).tolist() == [degree * 10 // 25 for degree in range(24, -1, -1)]


def test_slices_are_added_up_over_cutoffs():
    def cutoff(own, captures):
        everybody = Slice(10, 100.0, 80.0, 2, 2, 10, 8, {"capture": 0.5})
        return {EVERYBODY: everybody, "plan = free": Slice(*own, captures)}

    slices = summed(
        [
            cutoff((4, 30.0, 15.0, 1, 2, 4, 3), {"capture": 0.2}),
            cutoff((6, 10.0, 15.0, 0, 1, 0, 0), {"capture": 0.6}),
        ]
    ).set_index("slice")
    free = slices.loc["plan = free"]
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
        {"slice": list("abcdefg"), "predicted_share": [1.0, 2.01, 0.49, 2.0, 0.5, math.nan, math.inf]}
    )
    assert uneven(table)["slice"].tolist() == ["b", "c"]


def test_two_attributes_never_give_a_slice_of_one_name():
    attributes = pd.DataFrame(
        {"team": ["red east", None, None, None], "team red": [None, "east", None, None]}
    )
    members = masks(FEATURES[[]], attributes)
    assert members["team = red east"] == [True, False, False, False]
    assert members["team red = east"] == [False, True, False, False]
