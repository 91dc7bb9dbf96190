"""What `ripple train` costs as a whole, stage by stage: `make bench-train`.

A world of 36 months is simulated for each number of customers, and trained on by the command itself in a
process of its own. Each row is a stage of a run: wall-clock seconds (wall_s), CPU seconds (cpu_s), the most
memory in use during it in GB (peak_gb, sampled), CPU seconds as a multiple of the floor (x_floor), and how
fast its CPU seconds grow from the size before (exponent: 1 is in proportion to the number of customers).

The floor of a size is what no training can do without: one scan of every table with a group-by of customer
and day, by DuckDB alone, and one LightGBM fit with the default parameters of as many rows and features as the
final heads are fitted on.
"""

from __future__ import annotations

import argparse
import logging
import math
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import lightgbm as lgb
import numpy as np

from benchmarks.harness import Run, cost, fresh_processes, memory_gb, write_results
from ripple import simulation
from ripple.cli.application import app
from ripple.progress import Step
from ripple.settings import Settings
from ripple.training.estimators.boosting import lightgbm_parameters, tweedie_objective

SIZES, LARGE = (6_000, 30_000, 100_000), 1_000_000
MONTHS, CUTOFFS, FEATURES = 36, 13, 95
KEYS = {
    "usage": "customer_id, feature, occurred_at::DATE",
    "orders": "customer_id, product, ordered_at::DATE",
    "interactions": "source_id, target_id, occurred_at::DATE",
    "feedback": "customer_id, occurred_at::DATE",
}
"""The expressions by which the floor groups each table."""
SAMPLING_SECONDS = 0.05
"""The time between two looks at the memory in use."""


class StageRecorder(logging.Handler):
    """Adds up wall and CPU seconds and the peak memory of each stage, by the progress messages of a run."""

    def __init__(self) -> None:
        super().__init__()
        self.stages: dict[str, dict[str, float]] = {}
        self._stage, self._since = "start", (time.perf_counter(), time.process_time())
        self._done = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def emit(self, record: logging.LogRecord) -> None:
        """End the stage before that of the message."""
        step: Step | None = getattr(record, "step", None)
        if step is not None and step.stage != self._stage:
            self._end(step.stage)

    def finish(self) -> dict[str, dict[str, float]]:
        """End the last stage, and return all, in the order in which they began."""
        self._done.set()
        self._sampler.join()
        self._end("")
        return self.stages

    def _end(self, following: str) -> None:
        now, spent = (time.perf_counter(), time.process_time()), self._spent()
        spent["wall_s"] += now[0] - self._since[0]
        spent["cpu_s"] += now[1] - self._since[1]
        self._stage, self._since = following, now

    def _spent(self) -> dict[str, float]:
        return self.stages.setdefault(self._stage, {"wall_s": 0.0, "cpu_s": 0.0, "peak_gb": 0.0})

    def _sample(self) -> None:
        while not self._done.wait(SAMPLING_SECONDS):
            spent = self._spent()
            spent["peak_gb"] = max(spent["peak_gb"], memory_gb())


def simulate(customers: int, folder: Path) -> None:
    """Write the world of *customers* to *folder*."""
    history = simulation.simulate("default", customers, MONTHS, 7)
    simulation.write(history, folder, simulation.settings_toml(MONTHS))


def floor(customers: int, folder: Path) -> dict[str, float]:
    """Cost of what no training on *folder* can do without."""
    rng = np.random.default_rng(0)
    settings, rows = Settings(), customers * CUTOFFS
    x = rng.gamma(0.5, 10, (rows, FEATURES)).astype(np.float32)
    y = np.where(rng.random(rows) < 0.2, x[:, 0] * rng.lognormal(0, 1, rows), 0.0)
    parameters = lightgbm_parameters(settings, rows) | tweedie_objective(settings)

    def scan_and_fit() -> None:
        for table, keys in KEYS.items():
            file = folder / f"{table}.parquet"
            duckdb.sql(f"SELECT {keys}, count(*) FROM '{file}' GROUP BY ALL").to_arrow_table()
        lgb.train(parameters, lgb.Dataset(x, y, params=parameters), settings.model.trees)

    return cost(scan_and_fit)[1]


def train(data: Path) -> dict[str, dict[str, float]]:
    """Cost of each stage of `ripple train` on *data*, whose home is beside it."""
    os.environ["RIPPLE_HOME"] = str(data.with_name("home"))
    logger, recorder = logging.getLogger("ripple"), StageRecorder()
    logger.setLevel(logging.INFO)
    logger.addHandler(recorder)
    try:
        app(["train", str(data)], standalone_mode=False)
    finally:
        logger.removeHandler(recorder)
        stages = recorder.finish()
    return stages


def measure(run: Run, sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield a row for each size and stage, and one for each whole run."""
    earlier: dict[str, tuple[int, float]] = {}
    for customers in sizes:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "world"
            run(simulate, customers, data)
            least = run(floor, customers, data)
            stages: dict[str, dict[str, float]] = run(train, data)
        total = {
            "wall_s": sum(one["wall_s"] for one in stages.values()),
            "cpu_s": sum(one["cpu_s"] for one in stages.values()),
            "peak_gb": max(one["peak_gb"] for one in stages.values()),
        }
        for stage, spent in {"floor": least, **stages, "whole": total}.items():
            row = {
                "customers": customers,
                "stage": stage,
                **spent,
                "x_floor": spent["cpu_s"] / least["cpu_s"],
            }
            if stage in earlier:
                size, seconds = earlier[stage]
                row["exponent"] = math.log(spent["cpu_s"] / seconds) / math.log(customers / size)
            earlier[stage] = customers, spent["cpu_s"]
            yield row


def main() -> None:
    """Measure every size and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--large", action="store_true", help=f"also {LARGE:,} customers, which takes hours")
    sizes = (*SIZES, LARGE) if parser.parse_args().large else SIZES
    with fresh_processes() as run:
        write_results("train", list(measure(run, sizes)))


if __name__ == "__main__":
    main()
