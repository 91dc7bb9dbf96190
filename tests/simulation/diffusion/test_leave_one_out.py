import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.simulation.diffusion.leave_one_out import without_each_customer, without_influence
from tests.support.oracles.brute_force import first_passage


def counterfactual_days(history, start, end):
    """(who is absent, whose adoption, whether direct) → the day it would have come."""
    counterfactuals = without_each_customer(history, history.calendar.window(start, end))
    whose = history.adoptions.customer[counterfactuals.adoption].tolist()
    keys = zip(counterfactuals.customer.tolist(), whose, counterfactuals.direct.tolist(), strict=True)
    return dict(zip(keys, counterfactuals.day.tolist(), strict=True))


def test_without_the_first_of_a_chain_all_of_it_waits_for_its_own_clocks(by_hand, day):
    history = by_hand([50.0, 140.0, np.inf], [(0, 1, 60.0), (1, 2, 5.0)])
    assert history.adoptions.day.tolist() == [50.0, 110.0, 115.0]
    assert counterfactual_days(history, day(100), day(200)) == {
        (0, 1, True): 140.0,
        (0, 2, False): 145.0,
        (1, 2, True): np.inf,
    }


def test_what_had_rung_by_the_start_is_not_undone(by_hand, day):
    history = by_hand([50.0, 140.0, np.inf], [(0, 1, 40.0), (1, 2, 20.0)])
    assert history.adoptions.day.tolist() == [50.0, 90.0, 110.0]
    assert counterfactual_days(history, day(100), day(200)) == {(1, 2, True): np.inf}


def test_whoever_stands_in_is_nearly_as_early(by_hand, day):
    history = by_hand([50.0, 50.0, np.inf], [(0, 2, 60.0), (1, 2, 61.0)])
    assert counterfactual_days(history, day(100), day(200)) == {(0, 2, True): 111.0}


def test_an_absence_may_come_back_to_a_descendant_by_another_way(by_hand, day):
    """Without 0, customer 1 has to wait for 3, who has no need of 0; customer 2 still follows 1."""
    history = by_hand([50.0, np.inf, np.inf, 120.0], [(0, 1, 60.0), (1, 2, 10.0), (3, 1, 4.0)])
    assert counterfactual_days(history, day(100), day(200)) == {
        (0, 1, True): 124.0,
        (0, 2, False): 134.0,
        (1, 2, True): np.inf,
    }


def test_two_descendants_cannot_save_each_other(by_hand, day):
    history = by_hand([50.0, np.inf, np.inf], [(0, 1, 60.0), (1, 2, 1.0), (2, 1, 1.0)])
    assert counterfactual_days(history, day(100), day(200)) == {
        (0, 1, True): np.inf,
        (0, 2, False): np.inf,
        (1, 2, True): np.inf,
    }


def test_a_tie_that_closes_while_its_source_waits_passes_nothing_on(by_hand, day):
    history = by_hand([50.0, 140.0, np.inf], [(0, 1, 60.0), (1, 2, 5.0, 0.0, 144.0)])
    assert counterfactual_days(history, day(100), day(200))[0, 2, False] == np.inf


def test_only_adoptions_in_the_window_are_returned_and_those_after_it_are_not_in_it(by_hand, day):
    history = by_hand([50.0, np.inf, 130.0, np.inf], [(0, 1, 70.0), (0, 2, 60.0), (0, 3, 49.0)])
    assert counterfactual_days(history, day(100), day(115)) == {(0, 2, True): 130.0}


def test_without_anyone_everybody_waits_for_their_own_clock(by_hand, day):
    history = by_hand([105.0, 140.0, np.inf], [(0, 1, 5.0), (1, 2, 5.0)])
    adoption, at = without_influence(history, history.calendar.window(day(100), day(200)))
    assert adoption.tolist() == [0, 1, 2]
    assert at.tolist() == [105.0, 140.0, np.inf]


@st.composite
def networks(draw):
    """Whole days, so that clocks often ring at the same moment."""
    size = draw(st.integers(2, 7))
    days = st.integers(0, 60).map(float)
    own = draw(st.lists(days | st.just(np.inf), min_size=size, max_size=size))
    customer = st.integers(0, size - 1)
    tie = st.tuples(customer, customer, st.integers(1, 30).map(float), days, st.integers(30, 120).map(float))
    ties = draw(st.lists(tie, max_size=20, unique_by=lambda t: t[:2]))
    return own, [t for t in ties if t[0] != t[1]]


@settings(deadline=None)
@given(networks(), st.integers(0, 60), st.integers(1, 60))
def test_counterfactuals_equal_brute_force(by_hand, day, network, start, length):
    own, ties = network
    history = by_hand(own, ties)
    end = start + length
    counterfactuals = counterfactual_days(history, day(start), day(end))
    now = first_passage(own, ties, None, start)
    for absent in range(len(own)):
        then = first_passage(own, ties, absent, start)
        changed = {v: on for (u, v, _), on in counterfactuals.items() if u == absent}
        for v in range(len(own)):
            expected, actual = then[v], changed.get(v, now[v])
            assert actual == expected or not (start < now[v] <= end) or min(actual, expected) > end
            assert v in changed or not (start < now[v] <= end) or then[v] == now[v]


@pytest.mark.parametrize("direct", [True, False])
def test_nobody_is_missing_where_nobody_has_influence(by_hand, day, direct):
    assert counterfactual_days(by_hand([105.0, 110.0], [(0, 1, None)] * direct), day(100), day(200)) == {}
