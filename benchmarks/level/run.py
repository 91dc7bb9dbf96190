"""Measures why total network value rises, and how near its forecast comes: `make bench-level`.

Each row is a cutoff whose window has closed, of a simulated world (`--worlds`, `--seeds`) or of a dataset of
your own (`--data FOLDER`). It compares that window with the latest one that had closed by the cutoff: the
factor by which total network value rose, and the factors of `parts.FACTORS` that multiply to it. The
forecasts, ÷ what was realised, are the heads' sum with its interval, the same corrected by half of the mean
error at closed cutoffs, and as much per customer as in the latest closed window.

A second table has the geometric means over the evaluation cutoffs, in which the factors still multiply, the
error of each forecast (the root mean square of log(forecast ÷ realised)) and the share of intervals that
contain what was realised.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness import write_results
from benchmarks.level.parts import FACTORS, WindowAmounts, rises, window_amounts
from benchmarks.truth.goals import MIN_CAPTURE
from benchmarks.truth.page import MONTHS
from benchmarks.truth.run import CUSTOMERS, dataset_of
from ripple import settings, simulation
from ripple.features.dataset import Dataset
from ripple.features.validation import checks
from ripple.training.estimators.heads import fit_value
from ripple.training.estimators.total_forecast import ClosedTotal, TotalForecast, forecast_total
from ripple.training.examples.cutoffs import schedule
from ripple.training.examples.examples import examples_at

RISE, HEADS, CORRECTED, LATEST, INSIDE = "rise", "heads", "heads corrected", "latest window", "inside"
FORECASTS = (HEADS, CORRECTED, LATEST)
SEEDS = (10, 11, 12, 13)
"""Seeds by which nothing else was chosen."""


def levels(dataset: Dataset, start: datetime, end: datetime, name: str) -> pd.DataFrame:
    """A row for every cutoff at which heads could be fitted, of the dataset *name*.

    Returns:
        `dataset`, `cutoff`, whether it is `evaluated`, and the columns of `level`.
    """
    options, plan = dataset.settings, schedule(start, end, dataset.settings)
    examples = {cutoff: examples_at(dataset, cutoff) for cutoff in plan.all}
    amounts = {
        cutoff: window_amounts(
            dataset.tables.until(cutoff + plan.horizon), one.labels, cutoff, cutoff + plan.horizon, options
        )
        for cutoff, one in examples.items()
    }
    closed: list[ClosedTotal] = []
    rows: list[dict[str, Any]] = []
    for cutoff in plan.all:
        training = plan.training_for(cutoff)
        if not any(amounts[earlier].credited > 0 for earlier in training):
            continue
        head = fit_value([examples[earlier] for earlier in training], options, examples[cutoff].rows)
        predicted = float(head.predict(examples[cutoff].features).sum())
        total = forecast_total(
            predicted,
            [one for one in closed if one.cutoff + plan.horizon <= cutoff],
            plan.horizon,
            options.model.interval,
            options.model.half_life_horizons,
        )
        closed.append(ClosedTotal(cutoff, predicted, amounts[cutoff].credited))
        rows.append(
            {"dataset": name, "cutoff": f"{cutoff:%Y-%m-%d}", "evaluated": cutoff in plan.evaluation}
            | level(amounts[training[-1]], amounts[cutoff], total)
        )
    return pd.DataFrame(rows)


def level(before: WindowAmounts, now: WindowAmounts, total: TotalForecast) -> dict[str, float]:
    """The rise from a closed window *before* to the window *now*, its parts, and how well *now* was forecast.

    Returns:
        `RISE` and `FACTORS`; `FORECASTS` as shares of what was realised; the bounds `low` and `high` of the
        interval of `HEADS`, likewise, and whether 1 is `INSIDE`.
    """
    realised = now.credited
    error = float(np.mean([one.error for one in total.closed])) if total.closed else 0.0
    return {
        RISE: realised / before.credited,
        **rises(before, now),
        HEADS: total.predicted / realised,
        CORRECTED: total.predicted / realised * math.exp(error / 2),
        LATEST: before.credited / before.customers * now.customers / realised,
        "low": total.low / realised,
        "high": total.high / realised,
        INSIDE: float(total.low <= realised <= total.high),
    }


def summary(table: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each dataset of *table*, as `levels` returns it, over its evaluation cutoffs."""
    rows = []
    for name, own in table[table["evaluated"]].groupby("dataset", sort=False):
        logs = np.log(own[[RISE, *FACTORS, *FORECASTS]])
        rows.append(
            {"dataset": str(name), "cutoffs": len(own)}
            | np.exp(logs.mean()).to_dict()
            | {f"error, {forecast}": float(np.sqrt((logs[forecast] ** 2).mean())) for forecast in FORECASTS}
            | {INSIDE: float(own[INSIDE].mean())}
        )
    return rows


def of_world(world: str, seed: int, customers: int) -> pd.DataFrame:
    """`levels` of a simulated world, by the tables that a company would have."""
    history = simulation.simulate_with_truth(world, customers, MONTHS, seed)
    with dataset_of(history) as (dataset, report):
        return levels(dataset, report.start, simulation.END, world)


def of_folder(folder: Path) -> pd.DataFrame:
    """`levels` of the dataset in *folder*, whose name may be that of a world."""
    dataset, report = checks.load(folder, settings.load(folder))
    return levels(dataset, report.start, dataset.settings.until or report.end, str(folder))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print both tables and write the one by cutoff."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--worlds", nargs="*", choices=simulation.WORLDS, default=list(MIN_CAPTURE))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--data", nargs="+", type=Path, default=[], metavar="FOLDER")
    options = parser.parse_args(arguments)
    tables = [of_world(world, seed, options.customers) for world in options.worlds for seed in options.seeds]
    tables += [of_folder(folder) for folder in options.data]
    table = pd.concat(tables, ignore_index=True)
    print(table.to_string(index=False, float_format="{:.2f}".format))
    write_results("level", summary(table))


if __name__ == "__main__":
    main()
