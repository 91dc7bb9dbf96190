"""The label is that of the slow reference, on random tables and on simulated worlds."""

from datetime import timedelta

import ibis
import pytest

from ripple import simulation
from ripple.features.tables.tables import Tables
from ripple.training.attribution import LABEL_COLUMNS, decayed_credit, network_value
from ripple.training.attribution.adoptions import read
from ripple.training.attribution.exposures import contacts
from ripple.training.attribution.label import stratum_of
from tests.support import reference_attribution
from tests.support.synthetic_events import WINDOW, chosen, contagion, joined, order, reach, tables

ROUNDING = {"rel": 1e-9, "abs": 5e-6}
SEARCH = {"rel": 1e-4, "abs": 1e-3}
"""The label stops searching for relative risks a little before their best."""

# baseline, and whatever else differs from the defaults
CHOICES = [
    {"baseline": "product"},
    {"baseline": "strata"},
    {"baseline": "model", "lookback_days": 15},
    {"baseline": "joined", "lookback_days": 15},
    {"baseline": "joined", "lookback_days": 0, "expansion": False, "window_days": 12, "referral_days": 50},
    {"baseline": "model", "lookback_days": 20, "half_life_days": 5.3, "bandwidth_days": 40},
    {"baseline": "strata", "lookback_days": 20, "bandwidth_days": 3.5, "referral_days": 40},
]


def both(found, rows, window, settings):
    """The label, and what the reference says with the same strata."""
    events = read(found, *window, settings.credit)
    stratum = stratum_of(contacts(found, events, *window), events, settings)
    by_customer = dict(zip(events.ids.to_pylist(), stratum.tolist(), strict=True))
    customers, orders, interactions, usage = rows
    expected = reference_attribution.network_value(
        customers, orders, interactions, *window, settings.credit, by_customer, usage
    )
    label = network_value(found, *window, settings).to_pandas().set_index("customer_id")
    assert list(label.columns) == list(LABEL_COLUMNS)
    assert list(label.index) == sorted(expected)
    return label, expected


def assert_same(label, expected, settings):
    tolerance = SEARCH if settings.credit.baseline in ("model", "joined") else ROUNDING
    for customer, row in expected.items():
        assert label.loc[customer].to_dict() == pytest.approx(row, **tolerance), customer


@pytest.mark.parametrize(("seed", "credit"), list(enumerate(CHOICES)), ids=str)
def test_on_random_tables(seed, credit):
    rows = contagion(seed)
    settings = chosen(**credit)
    label, expected = both(tables(*rows), rows, WINDOW, settings)
    assert label["influence_value"].sum() > label["one_step_value"].sum() > 100
    assert label["referral_value"].sum() > 0 or "referral_days" in credit
    assert_same(label, expected, settings)


@pytest.mark.parametrize(
    ("world", "seed", "months", "days", "credit"),
    [
        ("strong", 1, 12, 150, {"baseline": "joined", "lookback_days": 30}),
        ("weak", 5, 15, 100, {"baseline": "joined", "lookback_days": 30}),
        ("weak", 5, 15, 100, {"baseline": "strata", "lookback_days": 60}),
        ("default", 3, 15, 100, {"baseline": "product"}),
        ("strong", 1, 12, 150, {"baseline": "model", "lookback_days": 30}),
    ],
)
def test_on_simulated_worlds(world, seed, months, days, credit):
    simulated = simulation.simulate(world, 110, months, seed)
    rows = [simulated[name].to_pylist() for name in ("customers", "orders", "interactions", "usage")]
    found = Tables({name: ibis.memtable(table) for name, table in simulated.items()})
    settings = chosen(**credit)
    window = simulation.END - timedelta(days=days), simulation.END
    label, expected = both(found, rows, window, settings)
    assert label["influence_value"].sum() > 0
    assert_same(label, expected, settings)


def test_random_tables_hold_every_case():
    for seed in range(len(CHOICES)):
        customers, orders, interactions, _ = contagion(seed)
        assert any(row["known_at"] > row["occurred_at"] for row in interactions)
        assert any(row["revenue"] < 0 for row in orders)
        assert any(row["joined_at"] > WINDOW[0] for row in customers)
        assert len({row["ordered_at"] for row in orders}) < len(orders)


@pytest.mark.parametrize("seed", range(20, 23))
def test_time_decayed_credit_is_that_of_the_reference(seed):
    customers, orders, interactions, _ = contagion(seed)
    settings = chosen(window_days=(10, 40, 112)[seed % 3])
    found = decayed_credit(tables(customers, orders, interactions), *WINDOW, settings).to_pandas()
    found = found.set_index("customer_id")["influence_value"]
    expected = reference_attribution.decayed_credit(customers, orders, interactions, *WINDOW, settings.credit)
    assert found.sum() > 100
    assert found.to_dict() == pytest.approx(expected, rel=1e-6, abs=1e-3)


def test_time_decayed_credit_is_shared_by_weight_and_recency():
    customers = [joined(customer) for customer in "abc"]

    def shares(orders, interactions):
        found = decayed_credit(tables(customers, orders, interactions), *WINDOW, chosen()).to_pandas()
        return found.set_index("customer_id")["influence_value"].to_dict()

    bought = [order("a", 30), order("b", 30), order("c", 50)]
    by_weight = shares(bought, [reach("a", "c", 20, weight=3.0), reach("b", "c", 20)])
    assert by_weight == pytest.approx({"a": 75, "b": 25}, rel=1e-4)
    older_contact = shares(bought, [reach("a", "c", 15), reach("b", "c", 45)])
    assert older_contact == pytest.approx({"a": 100 / 3, "b": 200 / 3}, rel=1e-4)
    older_adoption = shares(
        [order("a", 15), order("b", 45), order("c", 50)], [reach("a", "c", 2), reach("b", "c", 2)]
    )
    assert older_adoption == pytest.approx({"a": 100 / 3, "b": 200 / 3}, rel=1e-4)
    assert shares(bought, [reach("a", "c", 50), reach("b", "c", 60)]) == {}
