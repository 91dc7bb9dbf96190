import numpy as np
import pytest

from ripple.features.graph.contacts import Contacts
from ripple.features.graph.ties import UNIT, Ties
from tests.support.oracles.graphs import LAST_DAY, POWER_OF_KIND, contact_days

HALF_LIFE = 10.0


@pytest.fixture
def ties(contacts, joined):
    return Ties.at_cutoff(contacts, joined, LAST_DAY, HALF_LIFE)


def test_a_tie_has_the_decayed_weight_of_the_contacts_known_by_then(ties):
    pairs = list(zip(ties.source.tolist(), ties.target.tolist(), strict=True))
    assert pairs == [(0, 1), (0, 3), (1, 0), (1, 2)]
    # days 80, 90 and 0 are two, one and ten half-lives before day 100; what is known later does not count
    expected = [1 / 4 + 2 / 2, 2**-10, 4 / 2, 1 / 2]
    assert ties.weight.tolist() == np.rint(np.array(expected) * UNIT).tolist()
    assert ties.first.tolist() == [80, 0, 90, 90]
    assert ties.mutual.tolist() == [True, False, True, False]


def test_by_power_there_are_reach_strength_and_mutual_reach_of_each_customer(ties):
    reach, weight, mutual = ties.by_power["expert"]
    assert reach.tolist() == [1, 1, 0, 0, 0]
    assert weight.tolist() == [1.0 * UNIT, 0.5 * UNIT, 0, 0, 0]
    assert mutual.tolist() == [1, 0, 0, 0, 0]
    assert ties.by_power["informational"][0].sum() == 0


def test_customers_who_had_not_joined_have_no_ties(contacts, joined):
    joined[1] = False
    ties = Ties.at_cutoff(contacts, joined, LAST_DAY, HALF_LIFE)
    assert list(zip(ties.source.tolist(), ties.target.tolist(), strict=True)) == [(0, 3)]
    assert ties.by_power["expert"][0].sum() == 0


def test_the_matrix_of_weights_has_sources_as_rows(ties):
    assert ties.weights[1, 2] == UNIT / 2
    assert ties.weights[2, 1] == 0


def test_without_contacts_there_are_no_ties(joined):
    none = Contacts.read(contact_days([(0, 1, "follow", 200, 200, 1.0)]), POWER_OF_KIND)
    assert Ties.at_cutoff(none, joined, LAST_DAY, HALF_LIFE).source.size == 0
