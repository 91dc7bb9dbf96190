"""Capture of the model and of simple rules on the Foundation auctions: `make bench-foundation SOURCE=…`.

SOURCE is the folder of the extract, see `examples.foundation.convert`. Each row is a ranking of the users
alive at the cutoff: the model's, and as its peers the rules it has to beat. Each figure is capture, a share
from 0 to 1: the next 15 days' value (winsorised at the 95th percentile of positives) held by the top 5 % of
the ranking ÷ what the best possible 5 % hold.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.harness import write_results
from examples.foundation.convert import convert
from ripple import settings
from ripple.features.validation import checks
from ripple.training.pipeline import fit_and_evaluate
from ripple.training.result import TrainingResult


def train(source: Path) -> TrainingResult:
    """Train on the extract in the folder *source*."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "foundation"
        convert(source, data)
        dataset, report = checks.load(data, settings.load(data))
        return fit_and_evaluate(dataset, report, "foundation")


def captures(rankings: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each ranking with its capture at every cutoff, the best of all cutoffs together first."""
    table = rankings.pivot(index="ranking", columns="cutoff", values="capture")
    return [
        {"ranking": str(name), **{str(cutoff): float(value) for cutoff, value in row.items()}}
        for name, row in table.sort_values("pooled", ascending=False).iterrows()
    ]


def main() -> None:
    """Convert, learn and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    backtest = train(parser.parse_args().source).evaluation.backtest
    write_results("foundation", captures(backtest.rankings))
    lead, low, high = backtest.lead
    print(f"lead over {backtest.best_baseline}: {lead:+.3f} (95 % interval {low:+.3f} to {high:+.3f})")


if __name__ == "__main__":
    main()
