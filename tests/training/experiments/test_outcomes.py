import pandas as pd
import pytest

from ripple.training.experiments.outcomes import (
    ACTIVE,
    AUDIENCE,
    CREDITED,
    OUTCOMES,
    OWN,
    TOTAL,
    covariates,
    outcomes,
)

from .conftest import DAYS, END, START, days

PAIR = pd.Index(["c00", "c01"], name="customer_id")
MEMBERS = pd.DataFrame({"customer_id": ["c00a", "c00b", "c01a"], "owner": ["c00", "c00", "c01"]})


def spent(company, names, first, last):
    orders = company.tables["orders"]
    within = (orders["ordered_at"] > first) & (orders["ordered_at"] <= last)
    return orders[within & orders["customer_id"].isin(names)]["revenue"].sum()


def test_own_and_audience_revenue_are_sums_of_orders_in_the_window(company, dataset):
    found = outcomes(dataset, START, END, PAIR, MEMBERS, credited=False)
    assert found.loc["c00", OWN] == pytest.approx(spent(company, ["c00"], START, END))
    assert found.loc["c00", AUDIENCE] == pytest.approx(spent(company, ["c00a", "c00b"], START, END))
    assert (found[TOTAL] == found[OWN] + found[AUDIENCE]).all()
    assert set(OUTCOMES) - set(found) == {CREDITED}


def test_what_happened_at_the_start_or_after_the_end_does_not_count(company, dataset):
    late = outcomes(dataset, days(45), days(DAYS + 4), PAIR, MEMBERS, credited=False)
    assert (late[TOTAL] == 0).all()
    at = outcomes(dataset, days(44), days(45), PAIR, MEMBERS, credited=False)
    assert at.loc["c01", OWN] == pytest.approx(spent(company, ["c01"], days(44), days(45)))
    assert at.loc["c01", OWN] > 0


def test_who_orders_in_the_last_third_is_active(dataset):
    assert (outcomes(dataset, START, END, PAIR, MEMBERS, credited=False)[ACTIVE] == 1).all()
    assert (outcomes(dataset, days(-24), START, PAIR, MEMBERS, credited=False)[ACTIVE] == 0).all()


def test_the_same_outcome_before_and_the_prediction_are_covariates():
    before = pd.DataFrame({name: [1.0, 2.0] for name in (TOTAL, OWN, AUDIENCE, ACTIVE)})
    expected = pd.DataFrame({"network_value": [3.0, 4], "direct_value": [5.0, 6], "value": [8.0, 10]})
    assert covariates(TOTAL, before, expected).tolist() == [[1, 8], [2, 10]]
    assert covariates(OWN, before, expected).tolist() == [[1, 5], [2, 6]]
    assert covariates(CREDITED, before, expected).tolist() == [[3, 1], [4, 2]]
    assert covariates(ACTIVE, before, expected).tolist() == [[1, 5], [2, 6]]
