import ibis
import numpy as np
import pandas as pd

from ripple.features.graph.contacts import POWERS, Contacts, Purchases
from tests.support.oracles.graphs import CONTACT_DAYS, POWER_OF_KIND, contact_days

NEVER = 2**31 - 1


def test_contacts_are_grouped_by_pair_with_the_index_of_the_reverse_pair(contacts):
    pairs = list(zip(contacts.source.tolist(), contacts.target.tolist(), strict=True))
    assert pairs == [(0, 1), (0, 3), (1, 0), (1, 2), (2, 0)]
    assert contacts.start.tolist() == [0, 2, 3, 5, 6]
    assert contacts.reverse.tolist() == [2, -1, 0, -1, -1]


def test_contacts_have_the_power_of_their_kind(contacts):
    referent, expert = POWERS.index("referent"), POWERS.index("expert")
    assert contacts.power.tolist() == [referent, expert, referent, expert, -1, expert, referent]


def test_the_order_of_pairs_does_not_follow_from_that_of_rows(contacts):
    shuffled = Contacts.read(contact_days(CONTACT_DAYS[::-1]), POWER_OF_KIND)
    for name in ("source", "target", "start", "reverse"):
        assert np.array_equal(getattr(shuffled, name), getattr(contacts, name))


def test_no_contacts_are_no_pairs():
    nothing = contact_days(CONTACT_DAYS).filter(ibis._.day < 0)
    assert Contacts.read(nothing, POWER_OF_KIND).source.size == 0


def test_purchases_are_ordered_by_product_then_customer_and_held_while_they_were_the_first():
    rows = pd.DataFrame(
        # of customer 1 and product b, an earlier purchase became known on day 9
        [
            ("b", 2, 3, 3, NEVER),
            ("b", 1, 5, 5, 9),
            ("b", 1, 4, 9, NEVER),
            ("a", 2, 6, 6, NEVER),
        ],
        columns=["product", "customer", "day", "known", "until"],
    )
    purchases = Purchases.read(ibis.memtable(rows))
    a, b = purchases.product[purchases.customer == 2][np.argsort([6, 3])[::-1]]
    assert {a, b} == {0, 1}
    assert (np.diff(purchases.product * 10 + purchases.customer) >= 0).all()
    for last_day, days in ((8, {3, 5, 6}), (9, {3, 4, 6}), (4, {3})):
        assert set(purchases.known_on(last_day).day.tolist()) == days
