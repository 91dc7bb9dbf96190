"""Who caused which adoption: a mixture of what would have happened anyway and of earlier adopters' influence.

The hazard of customer v adopting product p on day t is h0 + Σ_u κ_u·g(age)·√tie: a baseline and one term for
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

from ripple.arrays import Bools, Floats, Ints, sums
from ripple.settings import Settings
from ripple.training.attribution.adoptions import Events
from ripple.training.attribution.baseline_hazard import Affinity, Rates, Sets, controls, relative_risk
from ripple.training.attribution.exposures import BINS, Exposures, Points, exposures

ROUNDS, ROUNDS_WITH_STRENGTH, STEPS = 8, 3, 10
FIRST_KERNEL = 1e-3
PRIOR_STRENGTH = 2.0
"""Adoptions' worth of belief that a source is as strong as others of like reach, and that these are as strong
as everybody: shrinks one lucky hit, however strong they are."""
GROUPS = 10
"""Of sources by reach. Who reaches many may be stronger, or weaker, with each of them."""
ROUNDING = 1e-3
"""A log-likelihood that differs by less does not differ."""
MOST_FITTED = 50_000
"""What all adoptions share is estimated from this many, drawn at random where there are more."""


@dataclass(frozen=True)
class Causes:
    """One entry per adoption in the window and earlier adopter who may have caused it."""

    effect: Ints
    """Position among all adoptions."""
    source: Ints
    """Customer."""
    probability: Floats
    loss: Floats
    """Share of the effect's value that would be missing without the source, rather than come later."""

    def where(self, kept: Bools) -> Causes:
        """Only those for which *kept* is true."""
        return Causes(self.effect[kept], self.source[kept], self.probability[kept], self.loss[kept])


def causes(
    contacts: ir.Table, events: Events, stratum: Ints, settings: Settings, late: bool = False
) -> Causes:
    """The possible causes of each adoption in the window; their probabilities add up to at most 1.

    Args:
        stratum: of each customer; adopters are compared inside it.
        late: ask of those first in touch only after the adoption, who can have caused nothing.
    """
    if not np.any(np.bincount(events.adoptions.product) > 1):
        # no product has two adopters, so nobody can have moved anybody
        nobody, nothing = np.empty(0, dtype=np.int64), np.empty(0)
        return Causes(nobody, nobody, nothing, nothing)
    mixture = Mixture(contacts, events, stratum, settings, late)
    alone = np.ones(events.cases.size)
    for _ in range(ROUNDS):
        alone = mixture.improve(alone)
    if mixture.matters(alone):
        for _ in range(ROUNDS_WITH_STRENGTH):
            mixture.weigh_sources(alone)
            alone = mixture.improve(alone)
    else:
        mixture.kernel[:] = 0.0
    return mixture.causes(alone)


class Mixture:
    """The state of the estimation: `kernel` per day and √tie by bin of age, `strength` of each source.

    `usual` is the strength of the sources of each group by reach, were all of them equally strong.
    """

    def __init__(
        self, contacts: ir.Table, events: Events, stratum: Ints, settings: Settings, late: bool
    ) -> None:
        self.events, self.credit, self.cases = events, settings.credit, events.cases
        rng = np.random.default_rng(settings.seed)
        self.sets = sets = controls(events, stratum, self.credit.controls, rng)
        adoptions = events.adoptions
        customer, product = adoptions.customer[self.cases], adoptions.product[self.cases]
        self.day = adoptions.at[self.cases]
        points = Points(
            np.concatenate((customer, sets.control)),
            np.concatenate((product, product[sets.case])),
            np.concatenate((self.day, self.day[sets.case])),
        )
        exposed = exposures(contacts, events, points, self.credit, late)
        size = points.day.size
        self.of_cases = exposed.at(np.arange(self.cases.size), size)
        self.of_controls = exposed.at(np.arange(self.cases.size, size), size)
        self.rates = Rates(events, stratum, self.credit.bandwidth_days)
        self.kernel, self.strength = np.full(BINS, FIRST_KERNEL), np.ones(events.customers)
        self.reach, self.usual = _reach(contacts, events.customers), np.ones(GROUPS)
        self.fit = Fit.of(sets, rng)
        self.fitted_cases = self.of_cases.at(self.fit.cases, self.cases.size)
        self.fitted_controls = self.of_controls.at(self.fit.controls, sets.case.size)
        self.affinity = None
        if self.credit.by_model:
            ratios = Affinity(events)(points.customer, points.product)
            self.affinity = ratios[: self.cases.size], ratios[self.cases.size :]
            self.coefficients = np.zeros(ratios.shape[1])

    def improve(self, alone: Floats) -> Floats:
        """One round, given the probability that each adoption came of itself; returns it anew."""
        baseline, of_controls = self._baseline(alone)
        self.kernel = self._improved(
            self.kernel, lambda met: (met.bin, met.mass * self.strength[met.source]), baseline, of_controls
        )
        return baseline / (baseline + self._pull(self.of_cases, self.cases.size))

    def matters(self, alone: Floats) -> bool:
        """Whether influence makes any difference to how likely the adopters were among those compared.

        Where everybody is exposed alike it makes none, and the kernel, anybody's guess, stays as it began.
        """
        with_influence = self._likelihood(*self._baseline(alone), self.kernel)
        without = self._likelihood(*self._baseline(np.ones_like(alone)), np.zeros(BINS))
        return abs(with_influence - without) > ROUNDING

    def weigh_sources(self, alone: Floats) -> None:
        """Adoptions each source caused ÷ those expected of it, shrunk to what is usual for like reach.

        The usual takes many steps: one goes but a little way where most adoptions came of themselves.
        """
        baseline, of_controls = self._baseline(alone)
        self.usual = self._improved(
            self.usual,
            lambda met: (self.reach[met.source], met.mass * self.kernel[met.bin]),
            baseline,
            of_controls,
            PRIOR_STRENGTH,
        )
        of_case, of_set = self._hazards(baseline, of_controls)
        expected = np.zeros(self.events.customers)
        for exposed, total in ((self.of_cases, of_set), (self.of_controls, of_set[self.sets.case])):
            pull = self.kernel[exposed.bin] * exposed.mass
            expected += sums(exposed.source, pull / total[exposed.point], expected.size)
        share = self._pulls(self.of_cases, self.kernel) / of_case[self.of_cases.point]
        caused = sums(self.of_cases.source, share, expected.size)
        usual = self.usual[self.reach]
        self.strength = usual * (PRIOR_STRENGTH + caused) / (PRIOR_STRENGTH + usual * expected)

    def causes(self, alone: Floats) -> Causes:
        """The share of each source in the hazard of each adoption."""
        hazard, _ = self._hazards(*self._baseline(alone))
        of_cases = self.of_cases
        pull = self._pulls(of_cases, self.kernel)
        whole = hazard[of_cases.point]
        remaining = (whole - pull) * (self.events.days - self.day[of_cases.point])
        loss = _would_be_missing(remaining) if self.credit.expansion else np.ones_like(pull)
        kept = (pull > 0) & (self.day[of_cases.point] > 0)
        effect = self.cases[of_cases.point]
        return Causes(effect, of_cases.source, pull / whole, loss).where(kept)

    def _baseline(self, alone: Floats) -> tuple[Floats, Floats]:
        """Hazard without influence of the cases and of their controls."""
        rate = self.rates(alone)
        if self.affinity is None:
            return rate, rate[self.sets.case]
        of_cases, of_controls = self.affinity
        fit = self.fit
        self.coefficients = relative_risk(
            of_cases[fit.cases], of_controls[fit.controls], fit.case_of, alone[fit.cases], self.coefficients
        )
        risk, others = np.exp(of_cases @ self.coefficients), np.exp(of_controls @ self.coefficients)
        number = np.bincount(self.sets.case, minlength=risk.size)
        mean = sums(self.sets.case, others, risk.size) / np.maximum(number, 1)
        mean = np.where(self.sets.used, mean, risk)
        return rate * risk / mean, (rate / mean)[self.sets.case] * others

    def _improved(
        self,
        factor: Floats,
        parts: Callable[[Exposures], tuple[Ints, Floats]],
        baseline: Floats,
        of_controls: Floats,
        prior: float = 0.0,
    ) -> Floats:
        """*factor* of each part of influence after some minorise–maximise steps; it stays non-negative.

        Args:
            parts: the part that each exposure belongs to, and the hazard it adds at a factor of 1.
            prior: adoptions' worth of belief that a factor is 1.
        """
        fit, size = self.fit, factor.size
        own = _by_part(self.fitted_cases.point, *parts(self.fitted_cases), (fit.cases.size, size))
        others = _by_part(self.fitted_controls.point, *parts(self.fitted_controls), (fit.controls.size, size))
        in_set = own + np.stack([sums(fit.case_of, column, fit.cases.size) for column in others.T], axis=1)
        alone = baseline[fit.cases]
        set_alone = alone + sums(fit.case_of, of_controls[fit.controls], fit.cases.size)
        for _ in range(STEPS):
            gained = prior + factor * (own / (alone + own @ factor)[:, None]).sum(axis=0)
            expected = prior + (in_set / (set_alone + in_set @ factor)[:, None]).sum(axis=0)
            factor = np.divide(gained, expected, out=np.zeros(size), where=expected > 0)
        return factor

    def _likelihood(self, baseline: Floats, of_controls: Floats, kernel: Floats) -> float:
        """Log of the probability that of each set the adopter is the one who adopted."""
        of_case, of_set = self._hazards(baseline, of_controls, kernel)
        return float((np.log(of_case) - np.log(of_set))[self.fit.cases].sum())

    def _hazards(
        self, baseline: Floats, of_controls: Floats, kernel: Floats | None = None
    ) -> tuple[Floats, Floats]:
        """Hazard of each case, and of it and its controls together."""
        of_case = baseline + self._pull(self.of_cases, baseline.size, kernel)
        other = of_controls + self._pull(self.of_controls, of_controls.size, kernel)
        return of_case, of_case + sums(self.sets.case, other, of_case.size)

    def _pull(self, exposed: Exposures, size: int, kernel: Floats | None = None) -> Floats:
        """Hazard that influence adds at each of *size* points."""
        return sums(exposed.point, self._pulls(exposed, self.kernel if kernel is None else kernel), size)

    def _pulls(self, exposed: Exposures, kernel: Floats) -> Floats:
        """Hazard that each source adds."""
        return kernel[exposed.bin] * exposed.mass * self.strength[exposed.source]


@dataclass(frozen=True)
class Fit:
    """The sets from which is estimated what all adoptions share: all that are used, or a sample."""

    cases: Ints
    controls: Ints
    """Rows of the sets that belong to them."""
    case_of: Ints
    """For each of those rows, the place in `cases`."""

    @classmethod
    def of(cls, sets: Sets, rng: np.random.Generator) -> Fit:
        """Of all sets that are used."""
        cases = np.flatnonzero(sets.used)
        if cases.size > MOST_FITTED:
            cases = np.sort(rng.choice(cases, MOST_FITTED, replace=False))
        position = np.full(sets.used.size, -1)
        position[cases] = np.arange(cases.size)
        rows = np.flatnonzero(position[sets.case] >= 0)
        return cls(cases, rows, position[sets.case[rows]])


def _by_part(point: Ints, part: Ints, hazard: Floats, shape: tuple[int, int]) -> Floats:
    """Hazard added at each point (first axis) by each part of influence."""
    return sums(point * shape[1] + part, hazard, shape[0] * shape[1]).reshape(shape)


def _reach(contacts: ir.Table, customers: int) -> Ints:
    """Group of each customer by how many others they have been in touch with; equal numbers go together."""
    rows = contacts.group_by("source").aggregate(targets=contacts.target.nunique()).to_pyarrow()
    targets = np.zeros(customers)
    targets[rows["source"].to_numpy()] = rows["targets"].to_numpy()
    return np.minimum(rankdata(targets, "average") * GROUPS / (customers + 1), GROUPS - 1).astype(np.int64)


def _would_be_missing(expected: Floats) -> Floats:
    """(1 − e^−x)/x: of what follows an adoption up to the end of the window, the share lost without a cause.

    The adoption would have come later, at the remaining hazard times the rest of the window *expected* times
    (Libai, Muller & Peres 2013: expansion against acceleration).
    """
    return np.where(expected > 1e-9, -np.expm1(-expected) / np.maximum(expected, 1e-9), 1.0)
