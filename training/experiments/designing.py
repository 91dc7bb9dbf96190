"""Makes a design: layout, counts, and what the experiment can show by A/A tests on past windows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd

from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.features.expressions import sum_or_zero
from ripple.models.bundle import Bundle
from ripple.progress import stage
from ripple.training.examples.provenance import data_digests
from ripple.training.experiments.design import Design, PlayPlan, Prospect
from ripple.training.experiments.estimation import TooFewUnits
from ripple.training.experiments.layout import TREATMENT, Layout, Units, layout
from ripple.training.experiments.outcomes import (
    ACTIVE,
    EXPECTED,
    OUTCOMES,
    covariates,
    outcomes,
)
from ripple.training.experiments.population import past_candidates, population
from ripple.training.experiments.power import (
    PlaceboTest,
    aa_test,
    customers_needed,
    days_needed,
    error_growth,
    minimum_detectable_effect,
    pooled_error,
)
from ripple.training.insights.plays_log import resting

logger = logging.getLogger(__name__)

MAX_WINDOWS = 2
"""The number of past windows of A/A tests, at most."""
ROUNDING = 1e-9
"""The standard error below which effects of A/A tests differ by rounding alone."""
RANDOMISATION_DRAWS = 300
"""The assignments of the randomisation test in an A/A test."""


@dataclass(frozen=True)
class Plan:
    """What somebody chooses of an experiment.

    Attributes:
        name: its name.
        plays: the plays whose customers take part.
        start: when treatment begins; outcomes count from then.
        days: for how long they count.
        holdout: the share of units that is held out.
        units, most_per_unit: see `layout`.
        costs: by play, the cost per treated customer, as far as known.
        seed: of all draws.
    """

    name: str
    plays: Sequence[str]
    start: datetime
    days: int
    holdout: float
    units: Units
    most_per_unit: int
    costs: Mapping[str, float]
    seed: int


def make_design(
    dataset: Dataset, as_of: datetime, bundle: Bundle, version: str, listed: pd.DataFrame, plan: Plan
) -> tuple[Design, Layout]:
    """Lay out an experiment on what was known at *as_of*, and find what it can show.

    Args:
        dataset: the data.
        as_of: the end of what is known.
        bundle: the model whose scores chose the customers, for those of past windows.
        version: the number of its version.
        listed: the plays of customers as the version's run keeps them, by customer_id: `play`,
            `network_value` and `direct_value` over the horizon of the settings.
        plan: what was chosen.

    Raises:
        InputError: nobody has one of the plays, or an arm would have fewer than two units.
    """
    known = dataset.limited_to(as_of)
    candidates = listed[listed["play"].isin(plan.plays)]
    for play in plan.plays:
        if play not in set(listed["play"]):
            raise InputError(
                f"--play {play}: nobody has this play in version {version}; its plays are "
                f"{', '.join(listed['play'].unique())}."
            )
    rests = candidates.index.isin(resting(known, plan.start))
    laid = layout(
        population(known, as_of, candidates[~rests]), plan.holdout, plan.units, plan.most_per_unit, plan.seed
    )
    tests, windows = _placebo_tests(known, as_of, bundle, plan)
    design = Design(
        name=plan.name,
        as_of=as_of,
        start=plan.start,
        end=plan.start + timedelta(days=plan.days),
        currency=dataset.settings.currency,
        plays={play: _play_plan(known, play, laid.assignments, tests, plan) for play in plan.plays},
        holdout=plan.holdout,
        units=plan.units,
        most_per_unit=plan.most_per_unit,
        seed=plan.seed,
        model=version,
        data=data_digests(known),
        margin_share=margin_share(known),
        outcomes=OUTCOMES,
        overlap_customers=laid.overlap_customers,
        overlap_units=laid.overlap_units,
        overlap_arms=laid.overlap_arms,
        left_out=laid.left_out,
        resting=int(rests.sum()),
        windows=tuple(windows),
    )
    return design, laid


def margin_share(dataset: Dataset) -> float | None:
    """Margin ÷ revenue of all orders with a margin, or what the settings say; None where neither does."""
    orders = dataset.tables["orders"]
    if "margin" not in orders.columns:
        return dataset.settings.plays.margin_share
    known = orders.filter(orders.margin.notnull())
    sums = known.aggregate(margin=sum_or_zero(known.margin), revenue=sum_or_zero(known.revenue))
    row = sums.to_pyarrow().to_pylist()[0]
    return (
        float(row["margin"] / row["revenue"]) if row["revenue"] > 0 else dataset.settings.plays.margin_share
    )


Tests = dict[tuple[str, str], list[PlaceboTest]]
"""By play and outcome, A/A tests, one per window; the outcome ``half …`` is that of half the days."""
HALF = "half of "


def _placebo_tests(
    dataset: Dataset, as_of: datetime, bundle: Bundle, plan: Plan
) -> tuple[Tests, list[datetime]]:
    """A/A tests on the newest closed windows that are as long as the experiment and have as long a past."""
    length = timedelta(days=plan.days)
    first = dataset.tables["orders"].ordered_at.min().to_pyarrow().as_py()
    tests: Tests = {}
    windows = []
    for number in range(1, MAX_WINDOWS + 1):
        start = as_of - number * length
        if first is None or start - length < first:
            break
        logger.info(
            f"A/A tests on {start:%Y-%m-%d} to {start + length:%Y-%m-%d}",
            extra=stage("A/A tests", number - 1, MAX_WINDOWS),
        )
        past = dataset.limited_to(start + length)
        try:
            laid = layout(
                population(past, start, past_candidates(past, start, bundle, list(plan.plays))),
                plan.holdout,
                plan.units,
                plan.most_per_unit,
                plan.seed,
            )
        except InputError as error:
            logger.info(f"no A/A tests on this window: {error}")
            continue
        windows.append(start)
        _test_window(past, start, length, laid, plan, tests)
    return tests, windows


def _test_window(
    dataset: Dataset, start: datetime, length: timedelta, laid: Layout, plan: Plan, tests: Tests
) -> None:
    table = laid.assignments
    before = outcomes(dataset, start - length, start, table.index, laid.audience, credited=False)
    half = outcomes(dataset, start, start + length / 2, table.index, laid.audience, credited=False)
    after = outcomes(dataset, start, start + length, table.index, laid.audience)
    expected = table.assign(value=table["network_value"] + table["direct_value"])
    for play in plan.plays:
        rows = (table["play"] == play).to_numpy()
        for prefix, observed in (("", after), (HALF, half)):
            for name in observed:
                try:
                    test = aa_test(
                        observed[name].to_numpy()[rows],
                        table["unit"].to_numpy()[rows],
                        table["stratum"].to_numpy()[rows],
                        plan.holdout,
                        covariates(str(name), before[rows], expected[rows]),
                        randomisation_draws=0 if prefix else RANDOMISATION_DRAWS,
                        seed=plan.seed,
                    )
                except TooFewUnits:
                    continue
                tests.setdefault((play, f"{prefix}{name}"), []).append(test)


def _play_plan(dataset: Dataset, play: str, assignments: pd.DataFrame, tests: Tests, plan: Plan) -> PlayPlan:
    rows = assignments[assignments["play"] == play]
    treated = rows["arm"] == TREATMENT
    share = plan.days / dataset.settings.horizon_days
    expected = {
        "network_value": rows["network_value"].mean() * share,
        "direct_value": rows["direct_value"].mean() * share,
    }
    expected["value"] = expected["network_value"] + expected["direct_value"]
    counts = {
        "treated": int(treated.sum()),
        "held": int((~treated).sum()),
        "treated_units": rows["unit"][treated].nunique(),
        "held_units": rows["unit"][~treated].nunique(),
    }
    prospects = {}
    for name in OUTCOMES:
        # activity is a share, of which nothing is expected in money
        worth = 1.0 if name == ACTIVE else float(expected[EXPECTED[name]])
        wanted = dataset.settings.plays.effect * worth
        found = tests.get((play, name), [])
        half = tests.get((play, HALF + name), [])
        prospects[name] = _prospect(wanted, found, half, counts, plan.days)
    return PlayPlan(
        **counts, value=round(expected["value"], 2), cost=plan.costs.get(play), prospects=prospects
    )


def _prospect(
    wanted: float, found: list[PlaceboTest], half: list[PlaceboTest], counts: Mapping[str, int], days: int
) -> Prospect:
    units = counts["treated_units"] + counts["held_units"]
    if not found or min(counts["treated_units"], counts["held_units"]) < 2:
        return Prospect(wanted=round(wanted, 4))
    error = pooled_error(found, units)
    if error < ROUNDING:
        # all customers had the same outcome, which says nothing about those of the experiment
        return Prospect(wanted=round(wanted, 4))
    reach = float(np.mean([test.half_width / test.error for test in found if test.error >= ROUNDING]))
    detectable = minimum_detectable_effect(error, units, reach)
    growth = error_growth(pooled_error(half, units), error) if half else 0.5
    return Prospect(
        wanted=round(wanted, 4),
        detectable=round(detectable, 4),
        error=round(error, 4),
        false_positives=float(np.mean([test.false_positives for test in found])),
        customers=customers_needed(counts["treated"] + counts["held"], detectable, wanted),
        days=days_needed(days, detectable, wanted, growth),
    )
