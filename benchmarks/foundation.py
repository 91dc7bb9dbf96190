"""Capture on the Foundation auctions beside the simple rules: `python benchmarks/foundation.py SOURCE`.

SOURCE is the folder of the extract (see examples/foundation/convert.py). Each row is a ranking of the users
alive at the cutoff; each figure is capture: the next 15 days' value (winsorised at the 95th percentile of
positives) held by its top 5 %, as a share of what the best possible 5 % hold.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from harness import publish

from ripple import settings
from ripple.features.validation import checks
from ripple.training.pipeline import fit_and_evaluate

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "foundation"))
from convert import convert  # the example is a script, not a package


def main() -> None:
    """Convert, fit_and_evaluate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    source = parser.parse_args().source
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "foundation"
        convert(source, data)
        dataset, report = checks.load(data, settings.load(data))
        result = fit_and_evaluate(dataset, report, "foundation")
    table = result.backtest.rankings.pivot(index="ranking", columns="cutoff", values="capture")
    rows = [
        {"ranking": str(name), **{str(cutoff): float(value) for cutoff, value in row.items()}}
        for name, row in table.sort_values("pooled", ascending=False).iterrows()
    ]
    publish("foundation", rows)
    lead, low, high = result.backtest.lead
    print(f"lead over {result.backtest.best_baseline}: {lead:+.3f} (95 % interval {low:+.3f} to {high:+.3f})")


if __name__ == "__main__":
    main()
