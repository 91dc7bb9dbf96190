"""What fitting both heads costs at up to ten million rows: `python benchmarks/training_cost.py`.

Rows of 80 made-up features lie on disk, ten cutoffs of them to learn from and one to calibrate on, as
`ripple train` keeps them where they are many. Seconds and peak memory are of a process of its own that fits
both heads with the default parameters, predicts the cutoff that neither has seen and calibrates; bytes_a_cell
is that memory, less what a process has that has only imported the same, by cells learnt from. The largest
size grows fewer trees, which takes less time and the same memory. (The file is not called training.py, as it
would then hide the package from whatever runs in this folder.)
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from harness import peak_memory_gb, publish

from ripple.settings import Model, Settings
from ripple.training.estimators.heads import calibrate, fit, outcome
from ripple.training.examples import feature_sequence
from ripple.training.examples.examples import Examples
from ripple.training.examples.feature_sequence import Rows

SIZES = ((100_000, Model().trees), (1_000_000, Model().trees), (10_000_000, 30))
FEATURES, CUTOFFS = 80, 10
MOMENTS = [datetime(2024, 1, 1) + i * timedelta(days=30) for i in range(CUTOFFS + 1)]


def write(cutoff: datetime, customers: int, folder: Path) -> None:
    """Customers of whom every tenth is credited with something, more if some features are large."""
    feature_sequence.MOST_HELD = 0
    rng = np.random.default_rng(cutoff.toordinal())
    x = np.round(rng.gamma(0.5, 10, (customers, FEATURES)), 2)
    x[rng.random(x.shape) < 0.1] = np.nan
    value = np.where(
        rng.random(customers) < 0.1, np.nan_to_num(x[:, 0] * x[:, 1]) * rng.lognormal(0, 1, customers), 0.0
    )
    place = folder / f"{cutoff:%Y-%m-%d}"
    place.mkdir()
    Rows.of(pd.DataFrame(x, columns=[f"feature_{i}" for i in range(FEATURES)]), place)
    pd.DataFrame({"network_value": value}).to_parquet(folder / f"{place.name}.parquet")


def read(cutoff: datetime, folder: Path) -> Examples:
    """What `write` wrote."""
    labels = pd.read_parquet(folder / f"{cutoff:%Y-%m-%d}.parquet")
    (file,) = (folder / f"{cutoff:%Y-%m-%d}").iterdir()
    return Examples(cutoff, Rows.stored(file, labels.index), labels, labels)


def train(trees: int, folder: Path) -> dict[str, float]:
    """Fit and calibrate on what is in *folder*."""
    settings = Settings(model=Model(trees=trees))
    shown = [read(cutoff, folder) for cutoff in MOMENTS]
    started, used = time.perf_counter(), time.process_time()
    heads = fit(shown[:-1], settings)
    calibrate([outcome(heads, shown[-1], settings)], settings)
    return {
        "wall_s": time.perf_counter() - started,
        "cpu_s": time.process_time() - used,
        "peak_gb": peak_memory_gb(),
    }


def main() -> None:
    """Measure every size and print one table."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    found: list[dict[str, Any]] = []
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, max_tasks_per_child=1) as processes:
        empty = processes.submit(peak_memory_gb).result()
        for number, trees in SIZES:
            with tempfile.TemporaryDirectory() as folder:
                for cutoff in MOMENTS:
                    processes.submit(write, cutoff, number // CUTOFFS, Path(folder)).result()
                made = processes.submit(train, trees, Path(folder)).result()
            cells = number * FEATURES
            a_cell = (made["peak_gb"] - empty) * 1e9 / cells
            found.append({"rows": number, "trees": trees, **made, "bytes_a_cell": a_cell})
    publish("training", found)


if __name__ == "__main__":
    main()
