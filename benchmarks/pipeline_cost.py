"""What the steps of the pipeline cost against a floor, at three sizes: `make bench-pipeline`.

The floor is one scan of the usage events with a group-by of customer, day and feature, by DuckDB alone. Each
row gives the CPU seconds of that floor (floor_cpu_s) and, as multiples of it, those of one cutoff's features,
one window's label and one check of the input contract, each from an empty cache. peak_gb is the peak memory
of the process, in GB, up to then.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb

from benchmarks.harness import cpu_seconds, peak_memory_gb, write_results
from ripple import settings, simulation
from ripple.features.validation import checks
from ripple.training.examples.examples import features_at, frame, labels_at

SIZES = (3_000, 12_000, 48_000)
MONTHS = 24
FLOOR = "SELECT customer_id, occurred_at::DATE, feature, count(*) FROM '{0}' GROUP BY ALL"


def measure(customers: int) -> dict[str, float | int]:
    """The row of one size."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "world"
        simulation.write(
            simulation.simulate("default", customers, MONTHS, 7), data, simulation.settings_toml(MONTHS)
        )
        dataset, report = checks.load(data, settings.load(data))
        cutoff = report.end - timedelta(days=dataset.settings.horizon_days)
        usage = data / "usage.parquet"
        floor = cpu_seconds(lambda: duckdb.sql(FLOOR.format(usage)).to_arrow_table())
        # a copy of the dataset keeps nothing of what another has computed
        features = cpu_seconds(lambda: frame(features_at(replace(dataset), cutoff)))
        label = cpu_seconds(lambda: frame(labels_at(replace(dataset), cutoff)))
        check = cpu_seconds(lambda: checks.load(data, settings.load(data)))
    return {
        "customers": customers,
        "usage_rows": report.rows["usage"],
        "floor_cpu_s": floor,
        "features_x_floor": features / floor,
        "label_x_floor": label / floor,
        "check_x_floor": check / floor,
        "peak_gb": peak_memory_gb(),
    }


def main() -> None:
    """Measure every size and print one table."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    write_results("pipeline", [measure(size) for size in SIZES])


if __name__ == "__main__":
    main()
