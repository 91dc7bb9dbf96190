import numpy as np
import pyarrow as pa
import pytest

from ripple.settings import Settings
from ripple.training.attribution.adoptions import AdoptionHistory, Adoptions, read_history
from ripple.training.attribution.case_control import CaseControlSets
from ripple.training.attribution.exposures import read_contacts
from ripple.training.attribution.influence import (
    EstimationSample,
    InfluenceModel,
    attribute_adoptions,
    incremental_share,
)
from tests.support.event_tables import WINDOW, activity, contact, credit_settings, joined, order, tables
from tests.support.reference_attribution import influence as reference
from tests.support.reference_attribution.history import History


@pytest.fixture(scope="module")
def settings(sample):
    return Settings(credit=sample.credit)


@pytest.fixture(scope="module")
def attributions(sample, settings):
    return attribute_adoptions(sample.contacts, sample.history, sample.stratum, settings)


@pytest.mark.parametrize(
    ("name", "tolerance"),
    # the conditional logit stops a little before the optimum
    [("sample", 1e-6), ("sample_by_model", 1e-4)],
)
def test_attributions_are_those_of_the_reference(name, tolerance, request):
    sample = request.getfixturevalue(name)
    attributions = attribute_adoptions(
        sample.contacts, sample.history, sample.stratum, Settings(credit=sample.credit)
    )
    model = reference.InfluenceModel(sample.reference)
    model.estimate()
    expected = {
        (adoption, source): (probability, share)
        for adoption, source, probability, share in model.attributions()
    }
    adoptions = sample.history.adoptions
    names, products = sample.names, sample.products
    keys = [
        ((names[adoptions.customer[adoption]], products[adoptions.product[adoption]]), names[source])
        for adoption, source in zip(attributions.adoption, attributions.source, strict=True)
    ]
    assert sorted(keys) == sorted(expected)
    assert attributions.probability == pytest.approx([expected[key][0] for key in keys], rel=tolerance)
    assert attributions.incremental_share == pytest.approx([expected[key][1] for key in keys], rel=tolerance)


def test_probabilities_of_an_adoption_add_up_to_at_most_one(sample, attributions):
    total = np.bincount(attributions.adoption, attributions.probability)
    assert 0 < total.max() <= 1
    assert (attributions.probability > 0).all()
    assert (sample.history.adoptions.day[attributions.adoption] > 0).all()


def test_late_ties_are_other_sources(sample, settings, attributions):
    late = attribute_adoptions(sample.contacts, sample.history, sample.stratum, settings, late_ties=True)

    def pairs(attributions):
        return set(zip(attributions.adoption.tolist(), attributions.source.tolist(), strict=True))

    assert not pairs(late) & pairs(attributions)


def test_where_no_product_has_two_adopters_nothing_is_attributed(sample, settings):
    adopted = Adoptions(np.array([0]), np.array([0]), np.array([5.0]), np.array([1.0]), np.array([False]))
    history = AdoptionHistory(
        pa.array(["a"]), np.zeros(1), np.ones(1) * 9, np.zeros((1, 0), dtype=np.int64), 1, adopted, -1.0, 20.0
    )
    none = attribute_adoptions(sample.contacts, history, np.zeros(1, dtype=np.int64), settings)
    assert none.adoption.size == none.source.size == none.probability.size == 0


def by_hand(adopted, contacts, names="abcdef"):
    """Attributions among so few customers and the reference's, by adopter and source; all in one stratum."""
    settings = credit_settings(baseline="strata", lookback_days=30)
    rows = (
        [joined(name) for name in names],
        [order(name, on) for name, on in adopted.items()],
        [contact(source, target, on) for source, target, on in contacts],
        [activity(name, 99) for name in names],
    )
    dataset = tables(*rows)
    history = read_history(dataset, *WINDOW, settings.credit)
    ids, stratum = history.customer_ids.to_pylist(), np.zeros(len(names), dtype=np.int64)
    contacts = read_contacts(dataset, history, *WINDOW)
    found = attribute_adoptions(contacts, history, stratum, settings)
    model = reference.InfluenceModel(History(*rows, *WINDOW, settings.credit, dict.fromkeys(ids, 0)))
    model.estimate()
    adopter = history.adoptions.customer[found.adoption]
    return (
        {
            (ids[target], ids[source]): probability
            for target, source, probability in zip(adopter, found.source, found.probability, strict=True)
        },
        {
            (target, source): probability
            for (target, _), source, probability, _ in model.attributions()
            if probability > 0
        },
    )


@pytest.mark.parametrize(
    ("adopted", "contacts", "pairs"),
    [
        # two adopters are enough
        ({"a": 45, "b": 50}, [("a", "b", 30)], {("b", "a")}),
        # the moment at which the window begins lies before it, half a day later inside
        ({"a": 35, "b": 40, "c": 40.5}, [("a", "b", 30), ("a", "c", 30)], {("c", "a")}),
    ],
)
def test_a_few_adoptions_are_attributed_as_by_the_reference(adopted, contacts, pairs):
    found, expected = by_hand(adopted, contacts)
    assert set(found) == set(expected) == pairs
    assert found == pytest.approx(expected, rel=1e-6)


def test_where_nobody_can_be_compared_nothing_is_attributed():
    assert by_hand({"a": 45, "b": 50}, [("a", "b", 30)], names="ab") == ({}, {})


def test_steps_of_estimation_never_make_the_sets_less_likely(sample, settings):
    model = InfluenceModel(sample.contacts, sample.history, sample.stratum, settings, late_ties=False)
    baseline = model._baseline_hazards(np.ones(sample.history.cases.size))
    before = model._log_likelihood(*baseline, model.kernel)
    model.em_step(np.ones(sample.history.cases.size))
    assert model._log_likelihood(*baseline, model.kernel) > before
    assert (model.kernel >= 0).all()


def test_the_incremental_share_falls_from_one_with_the_cumulative_hazard():
    shares = incremental_share(np.array([0.0, 1e-12, 1e-6, 1.0, 50.0]))
    assert shares == pytest.approx([1, 1, 1 - 5e-7, 1 - np.exp(-1), 1 / 50], rel=1e-9)


@pytest.mark.parametrize("limit", [2, 50])
def test_common_parameters_are_estimated_from_informative_sets(limit, monkeypatch):
    monkeypatch.setattr("ripple.training.attribution.influence.MAX_ESTIMATION_SETS", limit)
    sets = CaseControlSets(
        np.array([0, 0, 1, 2, 2, 2, 4, 4]), np.arange(8), np.array([True, False, True, False, True])
    )
    for seed in range(5):
        sample = EstimationSample.of(sets, np.random.default_rng(seed))
        assert set(sample.cases) <= {0, 2, 4}
        assert sample.cases.size == min(limit, 3)
        assert (np.diff(sample.cases) > 0).all()
        assert np.array_equal(sample.cases[sample.case_of], sets.case[sample.controls])
        assert np.array_equal(np.unique(sample.case_of), np.arange(sample.cases.size))


def test_customers_are_grouped_by_tenths_of_their_reach():
    """19 customers are in touch with 0 to 18 others: one is in the lowest tenth, two are in each other."""
    names = "abcdefghijklmnopqrs"
    contacts = [contact(source, target) for i, source in enumerate(names) for target in names[:i]]
    dataset = tables([joined(name) for name in names], [order("a", 45), order("b", 50)], contacts)
    settings = credit_settings(baseline="strata")
    history = read_history(dataset, *WINDOW, settings.credit)
    model = InfluenceModel(
        read_contacts(dataset, history, *WINDOW), history, np.zeros(19, dtype=np.int64), settings, False
    )
    group = dict(zip(history.customer_ids.to_pylist(), model.reach_group.tolist(), strict=True))
    assert [group[name] for name in names] == [rank * 10 // 20 for rank in range(1, 20)]
