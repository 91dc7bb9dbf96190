from dataclasses import replace

import numpy as np
import pytest

from simulation.interactions import EXPERT, INFORMATIONAL, KINDS, interactions_table


def observe(history, ties, calendar, rng):
    table = interactions_table(history.world, history.population, ties, history.referrals, calendar, rng)
    return table.to_pandas()


@pytest.fixture(scope="module")
def interactions(history, calendar):
    seen = observe(history, history.ties, calendar, np.random.default_rng(8))
    seen["source"] = seen.source_id.str[1:].astype(int)
    seen["target"] = seen.target_id.str[1:].astype(int)
    seen["day"] = (seen.occurred_at - calendar.start).dt.total_seconds() / 86_400
    return seen


@pytest.fixture(scope="module")
def contacts(interactions):
    return interactions[interactions.kind != "referral"]


def test_nobody_meets_themselves_and_every_kind_occurs(interactions):
    assert (interactions.source != interactions.target).all()
    assert set(interactions.kind) == set(KINDS)
    assert (interactions.weight >= 0).all()


def test_contacts_happen_while_both_are_customers(history, contacts):
    population = history.population
    for customer in (contacts.source, contacts.target):
        assert (contacts.day >= population.since[customer] - 1e-4).all()
        assert (contacts.day < population.until[customer]).all()


def test_most_contacts_follow_a_tie_and_some_are_chance(history, contacts):
    size = history.population.size
    tied = np.isin(contacts.target * size + contacts.source, history.ties.target * size + history.ties.source)
    assert 0.8 < tied.mean() < 0.9


def test_chance_contacts_never_join_the_tied(history, calendar, rng):
    strength = np.zeros(history.ties.size)
    lively = np.argmax(history.ties.closes - history.ties.opens)
    strength[lively] = 10_000.0
    ties = replace(history.ties, strength=strength)
    seen = observe(history, ties, calendar, rng)
    seen = seen[seen.kind != "referral"]
    pair = seen.target_id.str[1:].astype(int) * history.population.size + seen.source_id.str[1:].astype(int)
    tied = ties.target * history.population.size + ties.source
    assert pair.nunique() > 1_000
    assert set(pair) & set(tied) == {tied[lively]}


def test_experts_give_expert_contacts_and_loud_voices_inform(history, contacts):
    expertise = history.population.expertise[contacts.source]
    voice = history.population.voice[contacts.source]
    expert, informational = contacts.kind.isin(EXPERT), contacts.kind.isin(INFORMATIONAL)
    assert expertise[expert].mean() > expertise[~expert].mean() + 0.5
    assert voice[informational].mean() > voice[~informational].mean() + 0.4


def test_a_referral_happens_when_the_target_joins(history, calendar, interactions):
    referrals = interactions[interactions.kind == "referral"]
    assert len(referrals) == history.referrals.target.size
    assert referrals.target.is_unique
    expected = dict(zip(history.referrals.target, history.referrals.source, strict=True))
    assert dict(zip(referrals.target, referrals.source, strict=True)) == expected
    joined = np.array(calendar.timestamps(history.population.joined).to_pylist(), "datetime64[us]")
    assert (referrals.occurred_at.to_numpy() == joined[referrals.target]).all()


def test_along_a_hidden_tie_nothing_is_ever_seen(history, calendar, rng):
    seen = np.zeros(history.ties.size, dtype=bool)
    seen[::2] = True
    contacts = observe(history, replace(history.ties, seen=seen), calendar, rng)
    contacts = contacts[contacts.kind != "referral"]
    pair = contacts.target_id.str[1:].astype(int) * history.population.size + contacts.source_id.str[
        1:
    ].astype(int)
    tied = history.ties.target * history.population.size + history.ties.source
    assert np.isin(tied[seen], pair).sum() > 1_000
    assert not np.isin(tied[~seen], pair).any()
