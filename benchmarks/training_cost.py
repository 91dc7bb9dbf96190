"""What fitting both heads costs at up to ten million rows: `make bench-training`.

Rows of 80 synthetic features lie on disk, ten cutoffs of them to learn from and one to calibrate on, as
`ripple train` keeps them where they are many. Wall-clock seconds (wall_s), CPU seconds (cpu_s) and peak
memory in GB (peak_gb) are of a process of its own that fits both heads with the default parameters, predicts
the held-out cutoff and calibrates. The floor is a process that has only imported the same: bytes_a_cell is
the peak memory above it, in bytes a cell learnt from. The largest size grows fewer trees, which takes less
time and the same memory.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.harness import Run, cost, fresh_processes, peak_memory_gb, write_results
from ripple.settings import Model, Settings
from ripple.training.estimators.calibration import calibrate
from ripple.training.estimators.heads import fit
from ripple.training.estimators.held_out import predict_held_out
from ripple.training.examples import feature_sequence
from ripple.training.examples.examples import Examples
from ripple.training.examples.feature_sequence import Rows

SIZES = ((100_000, Model().trees), (1_000_000, Model().trees), (10_000_000, 30))
FEATURES, TRAINING_CUTOFFS = 80, 10
CUTOFFS = [datetime(2024, 1, 1) + i * timedelta(days=30) for i in range(TRAINING_CUTOFFS + 1)]


def write(cutoff: datetime, customers: int, folder: Path) -> None:
    """Write features and labels of one cutoff; a tenth of the customers has a positive label."""
    feature_sequence.MAX_CELLS_IN_MEMORY = 0
    rng = np.random.default_rng(cutoff.toordinal())
    x = np.round(rng.gamma(0.5, 10, (customers, FEATURES)), 2)
    x[rng.random(x.shape) < 0.1] = np.nan
    value = np.where(
        rng.random(customers) < 0.1, np.nan_to_num(x[:, 0] * x[:, 1]) * rng.lognormal(0, 1, customers), 0.0
    )
    features = folder / f"{cutoff:%Y-%m-%d}"
    features.mkdir()
    Rows.of(pd.DataFrame(x, columns=[f"feature_{i}" for i in range(FEATURES)]), features)
    pd.DataFrame({"network_value": value}).to_parquet(folder / f"{features.name}.parquet")


def read(cutoff: datetime, folder: Path) -> Examples:
    """What `write` wrote, with the features still on disk."""
    labels = pd.read_parquet(folder / f"{cutoff:%Y-%m-%d}.parquet")
    (file,) = (folder / f"{cutoff:%Y-%m-%d}").iterdir()
    return Examples(cutoff, Rows.from_parquet(file, labels.index), labels, labels)


def training_cost(trees: int, folder: Path) -> dict[str, float]:
    """Cost of fitting and calibrating on what is in *folder*."""
    settings = Settings(model=Model(trees=trees))
    *training, held_out = [read(cutoff, folder) for cutoff in CUTOFFS]

    def train() -> None:
        heads = fit(training, settings)
        calibrate([predict_held_out(heads, held_out, settings)], settings)

    return cost(train)[1]


def measure(run: Run, sizes: Sequence[tuple[int, int]]) -> Iterator[dict[str, Any]]:
    """Yield a row for each number of rows and of trees."""
    empty = run(peak_memory_gb)
    for rows, trees in sizes:
        with tempfile.TemporaryDirectory() as folder:
            for cutoff in CUTOFFS:
                run(write, cutoff, rows // TRAINING_CUTOFFS, Path(folder))
            spent = run(training_cost, trees, Path(folder))
        bytes_a_cell = (spent["peak_gb"] - empty) * 1e9 / (rows * FEATURES)
        yield {"rows": rows, "trees": trees, **spent, "bytes_a_cell": bytes_a_cell}


def main() -> None:
    """Measure every size and print one table."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    with fresh_processes() as run:
        write_results("training", list(measure(run, SIZES)))


if __name__ == "__main__":
    main()
