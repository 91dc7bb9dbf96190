"""Tests of the features that a user adds, on the user's own data."""

from __future__ import annotations

from datetime import datetime

import pytest

from ripple.errors import InputError
from ripple.features import matrix
from ripple.features.dataset import open_dataset
from ripple.settings import load
from ripple.training.examples.feature_checks import check_features
from tests.support.oracles import feature_frames

CUTOFFS = [datetime(2024, 3, 1), datetime(2024, 3, 20, 12)]
FEATURES = '''
import itertools

from ripple.features.extension import feature

CALLS = itertools.count()


@feature("ours", "users")
def people(usage_rows, as_of):
    """Distinct people at the customer."""
    return usage_rows.user_id.nunique()


@feature("ours", "products")
def nothing(orders, as_of):
    """The same for everybody."""
    return orders.product.nunique() * 0


@feature("ours", "products")
def by_turns(orders, as_of):
    """Another value each time."""
    return orders.product.nunique() + next(CALLS)


@feature("ours", "days", needs=("colour",))
def coloured(orders, as_of):
    """Needs a column that is not there."""
    return orders.colour.nunique()
'''


@pytest.fixture
def dataset(tmp_path):
    folder = feature_frames.write(feature_frames.random(), tmp_path / "data")
    (folder / "features.py").write_text(FEATURES)
    return open_dataset(folder, load(folder))


def problems(dataset):
    return {check.name: " ".join(check.problems) for check in check_features(dataset, CUTOFFS)}


def test_each_feature_is_told_what_is_wrong_with_it(dataset):
    found = problems(dataset)
    assert found["people"] == ""
    assert "the same for everybody" in found["nothing"]
    assert "differs when it is computed twice" in found["by_turns"]
    assert "does not exist" in found["coloured"]


def test_values_are_those_of_the_last_cutoff(dataset):
    values = {check.name: check.values for check in check_features(dataset, CUTOFFS)}
    assert values["people"].tolist() == feature_frames.features_at(dataset, CUTOFFS[-1])["people"].tolist()


def test_a_view_that_shows_what_came_after_is_caught(dataset, monkeypatch):
    def everything(past, settings):
        return past.history._numbered("usage", None).mutate(age=0)

    monkeypatch.setitem(matrix.ROW_VIEWS, "usage_rows", everything)
    found = problems(dataset)
    assert "looks ahead: at 2024-03-01 00:00" in found["people"]
    assert "looks ahead" not in found["nothing"]


def test_without_features_there_is_nothing_to_test(tmp_path):
    folder = feature_frames.write(feature_frames.random(), tmp_path / "data")
    with pytest.raises(InputError, match="adds no feature"):
        check_features(open_dataset(folder, load(folder)), CUTOFFS)
