"""What the report costs at up to a million customers: `make bench-report`.

Ripple is trained on a small simulated world; its customers, with features shaken a little, are then repeated
up to the size and scored, with predictions at every cutoff. A process of its own reads that and writes the
page. Wall-clock and CPU seconds (wall_s, cpu_s) and megabytes (page_mb) are of the page alone. memory_gb is
the peak memory while writing it, in GB, above the floor: what the process held already when it had read the
features, scores and predictions.
"""

from __future__ import annotations

import argparse
import math
import pickle
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness import Run, cost, fresh_processes, memory_gb, write_results
from ripple import simulation
from ripple.features.validation.checks import load
from ripple.models.batch_scoring import score_population
from ripple.settings import load as load_settings
from ripple.training.insights.customer_histories import CustomerHistories, listed_customers
from ripple.training.insights.customer_value import customer_value
from ripple.training.insights.plays import playbook
from ripple.training.insights.shap_sample import SAMPLE
from ripple.training.pipeline import fit_and_evaluate
from ripple.training.report import render
from ripple.training.result import TrainingResult

SIZES = (10_000, 100_000, 1_000_000)
CUSTOMERS, MONTHS, SEED = 1_000, 36, 7


def train(data: Path) -> TrainingResult:
    """Train on the dataset in *data*."""
    return fit_and_evaluate(*load(data, load_settings(data)), "small")


def enlarge(result: TrainingResult, customers: int) -> TrainingResult:
    """The same run with so many customers."""
    rng = np.random.default_rng(SEED)
    origin = result.population.features.index.to_numpy()[
        np.arange(customers) % len(result.population.features)
    ]
    names = pd.Index([f"c{number:07d}" for number in range(customers)], name="customer_id")
    shaken = result.population.features.loc[origin].to_numpy() * rng.lognormal(0, 0.1, (customers, 1))
    features = pd.DataFrame(shaken, columns=result.population.features.columns, index=names)
    scores = score_population(result.population.bundle, features)
    repeats = math.ceil(customers / len(result.population.features))
    predictions = pd.concat([result.evaluation.predictions] * repeats, ignore_index=True)
    predictions["customer_id"] = names[np.arange(len(predictions)) % customers]
    before = result.insights.customer_value.direct
    direct = replace(
        before,
        expected=pd.Series(before.expected.loc[origin].to_numpy(), names),
        predictions=pd.concat([before.predictions] * repeats, ignore_index=True),
    )
    value = customer_value(
        features, scores, direct, predictions, result.insights.customer_value.chance_share, result.settings
    )
    origin_of = {name: str(origin[names.get_loc(name)]) for name in listed_customers(scores).index}
    sample = min(SAMPLE, customers)
    evaluation = replace(
        result.evaluation,
        predictions=predictions,
        earlier_effects={
            cutoff: np.resize(effects, (sample, effects.shape[1]))
            for cutoff, effects in result.evaluation.earlier_effects.items()
        },
    )
    insights = replace(
        result.insights,
        customer_value=value,
        playbook=playbook(features, value, result.population.bundle, result.settings),
        histories=_histories(result.insights.histories, origin_of),
    )
    population = replace(result.population, features=features, scores=scores)
    return replace(result, evaluation=evaluation, population=population, insights=insights)


def _histories(histories: CustomerHistories, origin_of: Mapping[str, str]) -> CustomerHistories:
    """CustomerHistories of copies of customers, each that of its origin."""
    known = set(histories.labels.index.get_level_values("customer_id"))
    labels, features = (
        pd.concat(
            {name: table.xs(origin) for name, origin in origin_of.items() if origin in known},
            names=["customer_id"],
        )
        for table in (histories.labels, histories.features)
    )
    return replace(histories, labels=labels, features=features)


def report_cost(file: Path) -> dict[str, float]:
    """Cost of writing the page about the run in the pickle *file*."""
    result = pickle.loads(file.read_bytes())
    memory_before = memory_gb()
    page, spent = cost(render, result)
    return {
        "wall_s": spent["wall_s"],
        "cpu_s": spent["cpu_s"],
        "memory_gb": spent["peak_gb"] - memory_before,
        "page_mb": len(page.encode()) / 1e6,
    }


def measure(run: Run, result: TrainingResult, sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield a row for each number of customers."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.pickle"
        for customers in sizes:
            file.write_bytes(pickle.dumps(enlarge(result, customers)))
            yield {"customers": customers, **run(report_cost, file)}


def main() -> None:
    """Measure every size and print one table."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with tempfile.TemporaryDirectory() as folder, fresh_processes() as run:
        data = Path(folder) / "world"
        simulation.write(
            simulation.simulate("default", CUSTOMERS, MONTHS, SEED), data, simulation.settings_toml(MONTHS)
        )
        write_results("report", list(measure(run, train(data), SIZES)))


if __name__ == "__main__":
    main()
