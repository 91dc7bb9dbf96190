"""What the report costs at up to a million customers: `python benchmarks/report_cost.py`.

A small simulated run is learnt from; its customers, with features shaken a little, are then repeated up to
the size, scored, and foreseen at every cutoff. A process of its own reads that and writes the page. Seconds
and megabytes are of the page alone; memory_gb is the most that the process held while writing it, beyond the
features, scores and predictions it was given.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import pickle
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import memory_gb, peak_memory_gb, publish

from ripple import simulation
from ripple.features.validation.checks import load
from ripple.models.batch_scoring import score_population
from ripple.settings import load as load_settings
from ripple.training.insights.customer_histories import listed
from ripple.training.insights.customer_value import customer_value
from ripple.training.insights.plays import playbook
from ripple.training.insights.shap_sample import SAMPLE
from ripple.training.pipeline import fit_and_evaluate
from ripple.training.result import TrainingResult

SIZES = (10_000, 100_000, 1_000_000)
CUSTOMERS, MONTHS, SEED = 1_000, 36, 7


def small(folder: Path) -> TrainingResult:
    """What learning from the small world finds."""
    data = folder / "world"
    simulation.write(
        simulation.simulate("default", CUSTOMERS, MONTHS, SEED), data, simulation.settings_toml(MONTHS)
    )
    return fit_and_evaluate(*load(data, load_settings(data)), "small")


def grown(result: TrainingResult, customers: int) -> TrainingResult:
    """The same run with so many customers."""
    random = np.random.default_rng(SEED)
    origin = result.features.index.to_numpy()[np.arange(customers) % len(result.features)]
    ids = pd.Index([f"c{number:07d}" for number in range(customers)], name="customer_id")
    shaken = result.features.loc[origin].to_numpy() * random.lognormal(0, 0.1, (customers, 1))
    features = pd.DataFrame(shaken, columns=result.features.columns, index=ids)
    scores = score_population(result.bundle, features)
    times = math.ceil(customers / len(result.features))
    predictions = pd.concat([result.predictions] * times, ignore_index=True)
    predictions["customer_id"] = ids[np.arange(len(predictions)) % customers]
    past = result.histories
    known = set(past.labels.index.get_level_values("customer_id"))
    of = {name: str(origin[ids.get_loc(name)]) for name in listed(scores).index}
    labels, seen = (
        pd.concat({name: table.xs(one) for name, one in of.items() if one in known}, names=["customer_id"])
        for table in (past.labels, past.features)
    )
    sampled = min(SAMPLE, customers)
    histories = replace(past, labels=labels, features=seen)
    own = result.customer_value.direct
    spend = pd.Series(own.expected.loc[origin].to_numpy(), ids)
    spent = pd.concat([own.predictions] * times, ignore_index=True)
    direct = replace(own, expected=spend, predictions=spent)
    valued = customer_value(
        features, scores, direct, predictions, result.customer_value.credible, result.settings
    )
    return replace(
        result,
        features=features,
        scores=scores,
        predictions=predictions,
        earlier_effects={
            day: np.resize(effects, (sampled, effects.shape[1]))
            for day, effects in result.earlier_effects.items()
        },
        histories=histories,
        customer_value=valued,
        playbook=playbook(features, valued, result.bundle, result.settings),
    )


def write(given: Path) -> dict[str, float]:
    """Write the page about the run in the file *given*."""
    from ripple.training.report import render

    result = pickle.loads(given.read_bytes())
    held = memory_gb()
    started, used = time.perf_counter(), time.process_time()
    page = render(result)
    return {
        "wall_s": time.perf_counter() - started,
        "cpu_s": time.process_time() - used,
        "memory_gb": peak_memory_gb() - held,
        "page_mb": len(page.encode()) / 1e6,
    }


def main() -> None:
    """Measure every size and print one table."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    found: list[dict[str, Any]] = []
    fresh = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as folder,
        ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as processes,
    ):
        result, given = small(Path(folder)), Path(folder) / "evidence.pickle"
        for customers in SIZES:
            given.write_bytes(pickle.dumps(grown(result, customers)))
            found.append({"customers": customers, **processes.submit(write, given).result()})
    publish("report", found)


if __name__ == "__main__":
    main()
