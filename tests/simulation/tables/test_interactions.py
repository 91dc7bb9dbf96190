from dataclasses import replace

import numpy as np
import pytest

from ripple.simulation.diffusion.first_passage import BACKGROUND
from ripple.simulation.tables.interactions import EXPERT, INFORMATIONAL, KINDS, interactions_table
from ripple.simulation.world.calendar import DAYS_PER_YEAR


def observe(history, ties, calendar, rng):
    table = interactions_table(history.world, history.population, ties, history.referrals, calendar, rng)
    observed = table.to_pandas()
    observed["source"] = observed.source_id.str[1:].astype(int)
    observed["target"] = observed.target_id.str[1:].astype(int)
    observed["pair"] = observed.target * history.population.size + observed.source
    observed["day"] = (observed.occurred_at - calendar.start).dt.total_seconds() / 86_400
    return observed


def without_referrals(interactions):
    return interactions[interactions.kind != "referral"]


def with_contacts_per_year(history, contacts_per_year):
    return replace(history, world=replace(history.world, contacts_per_year=contacts_per_year))


@pytest.fixture
def half_hidden(history):
    return replace(history.ties, observed=np.arange(history.ties.size) % 2 == 0)


@pytest.fixture(scope="module")
def tied(history):
    """Every tie in the terms of `pair`; ascending."""
    return history.ties.target * history.population.size + history.ties.source


@pytest.fixture(scope="module")
def formed(history):
    """Whether each tie forms inside the calendar: some are there at its start, and some never act."""
    return (history.ties.opens > 0) & (history.ties.opens < history.ties.closes)


@pytest.fixture(scope="module")
def interactions(history, calendar):
    return observe(history, history.ties, calendar, np.random.default_rng(8))


@pytest.fixture(scope="module")
def contacts(interactions):
    return without_referrals(interactions)


def test_nobody_meets_themselves_and_every_kind_occurs(interactions):
    assert (interactions.source != interactions.target).all()
    assert set(interactions.kind) == set(KINDS)
    assert (interactions.weight >= 0).all()


def test_contacts_happen_while_both_are_customers(history, contacts):
    population = history.population
    for customer in (contacts.source, contacts.target):
        assert (contacts.day >= population.active_from[customer] - 1e-4).all()
        assert (contacts.day < population.active_until[customer]).all()


def test_most_contacts_follow_a_tie_and_some_are_chance(contacts, tied):
    assert 0.8 < np.isin(contacts.pair, tied).mean() < 0.9


def test_chance_contacts_never_join_the_tied(history, calendar, tied, rng):
    lively = np.argmax(history.ties.closes - history.ties.opens)
    only_lively = np.arange(history.ties.size) == lively
    ties = replace(history.ties, strength=10_000.0 * only_lively, observed=only_lively)
    contacts = without_referrals(observe(history, ties, calendar, rng))
    assert contacts.pair.nunique() > 1_000
    assert set(contacts.pair) & set(tied) == {tied[lively]}


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


def test_along_a_hidden_tie_nothing_is_ever_seen(history, calendar, half_hidden, tied, formed, rng):
    contacts = without_referrals(observe(history, half_hidden, calendar, rng))
    observed = half_hidden.observed
    assert np.isin(tied[observed], contacts.pair).sum() > 1_000
    assert (~observed & formed).sum() > 1_000
    assert not np.isin(tied[~observed], contacts.pair).any()


def test_a_seen_tie_first_shows_at_the_moment_it_forms(history, calendar, half_hidden, tied, formed, rng):
    contacts = without_referrals(observe(history, half_hidden, calendar, rng))
    first = contacts.groupby("pair").occurred_at.min()
    observed = half_hidden.observed & formed
    assert observed.sum() > 1_000
    opening = np.array(calendar.timestamps(history.ties.opens[observed]).to_pylist(), "datetime64[us]")
    assert (first.reindex(tied[observed]).to_numpy() == opening).all()


def test_a_tie_that_forms_shows_before_anything_is_passed_along_it(history, contacts, tied, formed):
    adoptions = history.adoptions.where(history.adoptions.cause != BACKGROUND)
    by_tie = np.searchsorted(tied, adoptions.customer * history.population.size + adoptions.cause)
    first = contacts.groupby("pair").day.min().reindex(tied[by_tie]).to_numpy()
    assert formed[by_tie].sum() > 500
    assert (first < adoptions.day)[formed[by_tie]].all()


def test_no_contact_is_certain_but_one_along_each_tie_that_forms(history, calendar, tied, formed, rng):
    """Where nobody meets again, nothing shows along the ties that were there at the start."""
    quiet = with_contacts_per_year(history, 0.0)
    contacts = without_referrals(observe(quiet, history.ties, calendar, rng))
    assert ((history.ties.opens == 0) & (history.ties.closes > 0)).sum() > 500
    along = contacts.pair[contacts.pair.isin(tied)]
    assert sorted(along) == tied[formed].tolist()


def test_ties_of_both_ages_have_as_many_further_contacts_as_the_world_says(history, calendar, formed, rng):
    ties = replace(history.ties, strength=np.ones(history.ties.size))
    contacts = without_referrals(observe(with_contacts_per_year(history, 2.0), ties, calendar, rng))
    pair = ties.target * history.population.size + ties.source
    further = contacts.pair.value_counts().reindex(pair, fill_value=0).to_numpy() - formed
    years = np.maximum(ties.closes - ties.opens, 0.0) / DAYS_PER_YEAR
    for some in (formed, ~formed):
        assert further[some].sum() == pytest.approx(2.0 * years[some].sum(), rel=0.05)
