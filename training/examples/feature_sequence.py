"""The features of one cutoff, in memory or on disk, as LightGBM takes them in: a batch at a time."""

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

BATCH = 16_384
"""Rows that are in memory at a time."""
MOST_HELD = 20_000_000
"""Cells of a cutoff that may stay in memory: 160 MB."""


class Rows(lgb.Sequence):
    """Rows of features by position.

    Attributes:
        index: customer_id of each row.
        names: of the features.
    """

    batch_size = BATCH

    def __init__(self, index: pd.Index, names: list[str], read: Callable[[np.ndarray], np.ndarray]) -> None:
        """*read* gives the rows at ascending positions: rows × features, float64."""
        self.index = index
        self.names = names
        self._read = read

    @classmethod
    def of(cls, features: pd.DataFrame, folder: Path | None = None) -> Rows:
        """The rows of *features*, in a file in *folder* if there are many."""
        if folder is None or features.size <= MOST_HELD:
            held = features.to_numpy(np.float64)
            return cls(features.index, list(features.columns), lambda positions: held[positions])
        path = folder / f"{uuid4().hex}.parquet"
        table = pa.Table.from_pandas(features, preserve_index=False)
        pq.write_table(table, path, row_group_size=BATCH, compression="zstd")
        return cls.stored(path, features.index)

    @classmethod
    def stored(cls, path: Path, index: pd.Index) -> Rows:
        """The rows in a file that `of` has written, of the customers in *index*."""
        file = _File(path)
        return cls(index, file.names, file.read)

    def where(self, kept: np.ndarray) -> Rows:
        """The rows for which *kept* is true."""
        chosen = np.flatnonzero(kept)
        return Rows(self.index[kept], self.names, lambda positions: self._read(chosen[positions]))

    def frame(self) -> pd.DataFrame:
        """All rows, indexed by customer_id."""
        return pd.DataFrame(self[:], index=self.index, columns=self.names)

    def __len__(self) -> int:
        return len(self.index)

    @overload
    def __getitem__(self, wanted: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, wanted: slice | list[int]) -> np.ndarray: ...
    def __getitem__(self, wanted: int | slice | list[int]) -> np.ndarray:
        if isinstance(wanted, slice):
            return self._read(np.arange(*wanted.indices(len(self))))
        return self._read(np.atleast_1d(wanted))[0 if np.ndim(wanted) == 0 else slice(None)]


class _File:
    """A Parquet file of numbers, of which one row group is in memory."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)
        self.names: list[str] = self._file.schema_arrow.names
        self._group, self._rows = -1, np.empty((0, 0))

    def read(self, positions: np.ndarray) -> np.ndarray:
        groups = positions // BATCH
        parts = [self._of(group)[positions[groups == group] - group * BATCH] for group in np.unique(groups)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.names)))

    def _of(self, group: int) -> np.ndarray:
        if group != self._group:
            columns = self._file.read_row_group(group).columns
            self._group, self._rows = group, np.column_stack([column.to_numpy() for column in columns])
        return self._rows
