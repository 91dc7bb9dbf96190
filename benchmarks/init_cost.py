"""What proposing a mapping costs at up to a hundred million rows: `make bench-init`.

A million accounts and their payments are generated as Parquet, and profiled and mapped in a process of its
own. Wall-clock and CPU seconds (wall_s, cpu_s) and peak memory (peak_gb) are of the proposal alone, without
the check that `ripple init` ends with. The goal is 30 seconds at every size.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.harness import Run, cost, fresh_processes, write_results
from ripple.features.profiling.proposal import Proposal
from ripple.features.profiling.propose import propose
from ripple.features.tables.sources import find

SIZES = (1_000_000, 100_000_000)
"""The numbers of payments."""
ACCOUNTS = """
COPY (
    SELECT i AS id, 'acc-' || lpad(i::VARCHAR, 8, '0') AS account,
           TIMESTAMP '2020-01-01' + to_seconds(i) AS created_at
    FROM range({accounts}) AS t(i)
) TO '{folder}/accounts.parquet'"""
PAYMENTS = """
COPY (
    SELECT i AS id, 'acc-' || lpad((i * 7919 % {accounts})::VARCHAR, 8, '0') AS account_id,
           TIMESTAMP '2022-01-01' + to_seconds(i) AS paid_at, i % 97 + 0.5 AS amount,
           'plan ' || i % 13 AS plan
    FROM range({payments}) AS t(i)
) TO '{folder}/payments.parquet'"""


def generate(payments: int, folder: Path) -> None:
    """Write accounts and so many payments to *folder*."""
    names = {"accounts": min(payments, 1_000_000), "payments": payments, "folder": folder}
    with duckdb.connect() as engine:
        engine.execute("SET enable_progress_bar = false")
        engine.execute(ACCOUNTS.format(**names))
        engine.execute(PAYMENTS.format(**names))


def proposed(folder: Path) -> Proposal:
    """The proposal for the tables in *folder*."""
    with find(folder).open() as place:
        return propose(place)


def proposal_cost(folder: Path) -> dict[str, float]:
    """Cost of a proposal, which has to map customers and orders."""
    proposal, spent = cost(proposed, folder)
    assert [part.table.name for part in proposal.of("customers") + proposal.of("orders")] == [
        "accounts",
        "payments",
    ]
    return spent


def measure(run: Run, sizes: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield a row for each size."""
    for payments in sizes:
        with tempfile.TemporaryDirectory() as folder:
            run(generate, payments, Path(folder))
            yield {"payments": payments, **run(proposal_cost, Path(folder))}


def main() -> None:
    """Measure every size and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--payments", type=int, nargs="+", default=SIZES, help="how many, one or more numbers"
    )
    with fresh_processes() as run:
        write_results("init", list(measure(run, parser.parse_args().payments)))


if __name__ == "__main__":
    main()
