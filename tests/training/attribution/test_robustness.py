from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ripple.training.attribution import network_value
from ripple.training.attribution.adoptions import read_history
from ripple.training.attribution.robustness import (
    LATE_TIES,
    SHUFFLED_TIMES,
    Robustness,
    chance_share,
    follower_count,
    robustness,
    shuffled_times,
)
from tests.support.event_tables import WINDOW, contagion, credit_settings, joined, order, tables

SETTINGS = credit_settings(lookback_days=15, expansion=True)


@pytest.fixture(scope="module")
def dataset():
    return tables(*contagion(3))


@pytest.fixture(scope="module")
def tested(dataset):
    return robustness(dataset, *WINDOW, SETTINGS)


def influence(dataset, **credit):
    settings = SETTINGS.model_copy(update={"credit": SETTINGS.credit.model_copy(update=credit)})
    return network_value(dataset, *WINDOW, settings).to_pandas()["influence_value"].sum()


def test_influence_and_revenue_are_those_of_the_label(dataset, tested):
    label = network_value(dataset, *WINDOW, SETTINGS).to_pandas()
    # newcomers of the window are credited too, but have no row in the label
    assert tested.influence > label["influence_value"].sum() - 1e-4 > 100
    orders = dataset.orders_in(*WINDOW).to_pandas()
    assert tested.revenue == pytest.approx(orders["revenue"].sum())
    assert tested.revenue_share == pytest.approx(tested.influence / tested.revenue)


def test_where_everybody_buys_something_else_influence_cannot_be_measured(dataset, tested):
    orders = dataset["orders"].to_pandas()
    first = orders.groupby("product")["ordered_at"].transform("min")
    followers = orders[orders["ordered_at"] > first].drop_duplicates(["customer_id", "product"])
    assert 10 < tested.followers <= len(followers)
    assert tested.is_measurable
    nobody = replace(tested, influence=0.0)
    assert nobody.absence == "No influence was found."
    alone = replace(nobody, followers=9)
    assert not alone.is_measurable
    assert alone.absence == "Influence cannot be measured here."
    assert replace(alone, influence=tested.influence).is_measurable


def test_the_first_buyer_of_a_product_follows_nobody():
    rows = [order("a", 50, "p"), order("b", 60, "p"), order("c", 55, "q"), order("d", 60, "p")]
    history = read_history(tables([joined(name) for name in "abcd"], rows), *WINDOW, SETTINGS.credit)
    assert follower_count(history) == 2


def test_placebos_are_shares_of_the_influence(tested):
    assert list(tested.placebos.index) == [SHUFFLED_TIMES, LATE_TIES]
    shares = tested.placebos["influence"] / tested.influence
    pd.testing.assert_series_equal(tested.placebos["share"], shares, check_names=False)
    assert tested.placebo_share == tested.placebos["share"].max()


def test_variants_differ_in_one_setting(dataset, tested):
    rows = tested.sensitivity
    assert len(rows) == 5
    assert rows["ratio"].tolist() == pytest.approx((rows["influence"] / tested.influence).tolist())
    assert rows["top_overlap"].between(0, 1).all()
    assert rows.loc["all counted as expansion", "influence"] > tested.influence
    assert rows.loc["baseline by product alone", "influence"] >= influence(dataset, baseline="product")


def test_without_interactions_there_is_nothing_to_test():
    assert robustness(tables([joined("a")], [order("a", 50)]), *WINDOW, SETTINGS) is None


def test_there_is_influence_where_enough_is_credited_and_placebos_credit_less():
    def with_placebo(revenue, influence, share):
        placebos = pd.DataFrame({"influence": [share * influence], "share": [share]}, [LATE_TIES])
        return Robustness(*WINDOW, revenue, influence, placebos, pd.DataFrame())

    assert with_placebo(1000.0, 10.0, 0.9).has_influence
    assert not with_placebo(1000.0, 9.9, 0.0).has_influence
    assert not with_placebo(1000.0, 500.0, 1.0).has_influence
    assert with_placebo(0.0, 0.0, 0.0).revenue_share == 0


def test_of_influence_what_placebos_find_may_be_chance_and_referrals_are_not():
    totals = {"network_value": 100.0, "referral_value": 25.0, "influence_value": 75.0}
    influential = SimpleNamespace(has_influence=True, placebo_share=0.4)
    assert chance_share(totals, influential) == pytest.approx(0.4 * 0.75)
    none = SimpleNamespace(has_influence=False, placebo_share=0.4)
    assert chance_share(totals, none) == chance_share(totals, None) == 0.75
    assert chance_share(dict.fromkeys(totals, 0.0), influential) == 1


def test_shuffled_times_are_permuted_within_stratum_and_product(sample):
    history, stratum = sample.history, sample.stratum
    adoptions, cases = history.adoptions, history.cases
    # as if nobody had joined late, so that every day fits everybody
    history = replace(history, joined=np.full(history.customer_count, -1000.0))
    day = shuffled_times(history, stratum, 3)
    assert np.array_equal(day, shuffled_times(history, stratum, 3))
    others = np.setdiff1d(np.arange(adoptions.size), cases)
    assert np.array_equal(day[others], adoptions.day[others])
    cell = stratum[adoptions.customer[cases]] * history.product_count + adoptions.product[cases]
    for one in np.unique(cell):
        of_cell = cases[cell == one]
        assert sorted(day[of_cell]) == sorted(adoptions.day[of_cell])
    assert (day[cases] != adoptions.day[cases]).mean() > 0.5


def test_nobody_adopts_before_joining_by_shuffled_times(sample):
    history = sample.history
    day, customer = shuffled_times(history, np.zeros_like(sample.stratum), 1), history.adoptions.customer
    kept = day == history.adoptions.day
    assert (kept | (day > history.joined[customer])).all()
