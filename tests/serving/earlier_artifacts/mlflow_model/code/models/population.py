"""Scores of a whole population: rank and membership need everybody, so they are given here only."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.bundle import HEADS, SCORES, Bundle
from models.reasons import reasons

TOGETHER = 2**16
"""Customers explained at a time, so that their reasons fit in memory."""
ATTRIBUTE = "attribute:"
"""Before the name of an attribute, where it stands beside features."""


def top_count(share: float, customers: int) -> int:
    """How many of *customers* make up the top *share*: rounded up, where 7 % of 100 is 7."""
    return math.ceil(round(share * customers, 9))


def score_population(bundle: Bundle, features: pd.DataFrame) -> pd.DataFrame:
    """Scores, membership and rank of all customers of one moment.

    Args:
        features: one row per customer, indexed by `customer_id`.

    Returns:
        `network_value`, `network_value_low`, `network_value_high`, `top_probability`, `top_member` (the best
        ⌈top_share·n⌉ by network value) and `rank` (1 is the highest value; equals in order of id).
    """
    scores = bundle.score(features.sort_index())
    order = np.argsort(-scores["network_value"].to_numpy(), kind="stable")
    rank = np.empty(len(scores), dtype=np.int64)
    rank[order] = np.arange(1, len(scores) + 1)
    return scores.assign(top_member=rank <= top_count(bundle.spec.top_share, len(scores)), rank=rank)


def with_reasons(bundle: Bundle, scores: pd.DataFrame, features: pd.DataFrame, number: int) -> pd.DataFrame:
    """*scores* with the *number* strongest reasons of both heads in words.

    Returns:
        Further columns `value_reason_1` …, what moved `network_value`, and `top_reason_1` …, what moved
        `top_probability`, the strongest first.
    """
    number = min(number, len(bundle.spec.names))
    x = bundle.matrix(features.loc[scores.index])
    columns = {}
    for head in HEADS:
        told = [
            [
                [reason.text for reason in row]
                for row in reasons(bundle, head, x[begin : begin + TOGETHER], number)
            ]
            for begin in range(0, len(x), TOGETHER)
        ]
        for place in range(number):
            parts = [pa.array([row[place] for row in part], pa.string()) for part in told]
            columns[f"{head}_reason_{place + 1}"] = pd.Series(
                pa.chunked_array(parts, pa.string()), index=scores.index, dtype="str"
            )
    return scores.assign(**columns)


def write_snapshot(
    path: Path,
    scores: pd.DataFrame,
    features: pd.DataFrame,
    as_of: datetime,
    attributes: pd.DataFrame | None = None,
) -> None:
    """Write scores and features side by side as Parquet, from which a publication for the service is made.

    Args:
        attributes: text attributes of the same customers, by which the service lists the top of a segment.
    """
    wide = scores.join(features)
    if attributes is not None:
        wide = wide.join(attributes.add_prefix(ATTRIBUTE))
    table = pa.Table.from_pandas(wide.reset_index(), preserve_index=False)
    table = table.replace_schema_metadata({"as_of": as_of.isoformat()})
    pq.write_table(table, path, compression="zstd")


def read_snapshot(path: Path) -> tuple[datetime, pd.DataFrame, pd.DataFrame]:
    """The moment, features and scores, indexed by customer_id, that `write_snapshot` has written."""
    table = pq.read_table(path)
    rows = table.to_pandas().set_index("customer_id")
    scores = [*SCORES, "top_member", "rank"]
    attributes = [name for name in rows if str(name).startswith(ATTRIBUTE)]
    as_of = datetime.fromisoformat((table.schema.metadata or {})[b"as_of"].decode())
    return as_of, rows.drop(columns=scores + attributes), rows[scores]
