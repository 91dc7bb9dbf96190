"""What a feature is: a small function over a view; its name is the column, its docstring the catalogue entry.

The first parameter names the view (see `features.views`), the second is always `as_of`. Rows of a view are
grouped by customer, unless it has one for each, whose columns are taken as they are. A function that takes
`days` too is one feature per window of the settings, one that takes `power` is one per power; their names are
derived here and nowhere else.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, get_args

import ibis.expr.types as ir

from ripple.settings import Features, Power

FAMILIES = (
    "engagement",
    "sophistication",
    "referent",
    "informational",
    "expert",
    "direct value",
    "network",
    "susceptibility",
    "feedback",
)

MODULES = ("engagement", "sophistication", "powers", "direct_value", "network", "susceptibility", "feedback")


@dataclass(frozen=True)
class Definition:
    """A feature as its author wrote it, before windows and powers are filled in."""

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
class Feature:
    """One column of the feature matrix.

    Attributes:
        empty: value for a customer without rows in the view; None leaves it null.
        needs: optional columns of the view without which the feature does not exist.
    """

    name: str
    family: str
    unit: str
    description: str
    view: str
    empty: float | None
    needs: tuple[str, ...]
    build: Callable[[ir.Table, datetime], ir.Value]


_DEFINITIONS: list[Definition] = []


def feature(
    family: str, unit: str, *, empty: float | None = 0.0, needs: tuple[str, ...] = ()
) -> Callable[[Callable[..., ir.Value]], Callable[..., ir.Value]]:
    """Register the decorated function as a feature (or as several, if it takes `days` or `power`).

    Args:
        family: one of `FAMILIES`; ignored for a function that takes `power`, whose family is the power.
        unit: unit of the value, as the catalogue and the reasons show it.
        empty: what a customer with no rows in the view gets; None where the value is undefined then.
        needs: optional columns the function reads.
    """

    def register(build: Callable[..., ir.Value]) -> Callable[..., ir.Value]:
        _DEFINITIONS.append(Definition(build, family, unit, empty, needs))
        return build

    return register


def features(settings: Features) -> list[Feature]:
    """Every feature under *settings*, in the order of families, then of definition."""
    for module in MODULES:
        importlib.import_module(f"ripple.features.definitions.{module}")  # which registers its functions
    expanded = [feature for definition in _DEFINITIONS for feature in _expand(definition, settings)]
    names = [feature.name for feature in expanded]
    if len(set(names)) < len(names):
        raise RuntimeError(f"two features share a name: {sorted({n for n in names if names.count(n) > 1})}")
    return sorted(expanded, key=lambda feature: FAMILIES.index(feature.family))


def _expand(definition: Definition, settings: Features) -> Iterator[Feature]:
    build, name = definition.build, definition.build.__name__
    parameters = inspect.signature(build).parameters
    variants: list[tuple[str, str, dict[str, Any]]] = [(name, definition.family, {})]
    if "power" in parameters:
        variants = [(f"{power}_{name}", power, {"power": power}) for power in get_args(Power)]
    if "days" in parameters:
        variants = [
            (f"{prefix}_{days}d", family, given | {"days": days})
            for prefix, family, given in variants
            for days in settings.windows_days
        ]
    for column, family, given in variants:
        yield Feature(
            column,
            family,
            definition.unit,
            " ".join((inspect.getdoc(build) or "").format(**given).split()),
            definition.view,
            definition.empty,
            tuple(need.format(**given) for need in definition.needs),
            partial(build, **given),
        )
