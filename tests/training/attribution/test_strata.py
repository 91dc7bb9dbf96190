from collections import defaultdict

import numpy as np

from ripple.training.attribution.adoptions import read_history
from ripple.training.attribution.exposures import read_contacts
from ripple.training.attribution.strata import assign_strata
from tests.support.event_tables import WINDOW, contact, credit_settings, joined, shuffled, tables


def communities(seed):
    """Two planted communities of 20, a newcomer of each, and somebody whom nobody knows."""
    rng = np.random.default_rng(seed)
    left, right = [f"l{i:02d}" for i in range(20)], [f"r{i:02d}" for i in range(20)]
    customers = [joined(name) for name in left + right] + [
        joined("newcomer_left", 50),
        joined("newcomer_right", 50),
        joined("loner", 1),
    ]
    contacts = []
    for members in (left, right):
        for source in members:
            contacts += [
                contact(source, str(target), float(rng.integers(5, 39)))
                for target in rng.choice([name for name in members if name != source], 6, replace=False)
            ]
    contacts += [contact("l00", "r00", 20), contact("r05", "l05", 20)]
    contacts += [
        contact("newcomer_left", "l03", 55),
        contact("l09", "newcomer_left", 56),
        contact("newcomer_left", "r03", 57),
    ]
    contacts += [contact("r01", "newcomer_right", 55)]
    return customers, contacts


def strata_by_name(customers, contacts, seed=7):
    dataset = tables(customers, [], contacts)
    history = read_history(dataset, *WINDOW, credit_settings().credit)
    stratum = assign_strata(read_contacts(dataset, history, *WINDOW), history, seed)
    return dict(zip(history.customer_ids.to_pylist(), stratum.tolist(), strict=True))


def partition(strata):
    members = defaultdict(set)
    for name, stratum in strata.items():
        members[stratum].add(name)
    return sorted(map(sorted, members.values()))


def test_planted_communities_are_found_and_newcomers_go_where_their_contacts_are():
    customers, contacts = communities(1)
    strata = strata_by_name(customers, contacts)
    assert partition(strata) == sorted(
        [
            sorted([*(f"l{i:02d}" for i in range(20)), "newcomer_left"]),
            sorted([*(f"r{i:02d}" for i in range(20)), "newcomer_right"]),
            ["loner"],
        ]
    )
    assert strata["loner"] == max(strata.values()) == 2
    assert strata_by_name(shuffled(customers, 1), shuffled(contacts, 2)) == strata


def test_contacts_of_the_window_do_not_move_those_who_have_a_community():
    customers, contacts = communities(2)
    late = [contact("l00", f"r{i:02d}", 60 + i) for i in range(20) for _ in range(3)]
    assert partition(strata_by_name(customers, contacts + late)) == partition(
        strata_by_name(customers, contacts)
    )


def test_without_contacts_all_are_in_one_stratum():
    assert set(strata_by_name(*[communities(1)[0], []]).values()) == {0}
