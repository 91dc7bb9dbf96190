"""The causes of each adoption: its hazard, shared among the background and earlier adopters' influence.

The hazard of customer v adopting product p on day t is h₀ + Σ_u κ_u·g(age)·√tie: a baseline and one term for
every earlier adopter u in touch with v (an additive hazard, Aalen 1989; Lin & Ying 1994). Each adopter is
compared with others of the stratum at risk of p on the same day, so that whatever moves the whole stratum
on that day cancels out. The kernel g, in bins of age, and the strength κ_u of sources, as a group of like
reach and then each by itself, maximise the matched likelihood by minorise–maximise steps, in turn with the
baseline: expectation–maximisation as for self-exciting processes (Veen & Schoenberg 2008). The probability
that u was the cause is its share of the hazard.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
from scipy.stats import rankdata
from threadpoolctl import threadpool_limits

from ripple.arrays import Bools, Floats, Ints, sums
from ripple.settings import Credit, Settings
from ripple.training.attribution.adoptions import AdoptionHistory
from ripple.training.attribution.affinity import Affinity, fit_conditional_logit, tenure_indicators
from ripple.training.attribution.baseline_hazard import LeaveOneOutRates
from ripple.training.attribution.case_control import CaseControlSets, sample_controls
from ripple.training.attribution.exposures import (
    AGE_BINS,
    Exposures,
    Subjects,
    age_edges,
    find_exposures,
)

EM_ROUNDS, STRENGTH_ROUNDS, MM_STEPS = 8, 3, 10
"""The numbers of rounds of expectation–maximisation with sources of equal strength, of further rounds with a
strength each, and of minorise–maximise steps inside a round."""
INITIAL_KERNEL = 1e-3
"""The kernel, per day and √tie, from which the estimation starts."""
STRENGTH_PRIOR = 2.0
"""The number of adoptions, caused as often as expected, that shrinks the strength of a source to that of its
group, and that of a group to 1."""
REACH_GROUPS = 10
"""The number of groups of sources by reach: a source that reaches many may move each more, or less."""
MIN_LOG_LIKELIHOOD_GAIN = 1e-3
"""The difference in log-likelihood up to which two models are taken to fit alike."""
MAX_ESTIMATION_SETS = 50_000
"""The number of case–control sets from which common parameters are estimated, drawn at random from more."""


@dataclass(frozen=True)
class Attributions:
    """One entry per adoption in the window and earlier adopter who may have caused it."""

    adoption: Ints
    """Index of the adoption, the effect, among all adoptions."""
    source: Ints
    """The customer who may be the cause."""
    probability: Floats
    """That the source was the cause; they add up to at most 1 per adoption."""
    incremental_share: Floats
    """Share of the adoption's value that would be missing without the source, rather than come later."""

    def where(self, mask: Bools) -> Attributions:
        """The entries for which *mask* is true."""
        return Attributions(
            self.adoption[mask], self.source[mask], self.probability[mask], self.incremental_share[mask]
        )


def attribute_adoptions(
    contacts: ir.Table, history: AdoptionHistory, stratum: Ints, settings: Settings, late_ties: bool = False
) -> Attributions:
    """The possible causes of each adoption in the window, and their probabilities.

    Args:
        stratum: of each customer; adopters are compared inside it.
        late_ties: a placebo, which takes those first in touch only after the adoption.
    """
    if not np.any(np.bincount(history.adoptions.product) > 1):
        # no product has two adopters, so nobody can have caused an adoption
        no_index, no_number = np.empty(0, dtype=np.int64), np.empty(0)
        return Attributions(no_index, no_index, no_number, no_number)
    # products of narrow matrices: several threads take longer, and round otherwise
    with threadpool_limits(1, user_api="blas"):
        model = InfluenceModel(contacts, history, stratum, settings, late_ties)
        background_probability = np.ones(history.cases.size)
        for _ in range(EM_ROUNDS):
            background_probability = model.em_step(background_probability)
        if model.is_identified(background_probability):
            for _ in range(STRENGTH_ROUNDS):
                model.update_strengths(background_probability)
                background_probability = model.em_step(background_probability)
        else:
            model.kernel[:] = 0.0
        return model.attributions(background_probability)


ExposureSearch = Callable[[ir.Table, AdoptionHistory, Subjects, Credit, bool], Exposures]
"""What finds the exposures of subjects; see `exposures.find_exposures`."""


class InfluenceModel:
    """The additive hazard and its parameters as they stand in the estimation.

    Attributes:
        kernel: hazard per day and √tie by bin of age, of a source of strength 1.
        strength: of each source.
        group_strength: of the sources of each group by reach, were all of them equally strong.
        coefficients: of the covariates of `Affinity`, where the baseline has a model of who adopts.
    """

    def __init__(
        self,
        contacts: ir.Table,
        history: AdoptionHistory,
        stratum: Ints,
        settings: Settings,
        late_ties: bool = False,
        search: ExposureSearch = find_exposures,
        bins: int = AGE_BINS,
    ) -> None:
        self.history, self.credit, self.cases = history, settings.credit, history.cases
        rng = np.random.default_rng(settings.seed)
        self.sets = sets = sample_controls(history, stratum, self.credit.controls, rng)
        adoptions = history.adoptions
        customer, product = adoptions.customer[self.cases], adoptions.product[self.cases]
        self.day = adoptions.day[self.cases]
        subjects = Subjects(
            np.concatenate((customer, sets.control)),
            np.concatenate((product, product[sets.case])),
            np.concatenate((self.day, self.day[sets.case])),
        )
        exposures = search(contacts, history, subjects, self.credit, late_ties)
        size = subjects.day.size
        self.of_cases = exposures.of_subjects(np.arange(self.cases.size), size)
        self.of_controls = exposures.of_subjects(np.arange(self.cases.size, size), size)
        self.rates = LeaveOneOutRates(history, stratum, self.credit.bandwidth_days)
        self.kernel = np.full(bins, INITIAL_KERNEL)
        self.strength = np.ones(history.customer_count)
        self.reach_group = _reach_group(contacts, history.customer_count)
        self.group_strength = np.ones(REACH_GROUPS)
        self.sample = EstimationSample.of(sets, rng)
        self.of_sample_cases = self.of_cases.of_subjects(self.sample.cases, self.cases.size)
        self.of_sample_controls = self.of_controls.of_subjects(self.sample.controls, sets.case.size)
        self.covariates = None
        if self.credit.by_model:
            covariates = Affinity(history).covariates(subjects.customer, subjects.product)
            if history.outcome.by_tenure:
                tenure = subjects.day - history.joined[subjects.customer]
                covariates = np.hstack([covariates, tenure_indicators(tenure, age_edges(self.credit))])
            self.covariates = covariates[: self.cases.size], covariates[self.cases.size :]
            self.coefficients = np.zeros(covariates.shape[1])

    def em_step(self, background_probability: Floats) -> Floats:
        """Update baseline and kernel, and return the background probability of each case under them."""
        baseline, of_controls = self._baseline_hazards(background_probability)
        self.kernel = self._mm_steps(
            self.kernel,
            lambda exposures: (exposures.age_bin, exposures.tie_strength * self.strength[exposures.source]),
            baseline,
            of_controls,
        )
        return baseline / (baseline + self._influence_hazard(self.of_cases, self.cases.size))

    def is_identified(self, background_probability: Floats) -> bool:
        """Whether influence changes how likely the adopters were among those they are compared with.

        Where everybody is exposed alike it does not, and the kernel stays at its arbitrary initial value.
        """
        fitted = self._log_likelihood(*self._baseline_hazards(background_probability), self.kernel)
        without = self._log_likelihood(
            *self._baseline_hazards(np.ones_like(background_probability)), np.zeros(self.kernel.size)
        )
        return abs(fitted - without) > MIN_LOG_LIKELIHOOD_GAIN

    def update_strengths(self, background_probability: Floats) -> None:
        """Adoptions that each source caused ÷ those expected of it, shrunk to the strength of its group.

        The group's strength takes many steps: one changes it little where most adoptions are background.
        """
        baseline, of_controls = self._baseline_hazards(background_probability)
        self.group_strength = self._mm_steps(
            self.group_strength,
            lambda exposures: (
                self.reach_group[exposures.source],
                exposures.tie_strength * self.kernel[exposures.age_bin],
            ),
            baseline,
            of_controls,
            STRENGTH_PRIOR,
        )
        case_hazard, set_hazard = self._hazards(baseline, of_controls)
        expected = np.zeros(self.history.customer_count)
        for exposures, total in (
            (self.of_cases, set_hazard),
            (self.of_controls, set_hazard[self.sets.case]),
        ):
            unit_hazard = self.kernel[exposures.age_bin] * exposures.tie_strength
            expected += sums(exposures.source, unit_hazard / total[exposures.subject], expected.size)
        share = self._source_hazards(self.of_cases, self.kernel) / case_hazard[self.of_cases.subject]
        caused = sums(self.of_cases.source, share, expected.size)
        prior_mean = self.group_strength[self.reach_group]
        self.strength = prior_mean * (STRENGTH_PRIOR + caused) / (STRENGTH_PRIOR + prior_mean * expected)

    def shares(self, background_probability: Floats) -> Floats:
        """The share of each exposure of a case in the hazard of its adoption."""
        case_hazard, _ = self._hazards(*self._baseline_hazards(background_probability))
        return self._source_hazards(self.of_cases, self.kernel) / case_hazard[self.of_cases.subject]

    def attributions(self, background_probability: Floats) -> Attributions:
        """The share of each source in the hazard of each adoption in the window."""
        case_hazard, _ = self._hazards(*self._baseline_hazards(background_probability))
        exposures = self.of_cases
        source_hazard = self._source_hazards(exposures, self.kernel)
        hazard = case_hazard[exposures.subject]
        day = self.day[exposures.subject]
        cumulative_hazard = (hazard - source_hazard) * (self.history.window_length - day)
        share = np.ones_like(source_hazard)
        if self.credit.expansion:
            share = incremental_share(cumulative_hazard, self.history.outcome.counted)
        adoption = self.cases[exposures.subject]
        return Attributions(adoption, exposures.source, source_hazard / hazard, share).where(
            (source_hazard > 0) & (day > 0)
        )

    def _baseline_hazards(self, background_probability: Floats) -> tuple[Floats, Floats]:
        """Hazard without influence, of the cases and of their controls."""
        rate = self.rates.at_cases(background_probability)
        if self.covariates is None:
            return rate, rate[self.sets.case]
        of_cases, of_controls = self.covariates
        sample = self.sample
        self.coefficients = fit_conditional_logit(
            of_cases[sample.cases],
            of_controls[sample.controls],
            sample.case_of,
            background_probability[sample.cases],
            self.coefficients,
        )
        case_risk = np.exp(of_cases @ self.coefficients)
        control_risk = np.exp(of_controls @ self.coefficients)
        controls = np.bincount(self.sets.case, minlength=case_risk.size)
        mean_risk = sums(self.sets.case, control_risk, case_risk.size) / np.maximum(controls, 1)
        mean_risk = np.where(self.sets.informative, mean_risk, case_risk)
        return rate * case_risk / mean_risk, (rate / mean_risk)[self.sets.case] * control_risk

    def _mm_steps(
        self,
        factors: Floats,
        components: Callable[[Exposures], tuple[Ints, Floats]],
        baseline: Floats,
        of_controls: Floats,
        prior: float = 0.0,
    ) -> Floats:
        """*factors* of the components of influence after some minorise–maximise steps; never negative.

        Args:
            components: the component of each exposure, and the hazard it adds at a factor of 1.
            prior: number of adoptions, caused as often as expected, that shrinks each factor to 1.
        """
        sample, size = self.sample, factors.size
        sets = sample.cases.size
        of_case = _component_hazards(self.of_sample_cases, components, (sets, size))
        others = _component_hazards(self.of_sample_controls, components, (sample.controls.size, size))
        of_set = of_case + np.stack([sums(sample.case_of, column, sets) for column in others.T], axis=1)
        case_baseline = baseline[sample.cases]
        set_baseline = case_baseline + sums(sample.case_of, of_controls[sample.controls], sets)
        for _ in range(MM_STEPS):
            caused = prior + factors * (of_case / (case_baseline + of_case @ factors)[:, None]).sum(axis=0)
            expected = prior + (of_set / (set_baseline + of_set @ factors)[:, None]).sum(axis=0)
            factors = np.divide(caused, expected, out=np.zeros(size), where=expected > 0)
        return factors

    def _log_likelihood(self, baseline: Floats, of_controls: Floats, kernel: Floats) -> float:
        """Log of the probability that of each set the case is the one who adopted."""
        case_hazard, set_hazard = self._hazards(baseline, of_controls, kernel)
        return float((np.log(case_hazard) - np.log(set_hazard))[self.sample.cases].sum())

    def _hazards(
        self, baseline: Floats, of_controls: Floats, kernel: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Hazard of each case, and of it and its controls together."""
        of_cases = baseline + self._influence_hazard(self.of_cases, baseline.size, kernel)
        of_others = of_controls + self._influence_hazard(self.of_controls, of_controls.size, kernel)
        return of_cases, of_cases + sums(self.sets.case, of_others, of_cases.size)

    def _influence_hazard(self, exposures: Exposures, size: int, kernel: Floats | None = None) -> Floats:
        """Hazard that all sources together add for each of *size* subjects."""
        kernel = self.kernel if kernel is None else kernel
        return sums(exposures.subject, self._source_hazards(exposures, kernel), size)

    def _source_hazards(self, exposures: Exposures, kernel: Floats) -> Floats:
        """Hazard that each exposure adds."""
        return kernel[exposures.age_bin] * exposures.tie_strength * self.strength[exposures.source]


@dataclass(frozen=True)
class EstimationSample:
    """The informative sets, or a sample of them, from which the parameters common to all are estimated."""

    cases: Ints
    """Indices among the cases."""
    controls: Ints
    """Indices of their entries in the case–control sets."""
    case_of: Ints
    """The index in `cases` of the case of each of `controls`."""

    @classmethod
    def of(cls, sets: CaseControlSets, rng: np.random.Generator) -> EstimationSample:
        """Draw at most `MAX_ESTIMATION_SETS` of the informative sets."""
        cases = np.flatnonzero(sets.informative)
        if cases.size > MAX_ESTIMATION_SETS:
            cases = np.sort(rng.choice(cases, MAX_ESTIMATION_SETS, replace=False))
        index = np.full(sets.informative.size, -1)
        index[cases] = np.arange(cases.size)
        controls = np.flatnonzero(index[sets.case] >= 0)
        return cls(cases, controls, index[sets.case[controls]])


def incremental_share(cumulative_hazard: Floats, counted: bool = False) -> Floats:
    """Share of what follows an adoption in the window that would be missing without its cause: (1 − e^−x)/x.

    The rest would have come later (expansion against acceleration, Libai, Muller & Peres 2013). Of a count of
    adoptions it is e^−x, the probability that the adoption would not have come by the end of the window.

    Args:
        cumulative_hazard: x, the hazard without the cause × the days from the adoption to the window's end.
        counted: whether adoptions are counted, rather than what follows them over the rest of the window.
    """
    x = cumulative_hazard
    if counted:
        return np.exp(-x)
    return np.where(x > 1e-9, -np.expm1(-x) / np.maximum(x, 1e-9), 1.0)


def _component_hazards(
    exposures: Exposures, components: Callable[[Exposures], tuple[Ints, Floats]], shape: tuple[int, int]
) -> Floats:
    """Hazard added for each subject (first axis) by each component of influence (second axis)."""
    component, hazard = components(exposures)
    return sums(exposures.subject * shape[1] + component, hazard, shape[0] * shape[1]).reshape(shape)


def _reach_group(contacts: ir.Table, customers: int) -> Ints:
    """Group of each customer by how many others they have been in touch with; ties share the mean rank."""
    rows = contacts.group_by("source").aggregate(targets=contacts.target.nunique()).to_pyarrow()
    reach = np.zeros(customers)
    reach[rows["source"].to_numpy()] = rows["targets"].to_numpy()
    group = rankdata(reach, "average") * REACH_GROUPS / (customers + 1)
    return np.minimum(group, REACH_GROUPS - 1).astype(np.int64)
