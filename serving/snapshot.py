"""The features and scores of every customer as of one moment, as the service looks them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.bundle import SCORES


class SnapshotError(ValueError):
    """The snapshot file is not what the bundle beside it needs."""


@dataclass(frozen=True)
class Snapshot:
    """Every customer known at one moment, one row each.

    Attributes:
        as_of: the moment, in ISO 8601, UTC.
        rows: customer id → row.
        features: rows × features, float64, NaN where undefined, in the bundle's order.
        scores: each of `models.bundle.SCORES` → one value per row, as the batch job computed them.
        rank: 1 for the highest network value.
        top_member: whether the customer is among the predicted top.
        descending: minus the network values, ascending, for ranks of values that are in no row.
    """

    as_of: str
    rows: dict[str, int]
    features: np.ndarray
    scores: dict[str, np.ndarray]
    rank: np.ndarray
    top_member: np.ndarray
    descending: np.ndarray

    @classmethod
    def load(cls, path: Path, names: Sequence[str]) -> Snapshot:
        """Read *path*, with the features called *names* in that order.

        Raises:
            SnapshotError: a column or the moment is missing, a customer is there twice or has no id, a score
                is undefined, or there is no customer at all.
        """
        columns = ["customer_id", *SCORES, "top_member", "rank", *names]
        schema = pq.read_schema(path)
        if missing := [name for name in columns if name not in schema.names]:
            raise SnapshotError(
                f"{path}: no column '{missing[0]}' ({len(missing)} of {len(columns)} missing)."
            )
        as_of = (schema.metadata or {}).get(b"as_of")
        if as_of is None:
            raise SnapshotError(f"{path}: its metadata does not say as_of which moment it is.")
        table = pq.read_table(path, columns=columns)
        if table.num_rows == 0:
            raise SnapshotError(f"{path}: it holds no customer.")
        for name in ("customer_id", *SCORES, "top_member", "rank"):
            if table.column(name).null_count:
                raise SnapshotError(
                    f"{path}: column '{name}' is null in {table.column(name).null_count} rows."
                )
        scores = {name: table.column(name).to_numpy() for name in SCORES}
        return cls(
            as_of=as_of.decode(),
            rows=_rows(path, table.column("customer_id").to_pylist()),
            features=_matrix(table, names),
            scores=scores,
            rank=table.column("rank").to_numpy(),
            top_member=table.column("top_member").to_numpy(),
            descending=np.sort(-scores["network_value"]),
        )

    @property
    def size(self) -> int:
        """How many customers it holds."""
        return len(self.rank)

    def row_of(self, customer_id: str) -> int | None:
        """Row of a customer, or None where the snapshot does not know it."""
        return self.rows.get(customer_id)

    def rank_of(self, network_value: float) -> int:
        """1 + the number of customers whose network value is strictly higher."""
        return 1 + int(np.searchsorted(self.descending, -network_value, side="left"))


def _rows(path: Path, ids: list[str]) -> dict[str, int]:
    rows = {customer_id: row for row, customer_id in enumerate(ids)}
    if len(rows) < len(ids):
        twice = next(customer_id for row, customer_id in enumerate(ids) if rows[customer_id] != row)
        raise SnapshotError(f"{path}: customer '{twice}' is there twice.")
    return rows


def _matrix(table: pa.Table, names: Sequence[str]) -> np.ndarray:
    matrix = np.empty((table.num_rows, len(names)))
    for position, name in enumerate(names):
        matrix[:, position] = table.column(name).cast(pa.float64()).to_numpy()
    return matrix
