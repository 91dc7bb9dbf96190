"""Scores of a whole population: rank and membership need everybody, so they are given here only."""

from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from models.bundle import Bundle


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


def write_snapshot(path: Path, scores: pd.DataFrame, features: pd.DataFrame, as_of: datetime) -> None:
    """Write scores and features side by side as Parquet: what the service looks customers up in."""
    table = pa.Table.from_pandas(scores.join(features).reset_index(), preserve_index=False)
    table = table.replace_schema_metadata({"as_of": as_of.isoformat()})
    pq.write_table(table, path, compression="zstd")
