import numpy as np

from ripple.simulation.tables.customers import customers_table
from ripple.simulation.world.columns import customer_ids
from ripple.simulation.world.population import PLANS


def test_the_table_has_attributes_and_no_trait(history, calendar):
    population = history.population
    table = customers_table(population, calendar)
    assert table.column_names == ["customer_id", "joined_at", "industry", "country", "plan", "seats"]
    assert table["customer_id"].combine_chunks() == customer_ids(np.arange(population.size))
    assert table["joined_at"].combine_chunks() == calendar.timestamps(population.joined)
    assert table["plan"].to_pylist() == [PLANS[plan] for plan in population.plan]
