"""The features of one cutoff, in memory or on disk, in batches that LightGBM reads one at a time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import overload
from uuid import uuid4

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

BATCH_ROWS = 16_384
"""The number of rows that are read from disk at a time."""
MAX_CELLS_IN_MEMORY = 20_000_000
"""The number of cells up to which the features of a cutoff stay in memory: 160 MB."""


class Rows(lgb.Sequence):
    """Rows of features by position.

    Attributes:
        index: the customer_id of each row.
        names: the features, in the order of the columns.
    """

    batch_size = BATCH_ROWS

    def __init__(self, index: pd.Index, names: list[str], read: Callable[[np.ndarray], np.ndarray]) -> None:
        """*read* returns the rows at ascending positions: rows × features, float64."""
        self.index = index
        self.names = names
        self._read = read

    @classmethod
    def of(cls, features: pd.DataFrame, folder: Path | None = None) -> Rows:
        """The rows of *features*, in a file in *folder* if there are many."""
        if folder is None or features.size <= MAX_CELLS_IN_MEMORY:
            x = features.to_numpy(np.float64)
            return cls(features.index, list(features.columns), lambda positions: x[positions])
        path = folder / f"{uuid4().hex}.parquet"
        table = pa.Table.from_pandas(features, preserve_index=False)
        pq.write_table(table, path, row_group_size=BATCH_ROWS, compression="zstd")
        return cls.from_parquet(path, features.index)

    @classmethod
    def from_parquet(cls, path: Path, index: pd.Index) -> Rows:
        """The rows of the customers in *index*, in a file that `of` has written."""
        file = _ParquetRows(path)
        return cls(index, file.names, file.read)

    def where(self, mask: np.ndarray) -> Rows:
        """The rows for which *mask* is true."""
        chosen = np.flatnonzero(mask)
        return Rows(self.index[mask], self.names, lambda positions: self._read(chosen[positions]))

    def with_columns(self, columns: pd.DataFrame) -> Rows:
        """The rows with further *columns*, by customer_id; nan where a customer has none."""
        further = columns.reindex(self.index).to_numpy(np.float64)
        return Rows(
            self.index,
            [*self.names, *columns.columns],
            lambda positions: np.hstack([self._read(positions), further[positions]]),
        )

    def frame(self) -> pd.DataFrame:
        """All rows, indexed by customer_id."""
        return pd.DataFrame(self[:], index=self.index, columns=self.names)

    def __len__(self) -> int:
        return len(self.index)

    @overload
    def __getitem__(self, key: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, key: slice | list[int]) -> np.ndarray: ...
    def __getitem__(self, key: int | slice | list[int]) -> np.ndarray:
        if isinstance(key, slice):
            return self._read(np.arange(*key.indices(len(self))))
        return self._read(np.atleast_1d(key))[0 if np.ndim(key) == 0 else slice(None)]


class _ParquetRows:
    """A Parquet file of numbers, of which one row group is in memory at a time."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)
        self.names: list[str] = self._file.schema_arrow.names
        self._group, self._rows = -1, np.empty((0, 0))

    def read(self, positions: np.ndarray) -> np.ndarray:
        groups = positions // BATCH_ROWS
        parts = [
            self._row_group(group)[positions[groups == group] - group * BATCH_ROWS]
            for group in np.unique(groups)
        ]
        return np.concatenate(parts) if parts else np.empty((0, len(self.names)))

    def _row_group(self, group: int) -> np.ndarray:
        if group != self._group:
            columns = self._file.read_row_group(group).columns
            self._group, self._rows = group, np.column_stack([column.to_numpy() for column in columns])
        return self._rows
