"""Writes the truth of a window to a folder of its own, never to where a pipeline might read it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pandas as pd

from ripple import atomic
from ripple.simulation.diffusion.realisation import History
from ripple.simulation.diffusion.truth import leave_one_out, referral_value, revenue, total_influence, traits
from ripple.simulation.tables.files import dataset_around, validate_replaceable

CUSTOMERS, TOTALS = "truth.parquet", "truth.json"
"""The names of the files of the truth by customer, and of its totals."""


def write_truth(history: History, start: datetime, end: datetime, folder: Path) -> None:
    """Write what is true in (start, end] to *folder*, all or nothing; a truth written earlier is replaced.

    ``truth.parquet`` has a row per customer who had joined before *start*: the columns of `leave_one_out`,
    `referral_value` and `traits`. ``truth.json`` has the window, its revenue and the total influence.

    Raises:
        ValueError: the window reaches out of the simulated months, or *folder* is or lies in a dataset.
        FileExistsError: *folder* is a file, or holds anything but a truth written earlier.
    """
    folder = folder.resolve()
    if dataset := dataset_around(folder):
        raise ValueError(
            f"No truth is written to {folder}: {dataset} is a dataset, and what may be learnt from must not "
            "show it. Name a folder elsewhere."
        )
    validate_replaceable(folder, "a simulated truth", {CUSTOMERS, TOTALS})
    influence, referral = leave_one_out(history, start, end), referral_value(history, start, end)
    customers = pd.concat([influence, referral, traits(history).loc[influence.index]], axis=1)
    totals = {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "revenue": round(revenue(history, start, end), 2),
        "total_influence": round(total_influence(history, start, end), 2),
    }
    with atomic.folder(folder) as building:
        customers.to_parquet(building / CUSTOMERS)
        (building / TOTALS).write_text(json.dumps(totals, indent=2) + "\n", encoding="utf-8")
