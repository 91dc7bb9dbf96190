import numpy as np
import pytest

from ripple.training.attribution.adoptions import read_history
from ripple.training.attribution.exposures import Exposures, Subjects, find_exposures, read_contacts
from tests.support.event_tables import WINDOW, contact, credit_settings, day, joined, order, referral, tables


def test_contacts_are_numbered_and_self_contacts_and_strangers_left_out():
    rows = [contact("a", "b", 50, weight=3.0), contact("b", "a", 30), referral("a", "b", 20)]
    rows += [contact("a", "a", 50), contact("a", "stranger", 50), contact("a", "b", 101)]
    dataset = tables([joined("a", 1), joined("b", 2)], [], rows)
    history = read_history(dataset, *WINDOW, credit_settings().credit)
    contacts = read_contacts(dataset, history, *WINDOW).order_by("day").to_pandas()
    assert list(contacts.itertuples(index=False, name=None)) == [
        (0, 1, -20.0, 1.0, True),
        (1, 0, -10.0, 1.0, False),
        (0, 1, 10.0, 3.0, False),
    ]


def test_exposures_are_those_of_the_reference(sample):
    history, names, products = sample.history, sample.names, sample.products
    rng = np.random.default_rng(5)
    subjects = Subjects(
        rng.integers(history.customer_count, size=400),
        rng.integers(history.product_count, size=400),
        rng.integers(-20, 120, 400) / 2,
    )
    exposures = find_exposures(sample.contacts, history, subjects, sample.credit)
    expected = {
        (subject, source, age_bin): strength
        for subject in range(400)
        for source, age_bin, strength in sample.reference.exposures(
            names[subjects.customer[subject]], products[subjects.product[subject]], subjects.day[subject]
        )
    }
    rows = zip(exposures.subject, exposures.source, exposures.age_bin, exposures.tie_strength, strict=True)
    assert {(subject, names[source], age): strength for subject, source, age, strength in rows} == (
        pytest.approx(expected, rel=1e-9)
    )
    assert len(expected) == exposures.subject.size > 100
    order_ = np.lexsort((exposures.source, exposures.subject))
    assert np.array_equal(order_, np.arange(order_.size))


def test_late_ties_are_those_that_begin_at_the_moment_or_later():
    customers = [joined(name) for name in "abc"]
    rows = [contact("a", "c", 30), contact("b", "c", 55), contact("b", "c", 56)]
    dataset = tables(customers, [order("a", 45), order("b", 45), order("c", 55)], rows)
    credit = credit_settings(half_life_days=2).credit
    history = read_history(dataset, *WINDOW, credit)
    names = history.customer_ids.to_pylist()
    subjects = Subjects(
        np.array([names.index("c")]), np.array([0]), np.array([(day(55) - WINDOW[0]).days * 1.0])
    )
    contacts = read_contacts(dataset, history, *WINDOW)
    early, late = (
        find_exposures(contacts, history, subjects, credit, late_ties=late) for late in (False, True)
    )
    assert [names[source] for source in early.source] == ["a"]
    assert [names[source] for source in late.source] == ["b"]
    assert late.tie_strength == pytest.approx([np.sqrt(1 + 2**-0.5)])


def test_exposures_of_some_subjects_are_numbered_by_rank():
    exposures = Exposures(
        np.array([0, 2, 2, 5]), np.array([7, 8, 9, 7]), np.array([0, 1, 2, 3]), np.array([1.0, 2.0, 3.0, 4.0])
    )
    some = exposures.of_subjects(np.array([2, 5]), 6)
    assert some.subject.tolist() == [0, 0, 1]
    assert some.source.tolist() == [8, 9, 7]
    assert some.tie_strength.tolist() == [2, 3, 4]
