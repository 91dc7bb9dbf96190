"""Paths of two contacts that skip the middle customer, and what is credited along them."""

import numpy as np
import pytest

from ripple.training.attribution.adoptions import read_history
from ripple.training.attribution.controls.two_hop import paths_that_skip, two_hop
from ripple.training.attribution.exposures import Subjects, age_edges, read_contacts
from ripple.training.attribution.label import baseline_strata
from tests.support.event_tables import WINDOW, contact, contagion, credit_settings, joined, order, tables

CREDIT = credit_settings().credit


def found(contacts, orders, target="z"):
    """The sources of paths to *target* on day 60."""
    names = sorted({row["customer_id"] for row in orders} | set("amnz"))
    dataset = tables([joined(name) for name in names], orders, contacts)
    history = read_history(dataset, *WINDOW, CREDIT)
    ids = history.customer_ids.to_pylist()
    subjects = Subjects(np.array([ids.index(target)]), np.array([0]), np.array([20.0]))
    paths = paths_that_skip(read_contacts(dataset, history, *WINDOW), history, subjects, CREDIT)
    return [ids[source] for source in paths.source]


A_BOUGHT, Z_BUYS = order("a", 30), order("z", 60)
PATH = [contact("a", "m", 10), contact("m", "z", 20)]


def test_a_path_leads_from_an_adopter_by_somebody_who_had_not_bought():
    assert found(PATH, [A_BOUGHT, Z_BUYS]) == ["a"]


@pytest.mark.parametrize(
    ("contacts", "orders"),
    [
        ([*PATH, contact("a", "z", 50)], [A_BOUGHT]),
        (PATH, [A_BOUGHT, order("m", 40)]),
        ([*PATH, contact("a", "n", 10), contact("n", "z", 20)], [A_BOUGHT, order("n", 40)]),
        ([contact("a", "m", 70), contact("m", "z", 20)], [A_BOUGHT]),
        ([contact("a", "m", 10), contact("m", "z", 70)], [A_BOUGHT]),
        (PATH, [order("a", 70)]),
        ([contact("m", "a", 10), contact("m", "z", 20)], [A_BOUGHT]),
    ],
    ids=["direct", "middle bought", "another middle bought", "late", "later", "not bought", "other way"],
)
def test_no_path_where_somebody_else_may_have_passed_it_on_or_nobody_could(contacts, orders):
    assert found(contacts, [*orders, Z_BUYS]) == []


def test_a_middle_who_buys_later_is_skipped_and_a_referral_is_no_contact():
    assert found(PATH, [A_BOUGHT, order("m", 61), Z_BUYS]) == ["a"]
    assert found([contact("a", "m", 10, "referral"), PATH[1]], [A_BOUGHT, Z_BUYS]) == []


def test_paths_equal_those_of_brute_force():
    customers, orders, contacts, usage = contagion(5)
    dataset = tables(customers, orders, contacts, usage)
    history = read_history(dataset, *WINDOW, CREDIT)
    adoptions, cases = history.adoptions, history.cases
    subjects = Subjects(adoptions.customer[cases], adoptions.product[cases], adoptions.day[cases])
    rows = read_contacts(dataset, history, *WINDOW)
    paths = paths_that_skip(rows, history, subjects, CREDIT)

    adopted = dict(zip(zip(adoptions.customer, adoptions.product, strict=True), adoptions.day, strict=True))
    first: dict[tuple[int, int], float] = {}
    for row in rows.filter(~rows.referral).to_pyarrow().to_pylist():
        pair = row["source"], row["target"]
        first[pair] = min(first.get(pair, np.inf), row["day"])
    expected = {}
    everybody = range(history.customer_count)
    for subject, (v, p, now) in enumerate(
        zip(subjects.customer, subjects.product, subjects.day, strict=True)
    ):
        for u in everybody:
            middles = [
                m for m in everybody if first.get((u, m), np.inf) < now and first.get((m, v), np.inf) < now
            ]
            if (
                u != v
                and middles
                and first.get((u, v), np.inf) >= now
                and adopted.get((u, p), np.inf) < now
                and all(adopted.get((m, p), np.inf) >= now for m in middles)
            ):
                age = now - max(adopted[u, p], history.joined[v])
                if 0 <= age <= CREDIT.window_days:
                    expected[subject, u] = int(np.searchsorted(age_edges(CREDIT), age))
    assert expected
    assert dict(zip(zip(paths.subject, paths.source, strict=True), paths.age_bin, strict=True)) == expected


def test_too_few_adoptions_say_nothing():
    settings = credit_settings()
    dataset = tables(*contagion(3, crowd=12))
    history = read_history(dataset, *WINDOW, settings.credit)
    contacts = read_contacts(dataset, history, *WINDOW)
    assert two_hop(contacts, history, baseline_strata(contacts, history, settings), settings) is None
