import pandas as pd
import pytest

from ripple.training.attribution import network_value
from ripple.training.attribution.pairs import COLUMNS, influenced
from tests.support.synthetic_events import WINDOW, chosen, contagion, joined, order, reach, referral, tables


@pytest.mark.parametrize("seed", range(3))
def test_pairs_add_up_to_the_label(seed):
    given = tables(*contagion(seed))
    label = network_value(given, *WINDOW, chosen()).to_pandas().set_index("customer_id")
    found = influenced(given, *WINDOW, chosen(), list(label.index))
    for referred, column in ((True, "referral_value"), (False, "one_step_value")):
        by_source = found[found["referred"] == referred].groupby("source_id")["value"].sum()
        assert by_source.sum() > 0
        pd.testing.assert_series_equal(
            by_source.reindex(label.index, fill_value=0.0), label[column], check_names=False, atol=1e-5
        )


def test_only_the_customers_asked_for_are_told_of_the_highest_value_first():
    given = tables(*contagion(1))
    everybody = influenced(given, *WINDOW, chosen(), [f"c{i:02d}" for i in range(30)])
    one = everybody["source_id"].value_counts().index[0]
    found = influenced(given, *WINDOW, chosen(), [one])
    assert set(found["source_id"]) == {one}
    assert found["value"].is_monotonic_decreasing
    assert found["probability"].between(0, 1).all()


def test_who_was_brought_in_is_told_with_what_they_spent():
    customers = [joined("a"), joined("b", 45)]
    given = tables(customers, [order("b", 50, revenue=70)], [referral("a", "b", 45), reach("b", "a")])
    found = influenced(given, *WINDOW, chosen(), ["a", "b"])
    assert found.to_dict("records") == [
        {"source_id": "a", "target_id": "b", "referred": True, "probability": 1.0, "value": 70.0}
    ]


def test_without_interactions_nobody_influenced_anybody():
    found = influenced(tables([joined("a")], [order("a", 50)]), *WINDOW, chosen(), ["a"])
    assert found.empty
    assert tuple(found.columns) == COLUMNS
