"""Measures how near the label, its rivals and the forecast come to known truth: `make truth`.

In a simulated world the exact value that would be lost without each customer is known. The label and its
rivals rank the customers of a window, and are held against the truth of that window and against what was to
be expected of the next; the forecast is held against the latter, as are rules and a ceiling. Figures are
shares, ratios and rank correlations. A full run writes docs/truth.md and benchmarks/results/truth.json.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache, partial
from pathlib import Path

import pandas as pd

from benchmarks.harness import RESULTS, read_section, write_section
from benchmarks.truth.figures import TRUTH, Figures, Runs, by_degree, compare, totals
from benchmarks.truth.first_uses import evaluate_first_uses
from benchmarks.truth.forecast import Forecast, evaluate_forecast, expected_values
from benchmarks.truth.goals import MIN_CAPTURE
from benchmarks.truth.page import MONTHS, REDRAWS, as_json, format_number, format_share, page
from benchmarks.truth.rivals import LABEL, rank
from ripple import settings, simulation
from ripple.features.dataset import Dataset
from ripple.features.validation import checks
from ripple.features.validation.findings import Report
from ripple.settings import Settings
from ripple.training.attribution import network_value
from ripple.training.evaluation import metrics
from ripple.training.examples.examples import frame

PAGE = Path(__file__).parents[2] / "docs" / "truth.md"
EXPERIMENTS = "experiments"
"""The section of the page that `make truth-experiments` writes."""
CUSTOMERS = 4000
SEEDS = (7, 8, 9)
PROCESSES = 2
BASELINES = ("product", "strata", "model", "joined")
"""The settings of `credit.baseline` that are compared."""


def true_values(history: simulation.History, start: datetime, end: datetime) -> pd.DataFrame:
    """Leave-one-out influence, recorded referral value, and network value, which is both."""
    truth = simulation.leave_one_out(history, start, end).join(simulation.referral_value(history, start, end))
    return truth.assign(network_value=truth["influence_value"] + truth["referral_value"])


@contextmanager
def dataset_of(history: simulation.History) -> Iterator[tuple[Dataset, Report]]:
    """Yield the tables a company would have, as an open dataset, and the report of checking them."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "world"
        simulation.write(simulation.tables(history), data, simulation.settings_toml(history.calendar.months))
        dataset, report = checks.load(data, settings.load(data))
        # a long query would draw a progress bar into the page
        dataset.tables["orders"].get_backend().raw_sql("SET enable_progress_bar = false")
        yield dataset, report


def evaluate(
    world: str,
    seed: int,
    customers: int,
    baselines: Sequence[str] = (),
    redraws: int = REDRAWS,
    forecast: bool = True,
) -> Figures:
    """Simulate a world, rank its customers by its tables and hold every ranking against the truth.

    Args:
        baselines: the settings of `credit.baseline` to compare.
        redraws: the number of redraws by which expected values are estimated.
        forecast: whether to evaluate the model too, in the worlds that have goals for it.
    """
    history = simulation.simulate_with_truth(world, customers, MONTHS, seed)
    forecasts = Forecast(pd.DataFrame(), pd.DataFrame())

    @cache
    def expected_after(cutoff: datetime) -> pd.Series[float]:
        return expected_values(history, cutoff, cutoff + horizon, redraws)

    with dataset_of(history) as (dataset, report):
        options, tables, end = dataset.settings, dataset.tables, simulation.END
        horizon = timedelta(days=options.horizon_days)
        start = end - horizon
        in_window = rank(tables, start, end, options)
        before = rank(tables.before(start), start - horizon, start, options)
        labels = {
            baseline: in_window.label
            if baseline == options.credit.baseline
            else frame(network_value(tables, start, end, _with_baseline(options, baseline)))
            for baseline in baselines
        }
        if forecast and world in MIN_CAPTURE:
            forecasts = evaluate_forecast(dataset, report, history, expected_after)
    truth = true_values(history, start, end).loc[in_window.label.index]
    expected = expected_after(start).loc[before.label.index]
    true_before = true_values(history, start - horizon, start).loc[before.label.index]
    revenue = simulation.revenue(history, start, end)
    compared = partial(compare, truth=truth["network_value"], revenue=revenue, share=options.top_share)
    rankings = compared(
        in_window.scores.assign(**{TRUTH: truth["network_value"]}),
        in_window.influence.assign(**{TRUTH: truth["influence_value"]}),
    )
    next_scores = before.scores.assign(**{TRUTH: true_before["network_value"]})
    rankings["capture_next"] = next_scores.apply(metrics.capture, args=(expected, options.top_share))
    by_baseline = compared(
        pd.DataFrame({name: label["network_value"] for name, label in labels.items()}),
        pd.DataFrame({name: label["influence_value"] for name, label in labels.items()}),
    )
    return Figures(
        rankings,
        totals(in_window.label, truth, revenue),
        by_degree(in_window, truth),
        by_baseline,
        forecasts.rankings,
        forecasts.resamples,
        evaluate_first_uses(history, options),
    )


def _with_baseline(settings: Settings, baseline: str) -> Settings:
    credit = settings.credit.model_copy(update={"baseline": baseline})
    return settings.model_copy(update={"credit": credit})


def evaluate_all(
    worlds: Sequence[str], seeds: Sequence[int], customers: int, baselines: Sequence[str]
) -> Runs:
    """Evaluate every world with every seed, two at a time; progress goes to stderr."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        runs = {
            (world, seed): pool.submit(evaluate, world, seed, customers, baselines)
            for world in worlds
            for seed in seeds
        }
        names = {run: name for name, run in runs.items()}
        for run in as_completed(names):
            world, seed = names[run]
            label = run.result().rankings.loc[LABEL].to_dict()
            capture, share = format_number(label["capture"]), format_share(label["influence_share"])
            print(f"{world}, seed {seed}: capture {capture}, credited {share} of revenue", file=sys.stderr)
    return {world: [runs[world, seed].result() for seed in seeds] for world in worlds}


def main() -> None:
    """Evaluate, print the page, and write it with its figures if the run is a full one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--worlds", nargs="+", choices=simulation.WORLDS, default=list(simulation.WORLDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--baselines", action="store_true", help="also compare the label's baselines")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # of each process: there is one for each core
    runs = evaluate_all(
        options.worlds, options.seeds, options.customers, BASELINES if options.baselines else ()
    )
    text = page(runs, options.customers, options.seeds)
    print(text, end="")
    if options == parser.parse_args(["--baselines"]):
        experiments = read_section(EXPERIMENTS, PAGE) if PAGE.exists() else None
        PAGE.write_text(text, encoding="utf-8")
        if experiments is not None:
            write_section(EXPERIMENTS, experiments, PAGE)
        RESULTS.mkdir(exist_ok=True)
        figures = as_json(runs, options.customers, options.seeds)
        (RESULTS / "truth.json").write_text(figures, encoding="utf-8")
