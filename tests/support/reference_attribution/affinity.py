"""Covariates of who is likelier to adopt a product, and their conditional logit."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import mul
from typing import Any

from scipy.optimize import minimize

from tests.support.reference_attribution.history import Adoption, History


class Affinity:
    """Logs of observed ÷ expected numbers of adoptions before the cases."""

    def __init__(self, history: History) -> None:
        self.history = history
        before = [adoption for adoption, at in history.adopted.items() if at < history.estimation_start]
        self.owned: dict[str, list[str]] = defaultdict(list)
        self.adopters: dict[str, list[str]] = defaultdict(list)
        for customer, product in before:
            self.owned[customer].append(product)
            self.adopters[product].append(customer)
        self.members = [
            customer for customer, joined in history.joined.items() if joined < history.estimation_start
        ]
        self.years = {
            customer: min(max(history.estimation_start - joined, 0.0) / 365, 3.0)
            for customer, joined in history.joined.items()
        }
        self.size = len(history.levels) + 2
        self.computed: dict[Adoption, list[float]] = {}

    def __call__(self, customer: str, product: str) -> list[float]:
        if (customer, product) not in self.computed:
            self.computed[customer, product] = [
                *(self._level(level, customer, product) for level in self.history.levels),
                self._activity(customer),
                self._related(customer, product),
            ]
        return self.computed[customer, product]

    def _level(self, level: Mapping[str, Any], customer: str, product: str) -> float:
        alike = [other for other in self.members if level[other] == level[customer]]
        share = len(alike) / max(len(self.members), 1)
        observed = sum(level[other] == level[customer] for other in self.adopters[product])
        return math.log((observed + 5) / (len(self.adopters[product]) * share + 5))

    def _activity(self, customer: str) -> float:
        years, number = sum(self.years.values()), sum(map(len, self.owned.values()))
        expected = self.years[customer] * number / years if years else 0.0
        return math.log((len(self.owned[customer]) + 1) / (expected + 1))

    def _related(self, customer: str, product: str) -> float:
        everybody = max(sum(bool(products) for products in self.owned.values()), 1)
        total = 0.0
        for other in self.owned[customer]:
            if other != product:
                both = len(set(self.adopters[other]) & set(self.adopters[product]))
                chance = len(self.adopters[other]) * len(self.adopters[product]) / everybody
                total += math.log((both + 5) / (chance + 5))
        return total / max(len(self.owned[customer]), 1)


def conditional_logit(sets: list[list[list[float]]], weights: list[float], start: list[float]) -> list[float]:
    """Coefficients of the first of each set against all of it, with a standard normal prior."""

    columns = [list(zip(*members, strict=True)) for members in sets]

    def loss(coefficients: Sequence[float]) -> tuple[float, list[float]]:
        value, gradient = dot(coefficients, coefficients) / 2, list(coefficients)
        for members, by_column, weight in zip(sets, columns, weights, strict=True):
            risk = [math.exp(dot(member, coefficients)) for member in members]
            whole = sum(risk)
            value -= weight * math.log(risk[0] / whole)
            for index, column in enumerate(by_column):
                gradient[index] -= weight * (members[0][index] - dot(column, risk) / whole)
        return value, gradient

    tight = {"ftol": 1e-15, "gtol": 1e-7}
    result = minimize(loss, start, jac=True, method="L-BFGS-B", options=tight)
    return list(map(float, result.x))


def dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(map(mul, left, right))
