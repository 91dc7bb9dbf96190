import warnings

import numpy as np
import pandas as pd
import pytest

from ripple.training.insights.concentration import BOTH, NETWORK, SPEND, concentration
from ripple.training.insights.customer_value import CustomerValue

CUSTOMERS = 200


def of(revenue, network, direct=None, margin=0.4) -> CustomerValue:
    """Customers of given revenue so far and expected network value."""
    spend = np.ones(len(revenue)) if direct is None else direct
    customers = pd.DataFrame(
        {
            "revenue": revenue,
            "margin": margin * revenue,
            "lifetime_value": revenue + spend,
            "network_value": network,
            "value": network + spend,
        }
    )
    return CustomerValue(customers, None, None, None, margin, 1.0, 1.0, 1.0, 0.8)


def shares(measured, ranking, measure):
    table = measured.shares
    return table[(table["ranking"] == ranking) & (table["measure"] == measure)].set_index("top")["share"]


def test_shares_are_those_of_a_sorted_table():
    random = np.random.default_rng(5)
    revenue, network = random.lognormal(3, 1, CUSTOMERS), random.lognormal(2, 1.5, CUSTOMERS)
    measured = concentration(of(revenue, network), seed=7)
    for ranking, score in ((SPEND, revenue), (NETWORK, network), (BOTH, network + 1)):
        for measure, value in (("revenue", revenue), ("margin", revenue), ("network_value", network)):
            best = pd.Series(value).loc[pd.Series(score).sort_values(ascending=False).index]
            expected = [best.head(count).sum() / value.sum() for count in (2, 4, 20)]
            assert shares(measured, ranking, measure).tolist() == pytest.approx(expected)
    assert measured.shares["customers"].tolist() == [
        count for _ in range(3) for count in (2, 4, 20) for _ in range(4)
    ]


def test_intervals_hold_the_figure_and_narrow_with_customers():
    random = np.random.default_rng(5)

    def width(customers):
        measured = concentration(
            of(random.lognormal(3, 1, customers), random.lognormal(2, 1, customers)), seed=7
        )
        rows = measured.shares[measured.shares["top"] == 0.1]
        assert (rows["low"] <= rows["share"]).all()
        assert (rows["share"] <= rows["high"]).all()
        return (rows["high"] - rows["low"]).mean()

    assert width(4000) < width(200) / 2


def test_where_all_are_equal_the_top_holds_its_share():
    measured = concentration(of(np.ones(CUSTOMERS), np.ones(CUSTOMERS)), seed=7)
    assert shares(measured, SPEND, "revenue").tolist() == pytest.approx([0.01, 0.02, 0.1])
    curve = measured.curves["revenue", SPEND]
    assert curve.to_numpy() == pytest.approx(curve.index.to_numpy())


def test_curves_rise_from_nothing_to_all_and_lie_above_the_diagonal():
    random = np.random.default_rng(5)
    measured = concentration(of(random.lognormal(3, 1, CUSTOMERS), random.lognormal(2, 1, CUSTOMERS)), seed=7)
    for pair, curve in measured.curves.items():
        assert curve.iloc[0] == 0
        assert curve.iloc[-1] == pytest.approx(1)
        assert curve.is_monotonic_increasing
        if pair != ("revenue", NETWORK):
            assert (curve.to_numpy() >= curve.index.to_numpy() - 1e-9).all()
    spend_curve = measured.curves["revenue", SPEND]
    assert (spend_curve >= measured.curves["revenue", NETWORK] - 1e-9).all()


def test_overlap_counts_who_is_in_both_tops():
    revenue = np.arange(CUSTOMERS, 0, -1.0)
    same = concentration(of(revenue, 2 * revenue), seed=7)
    assert same.overlap["share"].tolist() == [1.0, 1.0, 1.0]
    assert same.overlap["customers"].tolist() == [2, 4, 20]
    assert same.agreement == pytest.approx(1)
    other = concentration(of(revenue, revenue[::-1]), seed=7)
    assert other.overlap["share"].tolist() == [0.0, 0.0, 0.0]
    assert other.agreement == pytest.approx(-1)
    half = revenue.copy()
    half[:10], half[10:20] = 0.5, 1000.0  # ten of the top 20 by spend bring least
    assert concentration(of(revenue, half), seed=7).overlap["share"].iloc[-1] == 0.5


def test_a_total_that_is_unknown_or_not_positive_leaves_its_shares_undefined():
    nothing = np.zeros(CUSTOMERS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measured = concentration(of(nothing, np.arange(CUSTOMERS, 0, -1.0), margin=np.nan), seed=7)
    assert shares(measured, NETWORK, "revenue").isna().all()
    assert shares(measured, NETWORK, "margin").isna().all()
    assert shares(measured, NETWORK, "network_value").notna().all()
    assert measured.curves["revenue", SPEND].isna().all()
    assert np.isnan(measured.agreement)
