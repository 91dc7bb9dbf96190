"""What a row's SHAP values cost against shap and LightGBM itself: `make bench-reasons`.

The values are those of a booster of the default parameters over 80 features, a tenth of them missing. The
columns that end in _us are microseconds of CPU a row, on one thread, median of three runs; those that end in
_x_ours say how many times more the peers take; off_by is the largest difference from either. Up to a
thousand rows are explained several times in a run. The peers are left out at the largest size, where they
take minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import shap

from benchmarks.harness import cpu_seconds, write_results
from benchmarks.synthetic_model import feature_rows, fit_heads
from ripple.arrays import Floats
from ripple.models.tree_shap import ShapleyTables
from ripple.settings import Model

SIZES = (1, 100, 10_000, 100_000, 1_000_000)
MAX_PEER_ROWS = 100_000
"""The largest number of rows for which the peers are measured."""


def measure(booster: lgb.Booster, sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """A row for each size."""
    tables, explainer = ShapleyTables.from_boosters(booster), shap.TreeExplainer(booster)
    if tables is None:
        raise SystemExit("Trees of the default parameters have no tables.")
    rows: list[dict[str, Any]] = []
    for size in sizes:
        x = feature_rows(size, seed=2)
        row: dict[str, Any] = {"rows": size, "ours_us": _microseconds(partial(tables, x), size)}
        if size <= MAX_PEER_ROWS:
            peers: dict[str, Callable[[], Floats]] = {
                "lightgbm": partial(_lightgbm, booster, x),
                "shap": partial(explainer.shap_values, x),
            }
            ours = tables(x)[:, 0]
            row |= {f"{name}_us": _microseconds(peer, size) for name, peer in peers.items()}
            row |= {f"{name}_x_ours": row[f"{name}_us"] / row["ours_us"] for name in peers}
            row["off_by"] = f"{max(np.abs(peer() - ours).max() for peer in peers.values()):.0e}"
        rows.append(row)
    return rows


def _lightgbm(booster: lgb.Booster, x: Floats) -> Floats:
    return np.asarray(booster.predict(x, pred_contrib=True, num_threads=1))[:, :-1]


def _microseconds(work: Callable[[], object], size: int) -> float:
    """CPU of *work*, which explains so many rows, a row."""
    repeats = max(1, 1000 // size)
    return 1e6 * cpu_seconds(lambda: [work() for _ in range(repeats)]) / (size * repeats)


def main() -> None:
    """Measure every size and print one table."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    write_results("reasons", measure(fit_heads(Model())[0].booster_, SIZES))


if __name__ == "__main__":
    main()
