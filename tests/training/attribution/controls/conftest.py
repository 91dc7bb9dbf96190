"""The default world, and in it an outcome that nobody can influence."""

from dataclasses import replace
from datetime import timedelta

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ripple import simulation
from ripple.features.tables.tables import Tables
from ripple.settings import Controls, Settings
from ripple.simulation.diffusion.realisation import simulate_history
from ripple.simulation.tables.assembly import tables as tables_of
from ripple.simulation.world.calendar import Calendar
from ripple.training.attribution.controls.negative_controls import negative_controls

CUSTOMERS, MONTHS, SEED = 1500, 12, 7
NAMES = ("price rise", "p01")
SETTINGS = Settings(controls=Controls(outcomes=NAMES))
WINDOW = simulation.END - timedelta(days=180), simulation.END


@pytest.fixture(scope="package")
def world():
    """The default world, and in it an order that friends place alike though nobody moves anybody to.

    It is product 1 of the same world without influence: the same tastes of the same customers.
    """
    alone = replace(simulation.WORLDS["default"], influence=0.0)
    orders = tables_of(simulate_history(alone, CUSTOMERS, Calendar(MONTHS), SEED))["orders"]
    orders = orders.filter(pc.equal(orders["product"], "p01"))
    place = orders.schema.get_field_index("product")
    control = orders.set_column(place, "product", pa.array(["price rise"] * orders.num_rows))
    rows = simulation.simulate("default", CUSTOMERS, MONTHS, SEED)
    rows["orders"] = pa.concat_tables([rows["orders"], control])

    return Tables(
        {name: ibis.memtable(rows[name]) for name in ("customers", "orders", "usage", "interactions")}
    )


@pytest.fixture(scope="package")
def controls(world):
    return negative_controls(world, *WINDOW, SETTINGS)
