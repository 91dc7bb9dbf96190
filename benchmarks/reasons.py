"""What a row's SHAP values cost, beside shap and LightGBM itself: `python benchmarks/reasons.py`.

A booster of the default parameters over 80 features, a tenth of the values undefined. Columns are
microseconds of CPU by row, on one thread, median of three runs; then how many times more the others cost, and
the largest difference from either. The peers are left out at the largest size, where they take minutes.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import numpy as np
import shap
from harness import cpu_seconds, publish
from made_up import heads, rows

from ripple.models.tree_shap import ShapleyTables
from ripple.settings import Model

SIZES = (1, 100, 10_000, 100_000, 1_000_000)
PEERS = 100_000
"""Up to how many rows the peers are measured."""


def microseconds(work: Callable[[], Any], number: int) -> float:
    """CPU of *work* by row."""
    repeats = max(1, 1000 // number)
    return 1e6 * cpu_seconds(lambda: [work() for _ in range(repeats)]) / (number * repeats)


def main() -> None:
    """Measure every size and print one table."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    model = heads(Model())[0].booster_
    tables, explainer = ShapleyTables.from_boosters(model), shap.TreeExplainer(model)
    if tables is None:
        raise SystemExit("Trees of the default parameters have no tables.")
    found: list[dict[str, Any]] = []
    for number in SIZES:
        x = rows(number, seed=2)
        row: dict[str, Any] = {"rows": number, "ours_us": microseconds(lambda x=x: tables(x), number)}
        if number <= PEERS:
            peers = {
                "lightgbm": lambda x=x: np.asarray(model.predict(x, pred_contrib=True, num_threads=1))[
                    :, :-1
                ],
                "shap": lambda x=x: np.asarray(explainer.shap_values(x)),
            }
            ours = tables(x)[:, 0]
            row |= {f"{name}_us": microseconds(peer, number) for name, peer in peers.items()}
            row |= {f"{name}_x_ours": row[f"{name}_us"] / row["ours_us"] for name in peers}
            row["off_by"] = f"{max(np.abs(peer() - ours).max() for peer in peers.values()):.0e}"
        found.append(row)
    publish("reasons", [dict.fromkeys(found[0]) | row for row in found])


if __name__ == "__main__":
    main()
