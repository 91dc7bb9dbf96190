"""The list of all features under given settings, with names, descriptions and families.

The name of a feature's function is its column, and its docstring the entry in the catalogue. Functions of
windows and powers are expanded here and nowhere else.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, get_args

import ibis.expr.types as ir

from ripple.features.definition import DEFINITIONS, Definition
from ripple.features.definitions import (
    direct_value,
    engagement,
    feedback,
    network,
    powers,
    sophistication,
    susceptibility,
)
from ripple.settings import Features, Power

MODULES = (engagement, sophistication, powers, direct_value, network, susceptibility, feedback)
"""The modules of features; importing them registers their functions in `DEFINITIONS`."""
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


@dataclass(frozen=True)
class Feature:
    """One column of the feature matrix.

    Attributes:
        name: the name of the column.
        family: one of `FAMILIES`, or one that a user has added.
        unit: the unit of its values.
        description: what the feature is, in a sentence or two.
        view: the name of the view it is computed from.
        empty: the value for a customer without rows in the view; None leaves it null.
        needs: optional columns of the view without which the feature does not exist.
        build: the expression of the feature over its view at a cutoff.
        function: the name of the function that defines it.
    """

    name: str
    family: str
    unit: str
    description: str
    view: str
    empty: float | None
    needs: tuple[str, ...]
    build: Callable[[ir.Table, datetime], ir.Value]
    function: str = ""


def features(settings: Features, extension: Sequence[Definition] = ()) -> list[Feature]:
    """Every feature under *settings*, in the order of families, then of definition.

    Args:
        settings: the windows.
        extension: the features that a user adds, see `features.extension`; other families come last.

    Raises:
        RuntimeError: two features share a name.
    """
    definitions = [*DEFINITIONS, *extension]
    expanded = [feature for definition in definitions for feature in _expand(definition, settings)]
    names = [feature.name for feature in expanded]
    if len(set(names)) < len(names):
        raise RuntimeError(f"two features share a name: {sorted({n for n in names if names.count(n) > 1})}")
    families = dict.fromkeys([*FAMILIES, *(feature.family for feature in expanded)])
    return sorted(expanded, key=lambda feature: list(families).index(feature.family))


def _expand(definition: Definition, settings: Features) -> Iterator[Feature]:
    """The features of a definition, one for each power and window that it takes."""
    build, name = definition.build, definition.build.__name__
    parameters = inspect.signature(build).parameters
    variants: list[tuple[str, str, dict[str, Any]]] = [(name, definition.family, {})]
    if "power" in parameters:
        variants = [(f"{power}_{name}", power, {"power": power}) for power in get_args(Power)]
    if "days" in parameters:
        variants = [
            (f"{prefix}_{days}d", family, arguments | {"days": days})
            for prefix, family, arguments in variants
            for days in settings.windows_days
        ]
    for column, family, arguments in variants:
        yield Feature(
            column,
            family,
            definition.unit,
            " ".join((inspect.getdoc(build) or "").format(**arguments).split()),
            definition.view,
            definition.empty,
            tuple(need.format(**arguments) for need in definition.needs),
            partial(build, **arguments),
            name,
        )
