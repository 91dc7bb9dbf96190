"""The baseline hazard: the rate of adopting a product that nobody's influence explains.

The rate of a product in a stratum around the day of each case is a kernel estimate that leaves the case
itself out, counts each adoption by its background probability, that it was not caused by influence
(stochastic declustering, Zhuang, Ogata & Vere-Jones 2002), and is shrunk to the product's rate among all
customers by a Gamma–Poisson model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ripple.arrays import Floats, Ints, sums
from ripple.training.attribution.adoptions import AdoptionHistory
from ripple.training.attribution.step_functions import KernelSums, StepFunctions

MAX_CELLS = 5_000_000
"""The number of cells of period, stratum and product up to which all strata inform the prior; beyond it, only
every second, third, ... stratum does."""
MIN_SHAPE, MAX_SHAPE = 0.01, 1e4
"""The range of the shape of the Gamma prior."""
MIN_ADOPTIONS = 1e-9
"""The number of adoptions near a case that has no other near it: a rate is never zero."""


@dataclass(frozen=True)
class AtRiskCounts:
    """Size of the at-risk set of a stratum, product and day: customers observed who have not adopted yet."""

    observed: StepFunctions
    """Customers under observation, by stratum."""
    adopted: StepFunctions
    """Customers under observation who have adopted, by stratum and product."""
    product_count: int

    @classmethod
    def of_history(cls, history: AdoptionHistory, stratum: Ints) -> AtRiskCounts:
        """Count in the *stratum* of each customer."""
        adoptions = history.adoptions
        until = np.maximum(history.observed_until, history.joined)
        adopter_until = np.maximum(history.observed_until[adoptions.customer], adoptions.day)
        key = stratum[adoptions.customer] * history.product_count + adoptions.product
        return cls(
            StepFunctions.of_intervals(stratum, history.joined, until),
            StepFunctions.of_intervals(key, adoptions.day, adopter_until),
            history.product_count,
        )

    def before(self, stratum: Ints, product: Ints, day: Floats) -> Floats:
        """Number at risk just before *day*."""
        adopted = self.adopted.before(stratum * self.product_count + product, day)
        return np.maximum(self.observed.before(stratum, day) - adopted, 0.0)


class LeaveOneOutRates:
    """Rate of adoption per customer at risk and day at each case, without the case itself."""

    def __init__(self, history: AdoptionHistory, stratum: Ints, bandwidth_days: float) -> None:
        cases, adoptions = history.cases, history.adoptions
        self.product, self.day = adoptions.product[cases], adoptions.day[cases] - history.estimation_start
        self.stratum = stratum[adoptions.customer[cases]]
        self.bandwidth, self.days = bandwidth_days, history.window_length - history.estimation_start
        key = self.stratum * history.product_count + self.product
        self.near_in_stratum = KernelSums.of_events(key, self.day, self.bandwidth)
        self.near = KernelSums.of_events(self.product, self.day, self.bandwidth)
        in_stratum = AtRiskCounts.of_history(history, stratum)
        overall = AtRiskCounts.of_history(history, np.zeros_like(stratum))
        kernel_days = self._kernel_mass() * self.bandwidth
        at_risk = in_stratum.before(self.stratum, self.product, adoptions.day[cases])
        self.stratum_person_days = at_risk * kernel_days
        at_risk = overall.before(np.zeros_like(self.product), self.product, adoptions.day[cases])
        self.person_days = np.maximum(at_risk, 1.0) * kernel_days
        self._count_cells(history, stratum, in_stratum, overall)

    def at_cases(self, background_probability: Floats) -> Floats:
        """The rate at each case, given the probability of each that it was not caused by influence."""
        product_rate = (
            np.maximum(self.near.leave_one_out(background_probability), MIN_ADOPTIONS) / self.person_days
        )
        shape = self._prior_shape(background_probability)
        adoptions = self.near_in_stratum.leave_one_out(background_probability)
        return product_rate * (shape + adoptions) / (shape + product_rate * self.stratum_person_days)

    def _kernel_mass(self) -> Floats:
        """Part of the triangular kernel around each day that lies inside the period of the cases."""
        before = np.minimum(self.day / self.bandwidth, 1.0)
        after = np.minimum((self.days - self.day) / self.bandwidth, 1.0)
        return before - before**2 / 2 + after - after**2 / 2

    def _count_cells(
        self, history: AdoptionHistory, stratum: Ints, in_stratum: AtRiskCounts, overall: AtRiskCounts
    ) -> None:
        """Cut time into periods as long as the bandwidth, and count who is at risk in the middle of each."""
        periods = max(int(np.ceil(self.days / self.bandwidth)), 1)
        self.period = np.minimum((self.day // self.bandwidth).astype(np.int64), periods - 1)
        strata, products = int(stratum.max(initial=0)) + 1, history.product_count
        self.stratum_step = -(-periods * strata * products // MAX_CELLS) or 1
        strata = -(-strata // self.stratum_step)
        cell_stratum, cell_product = np.divmod(np.arange(strata * products), max(products, 1))
        cell_stratum *= self.stratum_step
        self.cell_shape = (periods, strata, products)
        stratum_counts, counts = [], []
        for period in range(periods):
            middle = history.estimation_start + (period + 0.5) * self.bandwidth
            days = np.full(cell_stratum.size, middle)
            stratum_counts.append(in_stratum.before(cell_stratum, cell_product, days))
            product = np.arange(products)
            counts.append(overall.before(np.zeros_like(product), product, np.full(products, middle)))
        self.stratum_at_risk = np.reshape(stratum_counts, self.cell_shape)
        self.at_risk = np.maximum(np.reshape(counts, (periods, 1, products)), 1.0)

    def _prior_shape(self, background_probability: Floats) -> float:
        """Shape of the Gamma prior of a stratum's rate ÷ the product's rate, by the method of moments."""
        periods, strata, products = self.cell_shape
        used = self.stratum % self.stratum_step == 0
        cell = (self.period * strata + self.stratum // self.stratum_step) * products + self.product
        observed = sums(cell[used], background_probability[used], periods * strata * products)
        observed = observed.reshape(self.cell_shape)
        overall = sums(self.period * products + self.product, background_probability, periods * products)
        expected = overall.reshape(periods, 1, products) / self.at_risk * self.stratum_at_risk
        overdispersion = float(((observed - expected) ** 2 - expected).sum())
        shape = float((expected**2).sum()) / max(overdispersion, 1e-12)
        return min(max(shape, MIN_SHAPE), MAX_SHAPE)
