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
from dataclasses import dataclass

import ibis.expr.types as ir


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


DEFINITIONS: list[Definition] = []
"""Ripple's own features: those defined by the modules of `registry.MODULES`."""
_COLLECTED: ContextVar[list[Definition]] = ContextVar("collected", default=DEFINITIONS)


@contextmanager
def collected() -> Iterator[list[Definition]]:
    """The features that are defined inside the block, which do not become Ripple's own."""
    definitions: list[Definition] = []
    token = _COLLECTED.set(definitions)
    try:
        yield definitions
    finally:
        _COLLECTED.reset(token)


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
        _COLLECTED.get().append(Definition(build, family, unit, empty, needs))
        return build

    return register
