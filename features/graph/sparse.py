"""Sparse matrices over ordered pairs of customers, and counts by customer."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from ripple.arrays import Bools, Floats, Ints


def csr_of_pairs(source: Ints, target: Ints, value: np.ndarray, size: int) -> sp.csr_matrix:
    """The square matrix of *value* with sources as rows and targets as columns.

    The pairs must be distinct and ordered by source, then target, so that nothing has to be sorted.
    """
    begin = np.zeros(size + 1, dtype=np.int64)
    np.cumsum(np.bincount(source, minlength=size), out=begin[1:])
    return sp.csr_matrix((value, target, begin), shape=(size, size))


def one_based_indices(number: int) -> NDArray[np.unsignedinteger]:
    """The integers from 1 to *number*, in the narrowest type; none is 0, which a sparse matrix would drop."""
    return np.arange(1, number + 1, dtype=np.min_scalar_type(number))


def is_run_start(value: NDArray[np.integer]) -> Bools:
    """Whether each entry differs from the one before it; the first entry always starts a run."""
    starts = np.ones(value.size, dtype=bool)
    np.not_equal(value[1:], value[:-1], out=starts[1:])
    return starts


def counts(customer: Ints, size: int) -> Floats:
    """The number of times that each of the *size* customers occurs in *customer*."""
    return np.bincount(customer, minlength=size).astype(np.float64)
