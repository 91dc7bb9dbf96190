import itertools

import numpy as np
import pytest

from ripple.training.attribution.affinity import Affinity, fit_conditional_logit, tenure_indicators
from tests.support.reference_attribution import affinity as reference


def test_covariates_are_those_of_the_reference(sample):
    history, names, products = sample.history, sample.names, sample.products
    expected = reference.Affinity(sample.reference)
    pairs = list(itertools.product(range(history.customer_count), range(history.product_count)))
    covariates = Affinity(history).covariates(*(np.array(column) for column in zip(*pairs, strict=True)))
    rows = [expected(names[customer], products[product]) for customer, product in pairs]
    assert covariates == pytest.approx(np.array(rows), rel=1e-12, abs=1e-12)
    assert (np.abs(covariates).max(axis=0) > 0.01).all()


def test_only_the_most_adopted_products_are_related(sample, monkeypatch):
    monkeypatch.setattr("ripple.training.attribution.affinity.MAX_RELATED_PRODUCTS", 0)
    history = sample.history
    customer = np.arange(history.customer_count)
    assert not Affinity(history).covariates(customer, np.zeros_like(customer))[:, -1].any()


def test_conditional_logit_maximises_the_conditional_likelihood():
    rng = np.random.default_rng(0)
    cases, controls = rng.normal((1.0, 0.0), size=(30, 2)), rng.normal(size=(150, 2))
    case_of, weight = np.repeat(np.arange(30), 5), rng.random(30)
    coefficients = fit_conditional_logit(cases, controls, case_of, weight, np.zeros(2))
    sets = [[case.tolist(), *controls[case_of == i].tolist()] for i, case in enumerate(cases)]
    expected = reference.conditional_logit(sets, weight.tolist(), [0.0, 0.0])
    assert coefficients == pytest.approx(expected, abs=1e-4)
    assert coefficients[0] > 0.5


def test_a_tenure_lies_in_the_bin_up_to_the_first_edge_it_does_not_exceed():
    indicators = tenure_indicators(np.array([0.0, 7.0, 7.1, 14.0, 14.1]), np.array([7.0, 14.0]))
    assert indicators.tolist() == [[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]]
