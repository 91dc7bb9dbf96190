import itertools
import math

import numpy as np
import pyarrow as pa
import pytest

from ripple.training.attribution.adoptions import AdoptionHistory, Adoptions, read_history
from ripple.training.attribution.baseline_hazard import AtRiskCounts, LeaveOneOutRates
from tests.support.event_tables import WINDOW, activity, credit_settings, joined, order, tables
from tests.support.reference_attribution.history import History
from tests.support.reference_attribution.influence import InfluenceModel


def test_at_risk_are_customers_observed_who_have_not_adopted(sample):
    history, reference = sample.history, sample.reference
    counts = AtRiskCounts.of_history(history, sample.stratum)
    queries = list(itertools.product(range(3), range(history.product_count), np.arange(-40, 61, 2.5)))
    expected = [
        sum(
            reference.at_risk(customer, sample.products[product], day)
            for customer, of in reference.stratum.items()
            if of == stratum
        )
        for stratum, product, day in queries
    ]
    assert counts.before(*(np.array(column) for column in zip(*queries, strict=True))).tolist() == expected
    assert max(expected) > 5


def test_who_is_no_longer_observed_is_not_at_risk():
    adopted = Adoptions(np.array([0]), np.array([0]), np.array([5.0]), np.array([1.0]), np.array([False]))
    history = AdoptionHistory(
        pa.array(["a", "b", "c"]),
        np.zeros(3),
        np.array([9, 7, -math.inf]),
        np.zeros((3, 0), dtype=np.int64),
        1,
        adopted,
        -1.0,
        20.0,
    )
    zero, days = np.zeros(7, dtype=np.int64), np.array([0, 1, 5, 5.5, 7, 7.5, 9.5])
    counts = AtRiskCounts.of_history(history, np.zeros(3, dtype=np.int64))
    assert counts.before(zero, zero, days).tolist() == [0, 2, 2, 1, 1, 0, 0]


def test_rates_are_those_of_the_reference(sample):
    expected = InfluenceModel(sample.reference)
    rates = LeaveOneOutRates(sample.history, sample.stratum, sample.credit.bandwidth_days)
    rng = np.random.default_rng(2)
    for probability in (np.ones(sample.history.cases.size), rng.random(sample.history.cases.size)):
        # the reference has its cases by name
        adoptions = sample.history.adoptions
        names = [sample.names[customer] for customer in adoptions.customer[sample.history.cases]]
        order = sorted(
            range(len(names)), key=lambda i: (names[i], adoptions.product[sample.history.cases][i])
        )
        by_name = expected._rates(probability[order].tolist())
        assert rates.at_cases(probability)[order] == pytest.approx(by_name, rel=1e-9)


@pytest.mark.parametrize("bandwidth", [10.0, 22.5, 43.0, 61.0, 200.0])
@pytest.mark.parametrize("strata", [1, 2])
@pytest.mark.parametrize("names", ["ab", "abcdefgh"])
def test_rates_of_a_few_cases_are_those_of_the_reference(bandwidth, strata, names):
    """Somebody adopts at the very end of the window; of two customers, the second is the last at risk."""
    settings = credit_settings(baseline="strata", lookback_days=30, bandwidth_days=bandwidth)
    days = {"ab": (45, 100), "abcdefgh": (15, 17.5, 50, 60, 60, 61, 75, 100)}[names]
    rows = (
        [joined(name) for name in names],
        [order(name, on) for name, on in zip(names, days, strict=True)],
        [],
        [activity(name, 104) for name in (*names, *names)],
    )
    history = read_history(tables(*rows), *WINDOW, settings.credit)
    stratum = np.arange(len(names)) * strata // len(names)
    ids = history.customer_ids.to_pylist()
    model = InfluenceModel(
        History(*rows, *WINDOW, settings.credit, dict(zip(ids, stratum.tolist(), strict=True)))
    )
    probability = np.linspace(0.5, 1, history.cases.size)
    customers = [ids[customer] for customer in history.adoptions.customer[history.cases]]
    order_by_name = np.argsort(customers)
    assert [case.customer for case in model.cases] == [customers[i] for i in order_by_name]
    rates = LeaveOneOutRates(history, stratum, bandwidth).at_cases(probability)
    expected = model._rates(probability[order_by_name].tolist())
    assert rates[order_by_name] == pytest.approx(expected, rel=1e-9)


def test_with_many_cells_only_some_strata_inform_the_prior(sample, monkeypatch):
    probability = np.ones(sample.history.cases.size)
    whole = LeaveOneOutRates(sample.history, sample.stratum, 14.0)
    monkeypatch.setattr("ripple.training.attribution.baseline_hazard.MAX_CELLS", 10)
    part = LeaveOneOutRates(sample.history, sample.stratum, 14.0)
    assert (whole.stratum_step, part.stratum_step) == (1, 6)
    assert part.cell_shape[1] == 1
    rates = part.at_cases(probability)
    assert (rates > 0).all()
    assert rates == pytest.approx(whole.at_cases(probability), rel=0.5)
