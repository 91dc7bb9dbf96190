"""Who caused index adoption: the additive hazard, estimated case by case."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.support.reference_attribution.affinity import Affinity, conditional_logit, dot
from tests.support.reference_attribution.history import AGES, Adoption, Exposure, History

Attribution = tuple[Adoption, str, float, float]
"""Adoption, source, the probability that it was the cause, and the incremental share of the value."""


@dataclass
class Case:
    """An adoption, and the other customers day risk of it."""

    customer: str
    product: str
    day: float
    controls: list[str]
    exposures: list[list[Exposure]]
    """The exposures of the adopter, then of each control."""
    near: list[tuple[int, float]] = field(default_factory=list)
    """Other cases of the product within the bandwidth, each with its kernel."""
    near_in_stratum: list[tuple[int, float]] = field(default_factory=list)

    @property
    def informative(self) -> bool:
        return len(self.controls) >= 2


class InfluenceModel:
    """The hazard of each adopter: a background, and one term for each earlier adopter in touch with them."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.cases = [
            self._case(customer, product, day)
            for (customer, product), day in sorted(history.adopted.items())
            if history.estimation_start < day <= history.days
        ]
        width = history.credit.bandwidth_days
        for case in self.cases:
            for k, other in enumerate(self.cases):
                kernel = 1 - abs(case.day - other.day) / width
                if other is not case and other.product == case.product and kernel > 0:
                    case.near.append((k, kernel))
                    if history.stratum[other.customer] == history.stratum[case.customer]:
                        case.near_in_stratum.append((k, kernel))
        self.by_model = history.credit.baseline in ("model", "joined")
        self.affinity = Affinity(history) if self.by_model else None
        tenures = len(AGES) if history.of_features else 0
        self.coefficients = [0.0] * (self.affinity.size + tenures if self.affinity else 0)
        self.kernel = [1e-3] * len(AGES)
        self.strength: dict[str, float] = defaultdict(lambda: 1.0)
        self.group_strength = [1.0] * 10
        self.background_probability = [1.0] * len(self.cases)
        self._count_at_risk()

    def _case(self, customer: str, product: str, day: float) -> Case:
        history = self.history
        controls = [
            other
            for other, stratum in history.stratum.items()
            if stratum == history.stratum[customer]
            and other != customer
            and history.at_risk(other, product, day)
            and history.adopted.get((other, product), math.inf) > day
        ]
        exposures = [history.exposures(member, product, day) for member in (customer, *controls)]
        return Case(customer, product, day, controls, exposures)

    def _count_at_risk(self) -> None:
        history, width = self.history, self.history.credit.bandwidth_days
        whole = history.days - history.estimation_start

        def number(product: str, day: float, stratum: int | None = None) -> int:
            return sum(
                history.at_risk(customer, product, day)
                for customer, of in history.stratum.items()
                if stratum in (None, of)
            )

        self.person_days, self.person_days_in_stratum = [], []
        for case in self.cases:
            before, after = (
                min(part / width, 1.0)
                for part in (
                    case.day - history.estimation_start,
                    whole - (case.day - history.estimation_start),
                )
            )
            kernel_mass = before - before**2 / 2 + after - after**2 / 2
            stratum = history.stratum[case.customer]
            self.person_days.append(max(number(case.product, case.day), 1) * kernel_mass * width)
            self.person_days_in_stratum.append(number(case.product, case.day, stratum) * kernel_mass * width)
        # period, product → number at risk, by stratum and among all
        self.periods = max(math.ceil(whole / width), 1)
        self.cells = {}
        for period in range(self.periods):
            middle = history.estimation_start + (period + 0.5) * width
            for product in history.products:
                by_stratum = {
                    stratum: number(product, middle, stratum) for stratum in set(history.stratum.values())
                }
                self.cells[period, product] = by_stratum, max(number(product, middle), 1)

    def estimate(self) -> None:
        for _ in range(8):
            self._em_step()
        if not self._is_identified():
            self.kernel = [0.0] * len(AGES)
            return
        for _ in range(3):
            self._update_strengths()
            self._em_step()

    def attributions(self) -> Iterator[Attribution]:
        for case, hazards in zip(self.cases, self._baseline(self.background_probability), strict=True):
            hazard = hazards[0] + self._influence_hazard(case.exposures[0])
            for exposure in case.exposures[0]:
                influence_hazard = self._influence_hazard([exposure])
                if influence_hazard > 0 and case.day > 0:
                    cumulative = (hazard - influence_hazard) * (self.history.days - case.day)
                    share = -math.expm1(-cumulative) / cumulative if cumulative > 1e-9 else 1.0
                    share = math.exp(-cumulative) if self.history.of_features else share
                    share = share if self.history.credit.expansion else 1.0
                    yield (case.customer, case.product), exposure[0], influence_hazard / hazard, share

    def _rates(self, background_probability: list[float]) -> list[float]:
        shape = self._shape(background_probability)
        rates = []
        for case, person_days, person_days_in_stratum in zip(
            self.cases, self.person_days, self.person_days_in_stratum, strict=True
        ):
            product_rate = (
                max(sum(background_probability[k] * kernel for k, kernel in case.near), 1e-9) / person_days
            )
            near = sum(background_probability[k] * kernel for k, kernel in case.near_in_stratum)
            rates.append(product_rate * (shape + near) / (shape + product_rate * person_days_in_stratum))
        return rates

    def _shape(self, background_probability: list[float]) -> float:
        history, squares, overdispersion = self.history, 0.0, 0.0
        count: dict[tuple[int, str, int], float] = defaultdict(float)
        for case, weight in zip(self.cases, background_probability, strict=True):
            period = min(
                int((case.day - history.estimation_start) // history.credit.bandwidth_days), self.periods - 1
            )
            count[period, case.product, history.stratum[case.customer]] += weight
        for (period, product), (by_stratum, everybody) in self.cells.items():
            observed = sum(count[period, product, stratum] for stratum in by_stratum)
            for stratum, number in by_stratum.items():
                expected = observed / everybody * number
                squares += expected**2
                overdispersion += (count[period, product, stratum] - expected) ** 2 - expected
        return min(max(squares / max(overdispersion, 1e-12), 0.01), 1e4)

    def _baseline(self, background_probability: list[float]) -> list[list[float]]:
        """Of each case, the hazard of the adopter and of each control if nobody had influence."""
        rates = self._rates(background_probability)
        if self.affinity is None:
            return [[rate] * (1 + len(case.controls)) for case, rate in zip(self.cases, rates, strict=True)]
        covariates, history = self.affinity, self.history
        sets = [
            [
                covariates(customer, case.product)
                + (history.tenure(customer, case.day) if history.of_features else [])
                for customer in (case.customer, *case.controls)
            ]
            for case in self.cases
        ]
        informative = [i for i, case in enumerate(self.cases) if case.informative]
        self.coefficients = conditional_logit(
            [sets[i] for i in informative],
            [background_probability[i] for i in informative],
            self.coefficients,
        )
        baseline = []
        for case, members, rate in zip(self.cases, sets, rates, strict=True):
            risk = [math.exp(dot(member, self.coefficients)) for member in members]
            mean = sum(risk[1:]) / len(risk[1:]) if case.informative else risk[0]
            baseline.append([rate * one / mean for one in risk])
        return baseline

    def _influence_hazard(self, exposures: list[Exposure]) -> float:
        return sum(
            self.kernel[index] * tie_strength * self.strength[source]
            for source, index, tie_strength in exposures
        )

    def _em_step(self) -> None:
        baseline = self._baseline(self.background_probability)
        self.kernel = self._mm_steps(
            self.kernel,
            baseline,
            lambda source, index, tie_strength: (index, tie_strength * self.strength[source]),
        )
        self.background_probability = [
            hazards[0] / (hazards[0] + self._influence_hazard(case.exposures[0]))
            for case, hazards in zip(self.cases, baseline, strict=True)
        ]

    def _mm_steps(
        self,
        factors: list[float],
        baseline: list[list[float]],
        component: Callable[[str, int, float], tuple[int, float]],
        prior: float = 0.0,
    ) -> list[float]:
        """*factors* of the components of influence after ten minorise–maximise steps.

        Args:
            component: of an exposure, and the hazard it adds day a factor of 1.
            prior: number of adoptions, caused as often as expected, that shrinks each factor to 1.
        """
        # of each informative set, for the case and for all: hazard without influence, and by component
        rows = []
        for case, hazards in zip(self.cases, baseline, strict=True):
            if case.informative:
                own, everybody = [0.0] * len(factors), [0.0] * len(factors)
                for member, exposures in enumerate(case.exposures):
                    for exposure in exposures:
                        index, influence_hazard = component(*exposure)
                        everybody[index] += influence_hazard
                        if member == 0:
                            own[index] += influence_hazard
                rows.append((hazards[0], own, sum(hazards), everybody))
        for _ in range(10):
            caused, expected = [prior] * len(factors), [prior] * len(factors)
            for own_hazard, own, set_hazard, everybody in rows:
                own_total = own_hazard + dot(own, factors)
                set_total = set_hazard + dot(everybody, factors)
                for index, factor in enumerate(factors):
                    caused[index] += factor * own[index] / own_total
                    expected[index] += everybody[index] / set_total
            factors = [up / down if down > 0 else 0.0 for up, down in zip(caused, expected, strict=True)]
        return factors

    def _is_identified(self) -> bool:
        with_influence = self._log_likelihood(self.background_probability)
        kernel, self.kernel = self.kernel, [0.0] * len(AGES)
        without = self._log_likelihood([1.0] * len(self.cases))
        self.kernel = kernel
        return abs(with_influence - without) > 1e-3

    def _log_likelihood(self, background_probability: list[float]) -> float:
        return sum(
            math.log(hazards[0]) - math.log(sum(hazards))
            for case, hazards in zip(self.cases, self._hazards(background_probability), strict=True)
            if case.informative
        )

    def _hazards(self, background_probability: list[float]) -> list[list[float]]:
        return [
            [
                hazard + self._influence_hazard(exposures)
                for hazard, exposures in zip(hazards, case.exposures, strict=True)
            ]
            for case, hazards in zip(self.cases, self._baseline(background_probability), strict=True)
        ]

    def _update_strengths(self) -> None:
        group = self.history.reach_group
        self.group_strength = self._mm_steps(
            self.group_strength,
            self._baseline(self.background_probability),
            lambda source, index, tie_strength: (group[source], tie_strength * self.kernel[index]),
            prior=2,
        )
        caused: dict[str, float] = defaultdict(float)
        expected: dict[str, float] = defaultdict(float)
        for case, hazards in zip(self.cases, self._hazards(self.background_probability), strict=True):
            for member, exposures in enumerate(case.exposures):
                for exposure in exposures:
                    source, index, tie_strength = exposure
                    expected[source] += self.kernel[index] * tie_strength / sum(hazards)
                    if member == 0:
                        caused[source] += self._influence_hazard([exposure]) / hazards[0]
        for source in group:
            prior_mean = self.group_strength[group[source]]
            self.strength[source] = prior_mean * (2 + caused[source]) / (2 + prior_mean * expected[source])
