"""Experiments in worlds whose true effect is known: `make truth-experiments`.

Each world is simulated once. Its customers with the highest network value so far are the candidates, a play
is done to those whom chance assigns to it, and only what follows from it is simulated again; so the true
effect is the difference of two worlds. That is done again and again with other draws. How often does the
interval of the read-out hold the truth, how far is the estimate off, and what would simpler ways have found?
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.truth.run import dataset_of
from ripple import simulation
from ripple.arrays import Bools, Floats, Ints, sums
from ripple.features.dataset import Dataset
from ripple.training.attribution import network_value
from ripple.training.examples.examples import frame
from ripple.training.experiments.assignment import draw
from ripple.training.experiments.estimation import estimate_effect
from ripple.training.experiments.layout import Layout, Units, layout
from ripple.training.experiments.outcomes import AUDIENCE, OWN, TOTAL, covariates, outcomes
from ripple.training.experiments.population import own_revenue, population
from ripple.training.experiments.power import aa_test, pooled_error
from ripple.training.experiments.sequential import critical_value

CUSTOMERS, MONTHS, DAYS, CANDIDATES = 8000, 36, 90, 250
"""The size of a world, the length of an experiment, and the number of customers who take part."""
HOLDOUT, MOST_PER_UNIT, DRAWS = 0.5, 10, 500
"""Half is held out; candidates of a unit, at most; draws of a randomisation test."""
LENGTH = timedelta(days=DAYS)
START = simulation.END - LENGTH
READ_OUT, NO_COVARIATES, INDIVIDUAL, T_TEST = (
    "read-out",
    "without covariates",
    "each customer a unit",
    "each customer a unit, t-test",
)
"""Ways to assign and to estimate: that of `ripple experiment`, and naive rivals."""
SEED = 7
UNITS: tuple[Units, ...] = ("ego", "customer")
WAYS = (READ_OUT, NO_COVARIATES, INDIVIDUAL, T_TEST)


@dataclass(frozen=True)
class Setting:
    """A world and what is done in it; without a play everything that is found is false."""

    name: str
    world: str
    factors: dict[str, float]

    @property
    def play(self) -> simulation.Play:
        """The play."""
        return simulation.Play(START, float(DAYS), **self.factors)


SETTINGS = (
    Setting("voice × 1.3", "default", {"voice": 1.3}),
    Setting("voice × 1.6", "default", {"voice": 1.6}),
    Setting("voice × 3 where influence is weak", "weak", {"voice": 3.0}),
    Setting("spend × 1.5", "default", {"spend": 1.5}),
    Setting("nothing is done", "default", {}),
    Setting("voice × 3 where nobody influences anybody", "none", {"voice": 3.0}),
)


@dataclass(frozen=True)
class Result:
    """What one experiment finds: the estimate, its bounds, and whether they exclude zero."""

    effect: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Figures:
    """Everything that is measured.

    Attributes:
        rows: by setting, way and outcome; see `summary`.
        layouts: by world, how many take part in how many units, and how much audiences overlap.
        looks: by way, the share of experiments in which nothing was done and a daily look found something.
    """

    rows: list[dict[str, Any]]
    layouts: list[dict[str, Any]]
    looks: dict[str, float]


class Trial:
    """A world with its candidates, in which an experiment can be drawn again and again."""

    def __init__(
        self, world: str, seed: int, customers: int = CUSTOMERS, candidates: int = CANDIDATES
    ) -> None:
        self.history = simulation.simulate_with_truth(world, customers, MONTHS, seed)
        self.seed, self.size = seed, candidates
        self.index = simulation.traits(self.history).index
        with dataset_of(self.history) as (dataset, _):
            self.laid = {units: self._layout(dataset, START, units) for units in UNITS}
            self.before = {
                units: outcomes(
                    dataset, START - LENGTH, START, laid.assignments.index, laid.audience, credited=False
                )
                for units, laid in self.laid.items()
            }
            self.error, self.reach = self._promised_errors(dataset)

    def _layout(self, dataset: Dataset, moment: datetime, units: Units) -> Layout:
        """Candidates by the label of the 180 days before *moment*, in place of predictions."""
        known = dataset.tables.before(moment)
        label = frame(network_value(known, moment - timedelta(days=180), moment, dataset.settings))
        spent = own_revenue(dataset, moment - timedelta(days=180), moment, label.index)
        table = pd.DataFrame({"network_value": label["network_value"], "direct_value": spent})
        best = table.nlargest(self.size, "network_value").sort_index().assign(play="play")
        return layout(population(dataset, moment, best), HOLDOUT, units, MOST_PER_UNIT, self.seed)

    def _promised_errors(self, dataset: Dataset) -> tuple[dict[str, float], dict[str, float]]:
        """By outcome, the standard error by A/A tests on the two windows before, as a design has it, and how
        many of them an interval reaches to each side."""
        tests: dict[str, list[Any]] = {}
        for number in (1, 2):
            start = START - number * LENGTH
            laid = self._layout(dataset, start, "ego")
            table = laid.assignments
            before = outcomes(dataset, start - LENGTH, start, table.index, laid.audience, credited=False)
            after = outcomes(dataset, start, start + LENGTH, table.index, laid.audience, credited=False)
            for outcome in (TOTAL, OWN, AUDIENCE):
                tests.setdefault(outcome, []).append(
                    aa_test(
                        after[outcome].to_numpy(),
                        table["unit"].to_numpy(),
                        table["stratum"].to_numpy(),
                        HOLDOUT,
                        covariates(outcome, before, _expected(laid)),
                        seed=self.seed,
                    )
                )
        units = self.laid["ego"].assignments["unit"].nunique()
        errors = {outcome: pooled_error(found, units) for outcome, found in tests.items()}
        reach = {
            outcome: float(np.mean([test.half_width / test.error for test in found]))
            for outcome, found in tests.items()
        }
        return errors, reach

    def promised_power(self, outcome: str, effect: float) -> float:
        """The power that a design promises for *effect*."""
        freedom = self.laid["ego"].assignments["unit"].nunique() - 2
        z = abs(effect) / self.error[outcome]
        critical = max(critical_value(1.0, freedom), self.reach[outcome])
        return float(stats.t.sf(critical - z, freedom) + stats.t.cdf(-critical - z, freedom))

    @cached_property
    def _positions(self) -> dict[Units, tuple[Ints, Ints, Ints]]:
        """By layout, the customers of the experiment, the members of the audience, and their owners."""
        return {
            units: (
                self.index.get_indexer(laid.assignments.index),
                self.index.get_indexer(pd.Index(laid.audience["customer_id"])),
                laid.assignments.index.get_indexer(pd.Index(laid.audience["owner"])),
            )
            for units, laid in self.laid.items()
        }

    def observed(self, history: simulation.History, units: Units, end: datetime) -> dict[str, Floats]:
        """The outcomes of the customers of the experiment from the start to *end*."""
        spent = np.asarray(simulation.revenue_by_customer(history, START, end), dtype=np.float64)
        customers, members, owners = self._positions[units]
        own = spent[customers]
        reached = sums(owners, spent[members], customers.size)
        return {TOTAL: own + reached, OWN: own, AUDIENCE: reached}

    def treat(
        self, potential: simulation.PotentialOutcomes, units: Units, treated: Bools
    ) -> simulation.History:
        """The world in which the play is done to the customers of this mask over those of the experiment."""
        return potential.treat_ids(list(self.laid[units].assignments.index[treated]))

    def drawn(self, units: Units, seed: int) -> Bools:
        """An assignment of the customers of the experiment."""
        table = self.laid[units].assignments
        _, first, unit = np.unique(table["unit"].to_numpy(), return_index=True, return_inverse=True)
        return draw(table["stratum"].to_numpy()[first], HOLDOUT, seed)[unit]

    def estimate(
        self,
        way: str,
        outcome: str,
        values: Floats,
        treated: Bools,
        fraction: float = 1.0,
        draws: int = DRAWS,
    ) -> Result:
        """What a *way* makes of the outcomes of customers."""
        if way == T_TEST:
            test = stats.ttest_ind(values[treated], values[~treated], equal_var=False)
            low, high = test.confidence_interval(0.95)
            return Result(float(values[treated].mean() - values[~treated].mean()), float(low), float(high))
        units = units_of(way)
        table = self.laid[units].assignments
        found = estimate_effect(
            values,
            treated,
            table["unit"].to_numpy(),
            table["stratum"].to_numpy(),
            None
            if way == NO_COVARIATES
            else covariates(outcome, self.before[units], _expected(self.laid[units])),
            fraction=fraction,
            draws=draws,
        )
        return Result(found.effect, found.low, found.high)


def units_of(way: str) -> Units:
    """The units by which a way assigns."""
    return "customer" if way in (INDIVIDUAL, T_TEST) else "ego"


def _expected(laid: Layout) -> pd.DataFrame:
    table = laid.assignments
    return table.assign(value=table["network_value"] + table["direct_value"])


def run(setting: Setting, trial: Trial, experiments: int) -> Iterator[dict[str, Any]]:
    """A row for each experiment, way and outcome: estimate and bounds, with the true effect beside.

    The truth is what the play adds if it is done to all candidates, per candidate. `added` is the difference
    of the arms in what the play really added, which no table shows: an estimate without noise.
    """
    potential = simulation.PotentialOutcomes.draw(trial.history, setting.play)
    truth, without = {}, {}
    for units in UNITS:
        everybody = np.ones(len(trial.laid[units].assignments), dtype=bool)
        with_play = trial.observed(trial.treat(potential, units, everybody), units, simulation.END)
        without[units] = trial.observed(trial.history, units, simulation.END)
        truth[units] = {name: float((with_play[name] - without[units][name]).mean()) for name in with_play}
    for number in range(experiments):
        observed, treated = {}, {}
        for units in UNITS:
            treated[units] = trial.drawn(units, 1000 * trial.seed + number)
            world = trial.treat(potential, units, treated[units])
            observed[units] = trial.observed(world, units, simulation.END)
        for way in WAYS:
            units = units_of(way)
            arm = treated[units]
            for outcome in (TOTAL, OWN, AUDIENCE) if way == READ_OUT else (TOTAL,):
                values = observed[units][outcome]
                found = trial.estimate(way, outcome, values, arm)
                added = values - without[units][outcome]
                yield {
                    "setting": setting.name,
                    "way": way,
                    "outcome": outcome,
                    "effect": found.effect,
                    "low": found.low,
                    "high": found.high,
                    "added": float(added[arm].mean() - added[~arm].mean()),
                    "truth": truth[units][outcome],
                    "promised": trial.promised_power(outcome, truth[units][outcome]),
                }


def peek(trial: Trial, experiments: int, every: int = 1) -> Iterator[dict[str, Any]]:
    """A row for each experiment in which nothing is done and somebody looks every so many days.

    `read-out` and the t-test say whether any look found an effect, with bounds for looks and without.
    """
    days = range(every, DAYS + 1, every)
    by_day = [trial.observed(trial.history, "ego", START + timedelta(days=day))[TOTAL] for day in days]
    for number in range(experiments):
        arm = trial.drawn("ego", 500_000 + 1000 * trial.seed + number)
        row = {READ_OUT: False, T_TEST: False}
        for day, values in zip(days, by_day, strict=True):
            looked = trial.estimate(READ_OUT, TOTAL, values, arm, day / DAYS, draws=0)
            row[READ_OUT] |= looked.significant
            row[T_TEST] |= trial.estimate(T_TEST, TOTAL, values, arm).significant
        yield row


def figures(experiments: int, peeks: int, **sizes: int) -> Figures:
    """All figures: one world of each kind, and all its experiments."""
    trials: dict[str, Trial] = {}
    rows: list[dict[str, Any]] = []
    for setting in SETTINGS:
        if setting.world not in trials:
            trials[setting.world] = Trial(setting.world, SEED, **sizes)
        trial = trials[setting.world]
        rows += run(setting, trial, experiments)
        print(f"{setting.name}: {experiments} experiments", file=sys.stderr)
    layouts = [
        {
            "world": world,
            "candidates": len(trial.laid["ego"].assignments),
            "units": int(trial.laid["ego"].assignments["unit"].nunique()),
            "audience": len(trial.laid["ego"].audience),
            "overlap": trial.laid["ego"].overlap_units,
            "overlap_customers": trial.laid["customer"].overlap_units,
        }
        for world, trial in trials.items()
    ]
    looks = pd.DataFrame(peek(trials["default"], peeks)).mean()
    return Figures(summary(pd.DataFrame(rows)), layouts, {str(k): float(v) for k, v in looks.items()})


def summary(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """By setting, way and outcome: truth, means of the estimates, and shares of the experiments."""
    rows = rows.assign(
        covered=(rows["low"] <= rows["truth"]) & (rows["truth"] <= rows["high"]),
        significant=(rows["low"] > 0) | (rows["high"] < 0),
        width=rows["high"] - rows["low"],
    )
    columns = ["truth", "effect", "added", "covered", "significant", "promised", "width"]
    means = rows.groupby(["setting", "way", "outcome"], sort=False)[columns].mean()
    counts = rows.groupby(["setting", "way", "outcome"], sort=False).size()
    means["bias"] = means["added"] / means["truth"].where(means["truth"] > 0) - 1
    table = means.assign(experiments=counts).reset_index()
    return [{str(k): None if v != v else v for k, v in row.items()} for row in table.to_dict("records")]
