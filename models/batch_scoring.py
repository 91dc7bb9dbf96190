"""Scores of a whole population at one moment, with what needs all of it: rank and top membership."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .bundle import HEADS, RANGE_SCORES, SCORES, Bundle
from .reasons import reasons

CHUNK_ROWS = 2**16
"""The number of customers that are explained at a time, so that their reasons fit in memory."""
ATTRIBUTE = "attribute:"
"""The prefix of an attribute's column in a snapshot, which sets it apart from features."""


def top_count(share: float, customers: int) -> int:
    """The number of *customers* in the top *share*, rounded up; 7 % of 100 is exactly 7."""
    return math.ceil(round(share * customers, 9))


def score_population(bundle: Bundle, features: pd.DataFrame) -> pd.DataFrame:
    """Scores, membership and rank of all customers of one moment.

    Args:
        features: One row per customer, indexed by `customer_id`.

    Returns:
        The columns of `Bundle.score`, `top_member` (the
        ⌈top_share·n⌉ of highest network value) and `rank` (1 is the highest value; ties in order of id).
    """
    scores = bundle.score(features.sort_index())
    order = np.argsort(-scores["network_value"].to_numpy(), kind="stable")
    rank = np.empty(len(scores), dtype=np.int64)
    rank[order] = np.arange(1, len(scores) + 1)
    return scores.assign(top_member=rank <= top_count(bundle.spec.top_share, len(scores)), rank=rank)


def with_reasons(bundle: Bundle, scores: pd.DataFrame, features: pd.DataFrame, number: int) -> pd.DataFrame:
    """*scores* with the *number* strongest reasons of each head in words.

    Returns:
        Further columns `value_reason_1` … for `network_value` and `top_reason_1` … for `top_probability`,
        the strongest first.
    """
    number = min(number, len(bundle.spec.names))
    x = bundle.matrix(features.loc[scores.index])
    columns = {}
    for head in HEADS:
        texts_by_chunk = [
            [
                [reason.text for reason in row]
                for row in reasons(bundle, head, x[begin : begin + CHUNK_ROWS], number)
            ]
            for begin in range(0, len(x), CHUNK_ROWS)
        ]
        for position in range(number):
            chunks = [pa.array([row[position] for row in texts], pa.string()) for texts in texts_by_chunk]
            columns[f"{head}_reason_{position + 1}"] = pd.Series(
                pa.chunked_array(chunks, pa.string()), index=scores.index, dtype="str"
            )
    return scores.assign(**columns)


def write_snapshot(
    path: Path,
    scores: pd.DataFrame,
    features: pd.DataFrame,
    as_of: datetime,
    attributes: pd.DataFrame | None = None,
) -> None:
    """Write scores and features side by side as Parquet, of which a publication for the service is made.

    Args:
        attributes: Text attributes of the same customers, by which the service lists the top of a segment.
    """
    wide = scores.join(features)
    if attributes is not None:
        wide = wide.join(attributes.add_prefix(ATTRIBUTE))
    table = pa.Table.from_pandas(wide.reset_index(), preserve_index=False)
    table = table.replace_schema_metadata({"as_of": as_of.isoformat()})
    pq.write_table(table, path, compression="zstd")


def read_snapshot(path: Path) -> tuple[datetime, pd.DataFrame, pd.DataFrame]:
    """The moment, features and scores of a file of `write_snapshot`; both are indexed by customer_id."""
    table = pq.read_table(path)
    rows = table.to_pandas().set_index("customer_id")
    scores = [name for name in (*SCORES, *RANGE_SCORES, "top_member", "rank") if name in rows]
    attributes = [name for name in rows if str(name).startswith(ATTRIBUTE)]
    as_of = datetime.fromisoformat((table.schema.metadata or {})[b"as_of"].decode())
    return as_of, rows.drop(columns=scores + attributes), rows[scores]
