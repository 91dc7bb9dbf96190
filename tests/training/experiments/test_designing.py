from ripple.settings import Plays, Settings
from ripple.training.experiments.designing import margin_share

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
