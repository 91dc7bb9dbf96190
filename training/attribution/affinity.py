"""Relative risk inside a stratum: who is likelier than others to adopt a product, influence apart.

A conditional logit of adopters against others at risk on the same day (McFadden 1974; Breslow 1996), by
covariates that were known before any case.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

from ripple.arrays import Bools, Floats, Ints, expand, sums
from ripple.training.attribution.adoptions import AdoptionHistory

DAYS_PER_YEAR = 365.0
MAX_YEARS = 3.0
"""The number of years as a customer beyond which more time says nothing about the rate of adopting."""
PRIOR_ADOPTIONS = 5.0
"""The number of adoptions, observed as often as expected, that shrinks each ratio towards 1."""
MAX_RELATED_PRODUCTS = 2000
"""The number of products, the most adopted ones, for which joint adoption is counted."""


class Affinity:
    """Covariates of a customer and product: logs of ratios, zero where nothing is known.

    The ratios are the product's share among customers of the same level of each attribute, to its share among
    all; the customer's adoptions so far, to those expected of their time as a customer; and how often the
    product is adopted together with those the customer has, to how often it would be by chance (one related
    earlier behaviour removes most of the bias in Eckles & Bakshy 2021).
    """

    def __init__(self, history: AdoptionHistory) -> None:
        adoptions, start = history.adoptions, history.estimation_start
        before = adoptions.day < start
        customer, product = adoptions.customer[before], adoptions.product[before]
        customers, products = history.customer_count, history.product_count
        self.attribute_levels = history.attribute_levels
        joined = history.joined < start
        adopters = np.bincount(product, minlength=products).astype(np.float64)
        self.level_ratios = [
            _level_ratios(levels, joined, customer, product, adopters)
            for levels in history.attribute_levels.T
        ]
        self.owned = np.bincount(customer, minlength=customers)
        self.first_owned = np.cumsum(self.owned) - self.owned
        years = np.minimum(np.maximum(start - history.joined, 0.0) / DAYS_PER_YEAR, MAX_YEARS)
        rate = self.owned.sum() / years.sum() if years.any() else 0.0
        self.activity_ratio = np.log((self.owned + 1) / (years * rate + 1))
        most_adopted = np.argsort(-adopters, kind="stable")[:MAX_RELATED_PRODUCTS]
        self.slot = np.full(products, most_adopted.size)
        self.slot[most_adopted] = np.arange(most_adopted.size)
        self.owned_slots = self.slot[product]
        self.joint_ratios = _joint_ratios(
            customer, self.owned_slots, np.append(adopters[most_adopted], 0.0), self.owned
        )

    def covariates(self, customer: Ints, product: Ints) -> Floats:
        """One row per (customer, product), one column per ratio."""
        columns = [
            ratios[self.attribute_levels[customer, attribute], product]
            for attribute, ratios in enumerate(self.level_ratios)
        ]
        row, position = expand(self.first_owned[customer], self.first_owned[customer] + self.owned[customer])
        joint = self.joint_ratios[self.owned_slots[position], self.slot[product[row]]]
        related = sums(row, joint, customer.size) / np.maximum(self.owned[customer], 1)
        return np.stack([*columns, self.activity_ratio[customer], related], axis=1)


def _level_ratios(level: Ints, joined: Bools, customer: Ints, product: Ints, adopters: Floats) -> Floats:
    """The ratio of each level of an attribute (row) and product (column)."""
    levels, products = int(level.max(initial=0)) + 1, adopters.size
    share = np.bincount(level[joined], minlength=levels) / max(int(joined.sum()), 1)
    observed = np.bincount(level[customer] * products + product, minlength=levels * products)
    expected = share[:, None] * adopters
    return np.log((observed.reshape(levels, products) + PRIOR_ADOPTIONS) / (expected + PRIOR_ADOPTIONS))


def _joint_ratios(customer: Ints, slot: Ints, adopters: Floats, owned: Ints) -> Floats:
    """The ratio of each two products by slot; zero in the last slot, which is of all but the most adopted."""
    owns = sp.csr_matrix((np.ones(customer.size), (customer, slot)), shape=(owned.size, adopters.size))
    observed = (owns.T @ owns).toarray()
    expected = np.outer(adopters, adopters) / max(int((owned > 0).sum()), 1)
    ratios = np.log((observed + PRIOR_ADOPTIONS) / (expected + PRIOR_ADOPTIONS))
    np.fill_diagonal(ratios, 0.0)
    ratios[-1], ratios[:, -1] = 0.0, 0.0
    return ratios


def tenure_indicators(tenure: Floats, edges: Floats) -> Floats:
    """A column for each bin of the days since joining up to one of *edges*, 1 inside it; none beyond."""
    return (np.searchsorted(edges, tenure)[:, None] == np.arange(edges.size)).astype(np.float64)


def fit_conditional_logit(
    cases: Floats, controls: Floats, case_of: Ints, weight: Floats, initial: Floats
) -> Floats:
    """Coefficients of a conditional logit of cases against their controls, with a standard normal prior.

    Args:
        cases, controls: covariates, one row each.
        case_of: row of `cases` that each control belongs to.
        weight: of each case.
        initial: coefficients from which the search starts.
    """

    def negative_log_posterior(coefficients: Floats) -> tuple[float, Floats]:
        case_score, control_score = cases @ coefficients, controls @ coefficients
        highest = case_score.copy()
        np.maximum.at(highest, case_of, control_score)
        case_risk, control_risk = np.exp(case_score - highest), np.exp(control_score - highest[case_of])
        total = case_risk + sums(case_of, control_risk, case_score.size)
        log_posterior = (weight * (case_score - highest - np.log(total))).sum()
        log_posterior -= coefficients @ coefficients / 2
        share = weight / total
        gradient = cases.T @ (weight - share * case_risk)
        gradient -= controls.T @ (share[case_of] * control_risk)
        gradient -= coefficients
        return -log_posterior, -gradient

    result = minimize(negative_log_posterior, initial, jac=True, method="L-BFGS-B")
    return np.asarray(result.x, dtype=np.float64)
