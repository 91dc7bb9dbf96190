import numpy as np

from ripple.settings import Plays, Settings
from ripple.training.experiments.design import Prospect
from ripple.training.experiments.designing import _prospect, margin_share
from ripple.training.experiments.power import PlaceboTest

from .conftest import SETTINGS


def test_without_margins_the_margin_is_that_of_the_settings(dataset, company, tmp_path):
    assert margin_share(dataset) is None
    settings = Settings(**SETTINGS.model_dump(exclude={"plays"}), plays=Plays(margin_share=0.3))
    assert margin_share(company.open(tmp_path / "usual", settings)) == 0.3


def test_the_margin_is_that_of_orders_that_have_one(company, opened):
    orders = company.tables["orders"].assign(margin=lambda rows: rows["revenue"] * 0.25)
    orders.loc[orders.index[:50], "margin"] = None
    found = margin_share(opened(type(company)(company.tables | {"orders": orders})))
    assert abs(found - 0.25) < 1e-9


def test_an_outcome_that_all_customers_had_says_nothing():
    counts = {"treated": 6, "held": 6, "treated_units": 6, "held_units": 6}
    alike = PlaceboTest(np.array([1e-17, -2e-17, 0.0]), 0.0, 12, 1e-9)
    assert _prospect(0.1, [alike], [], counts, 60) == Prospect(wanted=0.1)
    usual = PlaceboTest(np.array([1.0, -2.0, 1.5]), 0.0, 12, 5.0)
    known, mixed = (_prospect(0.1, tests, [], counts, 60) for tests in ([usual], [alike, usual]))
    assert known.detectable > 1
    assert mixed.detectable < known.detectable
