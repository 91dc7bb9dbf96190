"""The goals set for each world, and what was reached."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from benchmarks.truth.figures import TRUTH, Figures, Runs, bias, mean
from benchmarks.truth.first_uses import LABEL as FIRST_USES_LABEL
from benchmarks.truth.forecast import CEILING, ORACLES, WITH_TRAITS, lead_interval
from benchmarks.truth.rivals import DECAYED, LABEL
from ripple.training.evaluation.cutoff_evaluation import MODEL

MAX_FALSE_CREDIT = 0.03
"""The largest share of revenue that may be credited where nobody influences anybody."""
MIN_CAPTURE = {"weak": 0.80, "default": 0.90, "strong": 0.88, "misspecified": 0.80}
"""The least capture of the label, of the worlds that have goals for the forecast too."""
MIN_LEAD = 0.05
"""The least lead in capture over time-decayed credit."""
TOTAL_RATIO = {
    "weak": (0.6, 1.6),
    "default": (0.75, 1.25),
    "strong": (0.75, 1.25),
    "misspecified": (0.6, 1.6),
}
"""The range of the label's total ÷ the truth's."""
REFERRAL_RATIO = (0.95, 1.05)
"""The range of the label's referral value ÷ the recorded."""
SIGNIFICANT_LEAD = ("weak", "default", "strong")
"""The worlds in which the whole interval of the forecast's lead has to be above 0."""
MIN_CEILING_SHARE = 0.92
"""The least capture of the forecast ÷ that of a model that knows more."""
MIN_NEWCOMER_RATIO = 1.5
"""The least capture of newcomers by the forecast ÷ that by the best rule."""
FORECAST_RATIO = (0.85, 1.15)
"""The range of the forecast's total ÷ the truth's."""
TOTAL_COVERAGE = (0.65, 0.95)
"""The range of the share of cutoffs, of all worlds, at which the 80 % interval of the total contains it: four
overlapping windows of a world are little more than one observation."""
COVERAGE, MIN_DECILE_COVERAGE = (0.76, 0.84), 0.65
"""The range of the coverage of the 80 % interval in the mean over worlds, of all customers and of groups of
them, and its least in the worst decile of predicted value in any world."""
MEAN = "mean over worlds"
COVERED = {
    "coverage": "all",
    "coverage_top": "the predicted top 1 %",
    "coverage_top_tenth": "the top 10 %",
    "coverage_cold": "newcomers",
    "coverage_if_any": "what comes if any does",
}
"""Figure → the customers, or their range, whose coverage it is."""
MAX_DECILE_FACTOR = 2.0
"""The largest factor by which the label may be off in a decile of degree."""
MIN_FIRST_USES_CAPTURE = {"default": 0.85}
"""The least capture of the label of features."""


@dataclass(frozen=True)
class Goal:
    """A figure and the range it should lie in."""

    world: str
    what: str
    figure: float
    low: float = -math.inf
    high: float = math.inf

    @property
    def met(self) -> bool:
        """Whether the figure lies in the range; one that is not a number does not."""
        return bool(self.low <= self.figure <= self.high)

    @property
    def range(self) -> str:
        """The range in words."""
        if self.high == math.inf:
            return f"≥ {self.low:.2f}"
        return f"≤ {self.high:.2f}" if self.low == -math.inf else f"{self.low:.2f} – {self.high:.2f}"


def goals(world: str, figures: Figures) -> list[Goal]:
    """The goals set for *world*, with what was reached."""
    rankings = figures.rankings
    if world == "none":
        credited = rankings["influence_share"][LABEL]
        false_credit = Goal(world, "false credit ÷ revenue", credited, high=MAX_FALSE_CREDIT)
        return [false_credit, *_first_uses_goals(world, figures)]
    reached: list[Goal] = []
    if world in MIN_CAPTURE:
        capture = rankings["capture"]
        lead = capture[LABEL] - capture.drop([TRUTH, LABEL])
        reached += [
            Goal(world, "capture", capture[LABEL], low=MIN_CAPTURE[world]),
            Goal(world, f"capture, lead over {DECAYED}", lead[DECAYED], low=MIN_LEAD),
            Goal(world, "capture, lead over the best rival", lead.min(), low=0.0),
            Goal(world, "total ÷ truth", rankings["total_ratio"][LABEL], *TOTAL_RATIO[world]),
        ]
    if world == "referral":
        reached.append(Goal(world, "referral ÷ truth", figures.totals["ratio"]["referral"], *REFERRAL_RATIO))
    reached += _first_uses_goals(world, figures)
    reached += _forecast_goals(world, figures)
    worst = bias(figures.deciles)["factor"].max()
    return [
        *reached,
        Goal(world, "worst decile of degree, off by a factor of", worst, high=MAX_DECILE_FACTOR),
    ]


def _first_uses_goals(world: str, figures: Figures) -> Iterator[Goal]:
    if figures.first_uses.empty:
        return
    share, capture = (figures.first_uses[name][FIRST_USES_LABEL] for name in ("share", "capture"))
    if world == "none":
        yield Goal(world, "false credit ÷ first uses of features", share, high=MAX_FALSE_CREDIT)
    if world in MIN_FIRST_USES_CAPTURE:
        least = MIN_FIRST_USES_CAPTURE[world]
        yield Goal(world, "first uses of features, capture", capture, low=least)


def _forecast_goals(world: str, figures: Figures) -> Iterator[Goal]:
    if figures.forecast.empty:
        return
    capture, of_newcomers = figures.forecast["capture"], figures.forecast["capture_cold"]
    rules = list(capture.index.drop([MODEL, *ORACLES]))
    best = str(capture[rules].idxmax())
    lead = capture[MODEL] - capture[best]
    yield Goal(world, "forecast, lead over the best rule", lead, low=0.0)
    if world in SIGNIFICANT_LEAD:
        low, _ = lead_interval(figures.resamples, best)
        yield Goal(world, "forecast, least lead by the interval", low, low=0.0)
    if world == "default":
        share = capture[MODEL] / capture[[WITH_TRAITS, CEILING]]
        yield Goal(world, f"forecast ÷ {WITH_TRAITS}", share[WITH_TRAITS], low=MIN_CEILING_SHARE)
        yield Goal(world, f"forecast ÷ {CEILING}", share[CEILING], low=MIN_CEILING_SHARE)
    yield Goal(
        world,
        "forecast of newcomers ÷ best rule",
        of_newcomers[MODEL] / of_newcomers[rules].max(),
        low=MIN_NEWCOMER_RATIO,
    )
    yield Goal(world, "forecast, total ÷ truth", figures.forecast["total_ratio"][MODEL], *FORECAST_RATIO)
    # where most values are zero, an interval that holds zero holds more than its nominal share
    least = figures.forecast["least_coverage"][MODEL]
    yield Goal(world, "coverage of the 80 % interval, worst decile", least, low=MIN_DECILE_COVERAGE)


def _coverage_goals(worlds: Sequence[Figures]) -> list[Goal]:
    """The goals for the mean over *worlds* that have a forecast."""
    covered = [figures.forecast.loc[MODEL] for figures in worlds if len(figures.forecast)]
    if not covered:
        return []
    means = pd.DataFrame(covered).mean()
    of_totals = float(means["total_covered"])
    return [
        *(
            Goal(MEAN, f"coverage of the 80 % interval, {customers}", float(means[column]), *COVERAGE)
            for column, customers in COVERED.items()
        ),
        Goal(MEAN, "coverage of the 80 % interval, totals", of_totals, *TOTAL_COVERAGE),
    ]


def goals_reached(runs: Runs) -> Iterator[tuple[Goal, list[float]]]:
    """Every goal with what was reached on the mean of the seeds, and with each of them."""
    for world, of_world in runs.items():
        by_seed = [goals(world, run) for run in of_world]
        for goal, *one_seed in zip(goals(world, mean(of_world)), *by_seed, strict=True):
            yield goal, [one.figure for one in one_seed]
    by_seed = [_coverage_goals(seed) for seed in zip(*runs.values(), strict=False)]
    for goal, *one_seed in zip(_coverage_goals([mean(run) for run in runs.values()]), *by_seed, strict=True):
        yield goal, [one.figure for one in one_seed]
