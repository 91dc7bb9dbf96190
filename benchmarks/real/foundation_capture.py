"""Capture and level on the Foundation auctions: `make bench-foundation SOURCE=…`.

SOURCE is the folder of the extract, see `examples.foundation.convert`. Each row is a ranking of the users
alive at the cutoff: the model's, and as its peers the rules it has to beat. Each figure is capture, a share
from 0 to 1: the next 15 days' value (winsorised at the 95th percentile of positives) held by the top 5 % of
the ranking ÷ what the best possible 5 % hold. A second table has the total of all users at every cutoff, with
its interval. Both are a section of docs/real.md.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.harness import write_results, write_section
from examples.foundation.convert import convert
from ripple import settings
from ripple.features.validation import checks
from ripple.training.evaluation.cutoff_evaluation import MODEL, POOLED, Backtest
from ripple.training.pipeline import fit_and_evaluate
from ripple.training.result import TrainingResult

SECTION = """\
## Network value on real referrals: Foundation

An auction platform for digital art, 2021-01-20 to 2021-04-30: 15,698 people, an invite tree, and $35.5
million of sales. Network value of a customer is what those whom they had invited sell in the next 15 days,
capped at the 95th percentile. The folder of the extract is yours to bring (`make truth-real
FOUNDATION_DATA=…`); settings and decisions are in `examples/foundation/convert.py`.

Capture of the top 5 % at every cutoff, as on [the page of truth](truth.md):

{captures}

Ripple's lead over the best rule, {best}, is {lead} in the mean, with a 95 %
interval of {low} to {high} (paired bootstrap over customers, each drawn at all cutoffs or none).

**Level.** All customers together, in million USD:

{totals}

Within the extract the total of 15 days rose from 0.9 to 3.6 million USD and fell to 2.3. From one window to
the next there were 1.4 to 5 times as many customers, each with a quarter to a half of the contacts
([why](method.md#the-level)): the heads had learnt from windows in which customers were few and busy. Totals
at earlier cutoffs were off as far, so the intervals are wide.
"""


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


def levels(heads: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each cutoff of `Backtest.heads`: the total, realised and predicted, and its interval."""
    return [
        {
            "cutoff": row["cutoff"],
            "realised": row["realised"],
            "predicted": row["predicted_share"] * row["realised"],
            "low": row["total_low"],
            "high": row["total_high"],
            "predicted ÷ realised": row["predicted_share"],
            "inside": row["total_low"] <= row["realised"] <= row["total_high"],
        }
        for row in heads.to_dict("records")
    ]


def section(backtest: Backtest) -> str:
    """The section of docs/real.md."""
    cutoffs = list(backtest.heads["cutoff"])
    lead, low, high = backtest.lead
    rankings = [
        [f"**{row['ranking']}**" if row["ranking"] == MODEL else row["ranking"]]
        + [f"{row[cutoff]:.3f}" for cutoff in (*cutoffs, POOLED)]
        for row in captures(backtest.rankings)
    ]
    totals = [
        [
            row["cutoff"],
            *(f"{row[name] / 1e6:.2f}" for name in ("realised", "predicted")),
            f"{row['low'] / 1e6:.2f} to {row['high'] / 1e6:.2f}",
            f"{row['predicted ÷ realised']:.2f}",
            "yes" if row["inside"] else "no",
        ]
        for row in levels(backtest.heads)
    ]
    return SECTION.format(
        captures=_markdown(["ranking", *cutoffs, "mean"], rankings),
        best=backtest.best_baseline,
        lead=f"{lead:+.3f}",
        low=f"{low:+.3f}",
        high=f"{high:+.3f}",
        totals=_markdown(
            ["cutoff", "realised", "predicted", "80 % interval", "predicted ÷ realised", "inside"], totals
        ),
    )


def _markdown(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Convert, learn, print the tables and write the section."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("source", type=Path)
    backtest = train(parser.parse_args().source).evaluation.backtest
    write_results("foundation", captures(backtest.rankings))
    lead, low, high = backtest.lead
    print(f"lead over {backtest.best_baseline}: {lead:+.3f} (95 % interval {low:+.3f} to {high:+.3f})")
    write_results("foundation_level", levels(backtest.heads))
    write_section("foundation", section(backtest))


if __name__ == "__main__":
    main()
