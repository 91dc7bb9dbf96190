"""The parts of the label, each against counting by hand."""

import itertools
import math
from collections import defaultdict

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.arrays import expand, sums
from ripple.training.attribution.adoptions import Adoptions, Events, read
from ripple.training.attribution.baseline_hazard import Affinity, AtRisk, controls, relative_risk
from ripple.training.attribution.exposures import contacts
from ripple.training.attribution.generations import with_descendants
from ripple.training.attribution.step_functions import KernelSums, Steps
from ripple.training.attribution.strata import strata
from tests.support import reference_attribution
from tests.support.synthetic_events import WINDOW, chosen, contagion, joined, reach, shuffled, tables

quick = settings(max_examples=60)
days = st.integers(-20, 20).map(lambda halves: halves / 2)
keys = st.integers(0, 3)


def ints(values):
    return np.array(values, dtype=np.int64)


def floats(values):
    return np.array(values, dtype=np.float64)


@quick
@given(st.lists(st.tuples(keys, days, st.one_of(days, st.just(math.inf)))), st.lists(st.tuples(keys, days)))
def test_steps_count_what_has_begun_and_not_ended(spans, asked):
    spans = [(key, up, max(up, down)) for key, up, down in spans]
    steps = Steps.of(*(make([span[i] for span in spans]) for i, make in enumerate((ints, floats, floats))))
    found = steps.before(ints([key for key, _ in asked]), floats([on for _, on in asked]))
    expected = [sum(key == k and up < on <= down for k, up, down in spans) for key, on in asked]
    assert found.tolist() == expected


@quick
@given(st.lists(st.tuples(keys, days, st.floats(0, 1)), min_size=1), st.sampled_from([0.5, 3.0, 7.25, 100.0]))
def test_kernel_sums_are_those_of_every_pair(events, width):
    key, on, weight = ints([e[0] for e in events]), floats([e[1] for e in events]), [e[2] for e in events]
    found = KernelSums.of(key, on, width).others(floats(weight))
    expected = [
        sum(
            w * max(1 - abs(on[j] - d) / width, 0)
            for i, (k, d, w) in enumerate(events)
            if i != j and k == key[j]
        )
        for j in range(len(events))
    ]
    assert found == pytest.approx(expected, abs=1e-9)


def test_ranges_are_expanded_and_groups_summed():
    which, position = expand(ints([3, 5, 5]), ints([5, 5, 6]))
    assert (which.tolist(), position.tolist()) == ([0, 0, 2], [3, 4, 5])
    assert sums(ints([2, 0, 2]), floats([1, 2, 4]), 4).tolist() == [2, 0, 5, 0]
    assert sums(ints([]), floats([]), 2).tolist() == [0, 0]


@quick
@given(
    st.dictionaries(st.tuples(st.integers(0, 7), st.integers(0, 7)), st.floats(0, 1), max_size=20), st.data()
)
def test_credit_of_generations_is_that_of_the_recursion(pairs, data):
    # causes come before effects
    caused = {(min(pair), max(pair)): q for pair, q in pairs.items() if pair[0] != pair[1]}
    direct = data.draw(st.lists(st.floats(0, 100), min_size=8, max_size=8))

    def down(cause):
        return direct[cause] + sum(q * down(effect) for (c, effect), q in caused.items() if c == cause)

    found = with_descendants(
        ints([c for c, _ in caused]),
        ints([e for _, e in caused]),
        floats(list(caused.values())),
        floats(direct),
    )
    assert found == pytest.approx([down(cause) for cause in range(8)], rel=1e-9)


@pytest.fixture(scope="module")
def dataset():
    """A random dataset: its rows, events, contacts, and the reference's view of it."""
    rows, chosen_ones = contagion(3), chosen(lookback_days=15)
    found = tables(*rows)
    events = read(found, *WINDOW, chosen_ones.credit)
    met = contacts(found, events, *WINDOW)
    names = events.ids.to_pylist()
    stratum = np.arange(events.customers) % 3
    past = reference_attribution.Past(
        *rows, *WINDOW, chosen_ones.credit, dict(zip(names, stratum.tolist(), strict=True))
    )
    return rows, events, met, stratum, past


def test_at_risk_is_who_is_in_sight_and_has_not_bought(dataset):
    _, events, _, stratum, past = dataset
    at_risk = AtRisk.of(events, stratum)
    asked = list(itertools.product(range(3), range(events.products), np.arange(-40, 61, 2.5)))
    found = at_risk(*(make([a[i] for a in asked]) for i, make in enumerate((ints, ints, floats))))
    expected = [
        sum(
            past.at_risk(customer, past.products[product], on)
            for customer, of in past.stratum.items()
            if of == where
        )
        for where, product, on in asked
    ]
    assert found.tolist() == expected
    assert max(expected) > 5


def test_the_dead_are_not_at_risk():
    adopted = Adoptions(ints([0]), ints([0]), floats([5]), floats([1]), np.array([False]))
    events = Events(
        pa.array(["a", "b", "c"]),
        floats([0, 0, 0]),
        floats([9, 7, -math.inf]),
        ints([[], [], []]).reshape(3, 0),
        1,
        adopted,
        -1.0,
        20.0,
    )
    at_risk = AtRisk.of(events, ints([0, 0, 0]))
    moments = [0, 1, 5, 5.5, 7, 7.5, 9.5]
    found = at_risk(ints([0] * 7), ints([0] * 7), floats(moments))
    assert found.tolist() == [0, 2, 2, 1, 1, 0, 0]


@pytest.mark.parametrize("most", [2, 5, 1000])
def test_controls_are_of_the_stratum_at_risk_and_none_twice(dataset, most):
    _, events, _, stratum, past = dataset
    names = events.ids.to_pylist()
    sets = controls(events, stratum, most, np.random.default_rng(1))
    again = controls(events, stratum, most, np.random.default_rng(1))
    assert np.array_equal(sets.control, again.control)
    assert np.array_equal(sets.case, again.case)
    assert (np.diff(sets.case) >= 0).all()
    of_case = defaultdict(list)
    for case, control in zip(sets.case, sets.control, strict=True):
        of_case[case].append(control)
    complete = 0
    for place, adoption in enumerate(events.cases):
        adoptions = events.adoptions
        customer, on = adoptions.customer[adoption], adoptions.at[adoption]
        product = past.products[adoptions.product[adoption]]
        fit = {
            other
            for other in range(events.customers)
            if other != customer
            and stratum[other] == stratum[customer]
            and past.at_risk(names[other], product, on)
            and past.adopted.get((names[other], product), math.inf) > on
        }
        chosen_ones = of_case[place]
        assert len(set(chosen_ones)) == len(chosen_ones) <= most
        assert set(chosen_ones) <= fit
        assert sets.used[place] == (len(chosen_ones) >= 2)
        if most >= 10:
            assert set(chosen_ones) == fit
        complete += len(chosen_ones) == min(most, len(fit))
    assert complete > 0.9 * events.cases.size > 20


def test_affinities_are_those_counted_by_hand(dataset):
    _, events, _, _, past = dataset
    by_hand = reference_attribution.Affinity(past)
    names = events.ids.to_pylist()
    asked = list(itertools.product(range(events.customers), range(events.products)))
    found = Affinity(events)(ints([a[0] for a in asked]), ints([a[1] for a in asked]))
    expected = [by_hand(names[customer], past.products[product]) for customer, product in asked]
    assert found == pytest.approx(np.array(expected), rel=1e-12, abs=1e-12)
    assert (np.abs(found).max(axis=0) > 0.01).all()


def test_relative_risk_maximises_the_conditional_likelihood():
    random = np.random.default_rng(0)
    cases, others = random.normal((1.0, 0.0), size=(30, 2)), random.normal(size=(150, 2))
    case_of, weight = np.repeat(np.arange(30), 5), random.random(30)
    found = relative_risk(cases, others, case_of, weight, np.zeros(2))
    sets = [[case.tolist(), *others[case_of == i].tolist()] for i, case in enumerate(cases)]
    expected = reference_attribution.conditional_logit(sets, weight.tolist(), [0.0, 0.0])
    assert found == pytest.approx(expected, abs=1e-4)
    assert found[0] > 0.5


def communities(seed):
    """Two planted communities of 20, a newcomer of each, and somebody whom nobody knows."""
    random = np.random.default_rng(seed)
    left, right = [f"l{i:02d}" for i in range(20)], [f"r{i:02d}" for i in range(20)]
    customers = [joined(name) for name in left + right] + [
        joined("newcomer_left", 50),
        joined("newcomer_right", 50),
        joined("loner", 1),
    ]
    met = []
    for members in (left, right):
        for source in members:
            met += [
                reach(source, str(target), float(random.integers(5, 39)))
                for target in random.choice([name for name in members if name != source], 6, replace=False)
            ]
    met += [reach("l00", "r00", 20), reach("r05", "l05", 20)]
    met += [
        reach("newcomer_left", "l03", 55),
        reach("l09", "newcomer_left", 56),
        reach("newcomer_left", "r03", 57),
    ]
    met += [reach("r01", "newcomer_right", 55)]
    return customers, met


def found_strata(customers, met, seed=7):
    found = tables(customers, [], met)
    events = read(found, *WINDOW, chosen().credit)
    return dict(
        zip(events.ids.to_pylist(), strata(contacts(found, events, *WINDOW), events, seed), strict=True)
    )


def partition(found):
    members = defaultdict(set)
    for name, stratum in found.items():
        members[stratum].add(name)
    return sorted(map(sorted, members.values()))


def test_planted_communities_are_found_and_newcomers_go_where_their_contacts_are():
    customers, met = communities(1)
    found = found_strata(customers, met)
    assert partition(found) == sorted(
        [
            sorted([*(f"l{i:02d}" for i in range(20)), "newcomer_left"]),
            sorted([*(f"r{i:02d}" for i in range(20)), "newcomer_right"]),
            ["loner"],
        ]
    )
    assert found["loner"] == max(found.values()) == 2
    assert found_strata(shuffled(customers, 1), shuffled(met, 2)) == found


def test_contacts_of_the_window_do_not_move_those_who_have_a_community():
    customers, met = communities(2)
    late = [reach("l00", f"r{i:02d}", 60 + i) for i in range(20) for _ in range(3)]
    assert partition(found_strata(customers, met + late)) == partition(found_strata(customers, met))


def test_without_contacts_all_are_in_one_stratum():
    assert set(found_strata(*[communities(1)[0], []]).values()) == {0}


def test_adoptions_can_be_moved_to_other_days(dataset):
    _, events, _, _, _ = dataset
    moved = events.with_times(events.adoptions.at + 1)
    assert np.array_equal(moved.adoptions.at, events.adoptions.at + 1)
    assert np.array_equal(moved.adoptions.customer, events.adoptions.customer)


def test_who_has_not_adopted_has_no_adoption(dataset):
    _, events, _, _, past = dataset
    names = events.ids.to_pylist()
    asked = list(itertools.product(range(events.customers), range(events.products)))
    found = events.adoption_of(ints([a[0] for a in asked]), ints([a[1] for a in asked]))
    assert [place >= 0 for place in found] == [(names[c], past.products[p]) in past.adopted for c, p in asked]
