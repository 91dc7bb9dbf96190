"""The definition of a feature: a small function over a view, marked with `feature`.

The first parameter names the view (see `features.views`), the second is always `as_of`. Rows of a view are
grouped by customer, unless it has one for each, whose columns are taken as they are. A function that takes
`days` too is one feature per window of the settings, one that takes `power` is one per power.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import ibis.expr.types as ir
import numpy as np


@dataclass(frozen=True)
class Definition:
    """A feature as its author wrote it, before windows and powers are filled in; see `feature`."""

    build: Callable[..., ir.Value]
    family: str
    unit: str
    empty: float | None
    needs: tuple[str, ...]

    @property
    def view(self) -> str:
        """Name of the view the feature is computed from."""
        return next(iter(inspect.signature(self.build).parameters))


@dataclass(frozen=True)
class BusinessMetric:
    """A metric of a ranking that a user adds to the backtest, and to the gate; see `metric`."""

    compute: Callable[[np.ndarray, np.ndarray], float]
    at_least: float | None

    @property
    def name(self) -> str:
        """The name of its function."""
        return self.compute.__name__

    @property
    def description(self) -> str:
        """The first paragraph of its docstring, on one line."""
        return " ".join((inspect.getdoc(self.compute) or "").partition("\n\n")[0].split())


@dataclass
class Defined:
    """Features and metrics, in the order in which they are defined."""

    features: list[Definition] = field(default_factory=list)
    metrics: list[BusinessMetric] = field(default_factory=list)


OWN = Defined()
DEFINITIONS = OWN.features
"""Ripple's own features: those defined by the modules of `registry.MODULES`."""
_DEFINED: ContextVar[Defined] = ContextVar("defined", default=OWN)


@contextmanager
def defined() -> Iterator[Defined]:
    """What is defined inside the block, which does not become Ripple's own."""
    collected = Defined()
    token = _DEFINED.set(collected)
    try:
        yield collected
    finally:
        _DEFINED.reset(token)


def feature(
    family: str, unit: str, *, empty: float | None = 0.0, needs: tuple[str, ...] = ()
) -> Callable[[Callable[..., ir.Value]], Callable[..., ir.Value]]:
    """Register the decorated function as a feature (or as several, if it takes `days` or `power`).

    Args:
        family: one of `registry.FAMILIES`, or another name; a function that takes `power` belongs to the
            family of the power.
        unit: the unit of the value, as the catalogue and the reasons show it.
        empty: the value for a customer without rows in the view; None where it is undefined then.
        needs: optional columns that the function reads.
    """

    def register(build: Callable[..., ir.Value]) -> Callable[..., ir.Value]:
        _DEFINED.get().features.append(Definition(build, family, unit, empty, needs))
        return build

    return register


def metric(
    *, at_least: float | None = None
) -> Callable[[Callable[[np.ndarray, np.ndarray], float]], Callable[[np.ndarray, np.ndarray], float]]:
    """Register the decorated function as a metric of the backtest.

    It is given the score of each customer by a ranking, and the network value that was realised, and returns
    a number. It is computed for the model and every baseline at every evaluation cutoff.

    Args:
        at_least: the mean over cutoffs below which a version does not pass the gate; None to report it only.
    """

    def register(
        compute: Callable[[np.ndarray, np.ndarray], float],
    ) -> Callable[[np.ndarray, np.ndarray], float]:
        _DEFINED.get().metrics.append(BusinessMetric(compute, at_least))
        return compute

    return register
