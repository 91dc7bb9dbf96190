import pytest

from ripple.training.experiments.population import own_revenue, population

from .conftest import START, days


def test_a_tie_is_a_decayed_sum_of_contacts(company, candidates, opened):
    twice = company.with_rows(
        interactions=[
            {"source_id": "c00", "target_id": "c00a", "occurred_at": days(-90), "kind": "mention"},
            # from somebody who is no candidate
            {"source_id": "c00a", "target_id": "c00b", "occurred_at": days(-1), "kind": "mention"},
        ]
    )
    found = population(opened(twice), START, candidates)
    ties = found.ties.toarray()
    at = {name: place for place, name in enumerate(found.customers)}
    assert ties[at["c00"], at["c00a"]] == pytest.approx(0.5 ** (20 / 90) + 0.5 ** (90 / 90))
    assert ties[at["c00"], at["c00b"]] == pytest.approx(0.5 ** (21 / 90))
    assert ties[at["c00a"]].sum() == 0
    assert list(found.customers[found.numbers]) == list(found.candidates.index)


def test_candidates_who_have_not_joined_are_left_out(company, candidates, opened):
    dataset = opened(company.without(["c05"]))
    found = population(dataset, START, candidates)
    assert set(candidates.index) - set(found.candidates.index) == {"c05"}


def test_own_revenue_is_that_of_the_window_as_known_at_its_end(company, opened, candidates):
    orders = [
        {"customer_id": "c00", "ordered_at": days(-2), "product": "p", "revenue": 7.0, "known_at": days(3)},
        {"customer_id": "c00", "ordered_at": days(-2), "product": "p", "revenue": 5.0, "known_at": days(-1)},
    ]
    dataset = opened(company.with_rows(orders=orders))
    spent = own_revenue(dataset, days(-3), START, candidates.index)
    assert spent["c00"] == 5
    assert spent.sum() == 5
    assert own_revenue(dataset, days(-3), days(4), candidates.index)["c00"] == 12
