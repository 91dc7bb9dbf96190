import pandas as pd
import pytest

from ripple.training.examples.purchase_histories import COLUMNS, purchase_history


def reference(dataset, cutoff):
    """The same statistics in plain Python, order by order."""
    tables = dataset.tables.before(cutoff)
    orders = tables["orders"].to_pyarrow().to_pandas()
    joined = set(tables["customers"].to_pyarrow().to_pandas()["customer_id"])
    days = {}
    for order in orders.itertuples():
        if order.customer_id in joined:
            paid, amount = days.get((order.customer_id, order.ordered_at.date()), (0, 0.0))
            days[order.customer_id, order.ordered_at.date()] = (
                paid + (order.revenue > 0),
                amount + order.revenue,
            )
    bought = {}
    for (customer, day), (paid, amount) in sorted(days.items()):
        if paid and amount > 0:
            bought.setdefault(customer, []).append((day, amount))
    rows = {}
    for customer, purchases in bought.items():
        first, repeated = purchases[0][0], purchases[1:]
        rows[customer] = (
            len(repeated),
            (purchases[-1][0] - first).days / 7,
            (cutoff.date() - first).days / 7 - 1 / 7,
            sum(amount for _, amount in repeated) / len(repeated) if repeated else 0.0,
        )
    return pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS).rename_axis("customer_id")


@pytest.mark.parametrize("place", [0, -1])
def test_statistics_are_those_of_orders_known_before_the_cutoff(opened, plan, place):
    dataset, cutoff = opened[0], plan.evaluation[place]
    history, expected = purchase_history(dataset, cutoff), reference(dataset, cutoff)
    assert len(history) > 50
    pd.testing.assert_frame_equal(history.sort_index(), expected.sort_index(), check_dtype=False, rtol=1e-9)
