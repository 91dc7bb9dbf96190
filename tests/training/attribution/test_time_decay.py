import pytest

from ripple.features.tables.tables import Tables
from ripple.training.attribution import decayed_credit
from tests.support.event_tables import WINDOW, contact, contagion, credit_settings, joined, order, tables
from tests.support.reference_attribution import time_decay as reference


@pytest.mark.parametrize("seed", range(20, 23))
def test_time_decayed_credit_is_that_of_the_reference(seed):
    customers, orders, interactions, _ = contagion(seed)
    settings = credit_settings(window_days=(10, 40, 112)[seed % 3])
    credits = decayed_credit(tables(customers, orders, interactions), *WINDOW, settings).to_pandas()
    credits = credits.set_index("customer_id")["influence_value"]
    expected = reference.decayed_credit(customers, orders, interactions, *WINDOW, settings.credit)
    assert credits.sum() > 100
    assert credits.to_dict() == pytest.approx(expected, rel=1e-6, abs=1e-3)


def test_time_decayed_credit_is_shared_by_weight_and_recency():
    customers = [joined(customer) for customer in "abc"]

    def shares(orders, interactions):
        credits = decayed_credit(tables(customers, orders, interactions), *WINDOW, credit_settings())
        return credits.to_pandas().set_index("customer_id")["influence_value"].to_dict()

    bought = [order("a", 30), order("b", 30), order("c", 50)]
    by_weight = shares(bought, [contact("a", "c", 20, weight=3.0), contact("b", "c", 20)])
    assert by_weight == pytest.approx({"a": 75, "b": 25}, rel=1e-4)
    older_contact = shares(bought, [contact("a", "c", 15), contact("b", "c", 45)])
    assert older_contact == pytest.approx({"a": 100 / 3, "b": 200 / 3}, rel=1e-4)
    older_adoption = shares(
        [order("a", 15), order("b", 45), order("c", 50)], [contact("a", "c", 2), contact("b", "c", 2)]
    )
    assert older_adoption == pytest.approx({"a": 100 / 3, "b": 200 / 3}, rel=1e-4)
    assert shares(bought, [contact("a", "c", 50), contact("b", "c", 60)]) == {}


def test_an_adoption_at_the_moment_when_the_window_begins_lies_before_it():
    orders = [order("a", 30), order("c", 40), order("c", 50)]
    dataset = tables([joined("a"), joined("c")], orders, [contact("a", "c", 20)])
    assert not len(decayed_credit(dataset, *WINDOW, credit_settings()).to_pandas())


def test_without_weights_every_contact_counts_alike():
    dataset = tables(
        [joined(name) for name in "abc"],
        [order("a", 30), order("b", 30), order("c", 50)],
        [contact("a", "c", 20), contact("a", "c", 20), contact("b", "c", 20)],
    )
    without = {**dataset.tables, "interactions": dataset["interactions"].drop("weight")}
    credits = decayed_credit(Tables(without), *WINDOW, credit_settings()).to_pandas()
    by_customer = credits.set_index("customer_id")["influence_value"].to_dict()
    assert by_customer == pytest.approx({"a": 200 / 3, "b": 100 / 3}, rel=1e-4)


def test_nobody_is_credited_without_adoptions_or_contacts_before_them():
    customers = [joined(name) for name in "abc"]
    orders = [order(name, day) for name, day in zip("abc", (42, 46, 50), strict=True)]
    free = [row | {"revenue": 0.0} for row in orders]
    early, late = ([contact(a, b, on) for a in "abc" for b in "abc" if a != b] for on in (10, 99))
    for bought, contacts in (([], []), (orders, []), ([], early), (orders, late), (free, late)):
        credits = decayed_credit(tables(customers, bought, contacts), *WINDOW, credit_settings())
        assert not len(credits.to_pandas())
