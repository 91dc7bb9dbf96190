import numpy as np
import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.training.experiments.layout import layout
from ripple.training.experiments.population import population

from .conftest import START, days


def test_a_unit_has_one_arm_and_one_stratum(laid):
    by_unit = laid.assignments.groupby("unit")
    assert (by_unit["arm"].nunique() == 1).all()
    assert (by_unit["stratum"].nunique() == 1).all()
    # ten pairs reach somebody in common
    assert sorted(by_unit.size()) == [1] * 40 + [2] * 10


def test_half_of_each_stratum_is_held_out(laid):
    units = laid.assignments.drop_duplicates("unit")
    held = units.groupby("stratum")["arm"].agg(lambda arm: (arm == "holdout").mean())
    assert held.between(0.4, 0.6).all()


def test_everybody_reached_has_one_owner(laid):
    assert laid.audience["customer_id"].is_unique
    assert (laid.audience["owner"] == laid.audience["customer_id"].str[:3]).all()
    assert laid.assignments["audience_size"].tolist() == [3] * 60


def test_units_take_away_the_overlap(laid):
    assert laid.overlap_customers > 0
    assert laid.overlap_units == laid.overlap_arms == 0
    assert (laid.audience["other_arm"] == 0).all()


def test_customers_alone_overlap(dataset, candidates):
    alone = layout(population(dataset, START, candidates), 0.5, "customer", 1, seed=3)
    assert alone.overlap_units == alone.overlap_customers > 0
    assert alone.audience["other_arm"].max() > 0


def test_a_unit_with_half_of_the_value_is_left_out(dataset, candidates):
    rich = candidates.copy()
    rich.loc["c07", "network_value"] = 1e6
    found = layout(population(dataset, START, rich), 0.5, "ego", 4, seed=3)
    assert found.left_out == ("c06", "c07")
    assert "c07" not in found.assignments.index


def test_an_empty_arm_is_refused(dataset, candidates):
    with pytest.raises(InputError, match="each arm needs 2 at least"):
        layout(population(dataset, START, candidates[:3]), 0.5, "ego", 4, seed=3)


def test_contacts_that_are_old_or_not_known_yet_are_no_ties(company, candidates, opened):
    dataset = opened(
        company.with_rows(
            interactions=[
                {"source_id": "c00", "target_id": "c09", "occurred_at": days(-299), "kind": "mention"},
                {"source_id": "c00", "target_id": "c10", "occurred_at": days(3), "kind": "mention"},
            ]
        )
    )
    ties = population(dataset, START, candidates).ties
    targets = pd.Index(population(dataset, START, candidates).customers)[np.flatnonzero(ties[0].toarray()[0])]
    assert list(targets) == ["c00a", "c00b", "c00c"]
