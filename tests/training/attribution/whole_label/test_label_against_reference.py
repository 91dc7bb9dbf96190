"""The label is that of the slow reference, on random tables and on simulated worlds."""

from datetime import timedelta

import ibis
import pytest

from ripple import simulation
from ripple.features.tables.tables import Tables
from ripple.training.attribution import LABEL_COLUMNS, network_value
from ripple.training.attribution.adoptions import read_history
from ripple.training.attribution.exposures import read_contacts
from ripple.training.attribution.label import baseline_strata
from tests.support.event_tables import WINDOW, contagion, credit_settings, tables
from tests.support.reference_attribution import label as reference

ROUNDING = {"rel": 1e-9, "abs": 5e-6}
SEARCH = {"rel": 1e-4, "abs": 1e-3}
"""The tolerance where the label's conditional logit stops a little before the optimum."""

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


def both(dataset, rows, window, settings):
    """The label, and that of the reference with the same strata."""
    history = read_history(dataset, *window, settings.credit)
    stratum = baseline_strata(read_contacts(dataset, history, *window), history, settings)
    by_customer = dict(zip(history.customer_ids.to_pylist(), stratum.tolist(), strict=True))
    customers, orders, interactions, usage = rows
    expected = reference.network_value(
        customers, orders, interactions, *window, settings.credit, by_customer, usage
    )
    label = network_value(dataset, *window, settings).to_pandas().set_index("customer_id")
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
    settings = credit_settings(**credit)
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
    dataset = Tables({name: ibis.memtable(table) for name, table in simulated.items()})
    settings = credit_settings(**credit)
    window = simulation.END - timedelta(days=days), simulation.END
    label, expected = both(dataset, rows, window, settings)
    assert label["influence_value"].sum() > 0
    assert_same(label, expected, settings)


def test_random_tables_hold_every_case():
    for seed in range(len(CHOICES)):
        customers, orders, interactions, _ = contagion(seed)
        assert any(row["known_at"] > row["occurred_at"] for row in interactions)
        assert any(row["revenue"] < 0 for row in orders)
        assert any(row["joined_at"] > WINDOW[0] for row in customers)
        assert len({row["ordered_at"] for row in orders}) < len(orders)
