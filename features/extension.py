"""Features and metrics that a user adds without a change of Ripple: in `features.py` or in a package.

Features are written as those of `features.definitions` are, with the decorator `feature`, and become columns
of the matrix like all others. The file lies beside the data; a package names its modules under the entry
point ``ripple.features``.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, wraps
from importlib.metadata import entry_points
from pathlib import Path

import ibis.expr.types as ir
import numpy as np

from ripple.digests import digest
from ripple.errors import InputError
from ripple.features.definition import BusinessMetric, Defined, Definition, defined, feature, metric
from ripple.features.expressions import ratio, sum_or_zero
from ripple.features.registry import features
from ripple.features.views import ROW_VIEWS, VIEWS
from ripple.settings import Features
from ripple.suggestions import nearest

__all__ = ["Extension", "feature", "load_extension", "metric", "ratio", "sum_or_zero"]

ENTRY_POINTS = "ripple.features"
CLOCK = ("now", "today", "utcnow", "time_ns")
"""Names of functions that read the clock: a feature follows from the data and `as_of` alone."""
READING = re.compile(r"open|urlopen|read_\w+|scan_\w+|loadtxt|genfromtxt")
"""Names of functions that read files, which are no part of the data and know no cutoff."""
PER_CUSTOMER = ("customers", "matrix")
"""The views with one row per customer, of which a feature may be a column."""
RANKING_COLUMNS = (
    *("cutoff", "ranking", "capture", "precision", "pr_auc", "gini", "spearman", "brier"),
    *("capture_low", "capture_high", "lead", "lead_low", "lead_high"),
)
"""The columns of the backtest beside which those of a user's metrics stand."""
EXAMPLE = np.random.default_rng(7).gamma(0.2, 1, (2, 500))
"""Scores and values on which a metric is tried before anything is computed."""
KNOWN_VIEWS = (*VIEWS, *ROW_VIEWS, "matrix")
"""The views that a feature can be computed from."""


@dataclass(frozen=True)
class Extension:
    """The features and metrics that a user adds.

    Attributes:
        definitions: the features, in the order in which they are written.
        metrics: the metrics.
        digest: a digest of their code; empty where there is none.
        origins: the files or packages that they are written in.
    """

    definitions: tuple[Definition, ...] = ()
    metrics: tuple[BusinessMetric, ...] = ()
    digest: str = ""
    origins: tuple[str, ...] = ()


NO_EXTENSION = Extension()


def load_extension(folder: Path | None, settings: Features) -> Extension:
    """What the `features.py` in *folder* adds, if there is one, and what all installed packages add.

    Raises:
        InputError: a module cannot be run, or a feature or metric is not as its decorator expects it; the
            message names the file and the line.
    """
    file = folder / "features.py" if folder is not None else None
    parts = [(entry.value, *_of_package(entry.value)) for entry in entry_points(group=ENTRY_POINTS)]
    if file is not None and file.is_file():
        parts.append((str(file), *_of_file(file)))
    definitions = [_validated(one, origin) for origin, part, _ in parts for one in part.features]
    metrics = [_validated_metric(one, origin) for origin, part, _ in parts for one in part.metrics]
    if not definitions and not metrics:
        return NO_EXTENSION
    origins, sources = tuple(origin for origin, _, _ in parts), [source for _, _, source in parts]
    try:
        features(settings, definitions)
    except RuntimeError as error:
        raise InputError(f"{' and '.join(origins)}: {error}; rename yours.") from error
    except (KeyError, IndexError, ValueError) as error:
        raise InputError(
            f"{' and '.join(origins)}: braces in a docstring or in needs stand for a parameter, such as "
            f"{{days}}, but {error} is none."
        ) from error
    return Extension(tuple(definitions), tuple(metrics), digest(*sources), origins)


def _of_file(file: Path) -> tuple[Defined, str]:
    with defined() as collected:
        _run(lambda: runpy.run_path(str(file), run_name="ripple_features"), file)
    try:
        source = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not text in UTF-8: save it so.") from error
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in CLOCK:
            raise InputError(f"{file}: line {node.lineno}: reads the clock ({node.attr}); use as_of.")
        if isinstance(node, ast.Call) and READING.fullmatch(name := _name(node.func)):
            raise InputError(
                f"{file}: line {node.lineno}: reads a file ({name}), which knows no cutoff; use the views."
            )
    return collected, source


def _name(function: ast.expr) -> str:
    """The last part of the name by which a function is called."""
    match function:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


@cache
def _of_package(module: str) -> tuple[Defined, str]:
    """What an installed module adds; it runs once in a process."""
    with defined() as collected:
        _run(lambda: importlib.import_module(module), module)
    return collected, inspect.getsource(sys.modules[module])


def _run(action: Callable[[], object], origin: str | Path) -> None:
    try:
        action()
    except (Exception, SystemExit) as error:
        # the user's own code: whatever it raises is theirs to see, with its line
        raise InputError(f"{origin} cannot be run: {_where(error, str(origin))}") from error


def _where(error: BaseException, origin: str) -> str:
    """An error with the line of *origin* that it comes from."""
    line = getattr(error, "lineno", None)
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == origin:
            line = frame.lineno
    text = f"{type(error).__name__}: {error}"
    return f"line {line}: {text}" if line else text


def _validated(definition: Definition, origin: str) -> Definition:
    """The definition, whose errors are told with its *origin*.

    Raises:
        InputError: it is not as `feature` expects it.
    """
    build = definition.build
    name = getattr(build, "__name__", "a feature")
    problems = _problems(definition)
    if problem := next(problems, None):
        raise InputError(f"{origin}: {name}: {problem}")

    @wraps(build)
    def told(view: ir.Table, as_of: object, **arguments: object) -> ir.Value:
        try:
            value = build(view, as_of, **arguments)
        except Exception as error:
            raise InputError(f"{origin}: {name}: {_where(error, origin)}") from error
        if not isinstance(value, ir.NumericValue | ir.BooleanValue):
            raise InputError(f"{origin}: {name}: expected a number; found {type(value).__name__}.")
        if isinstance(value, ir.Column) and definition.view not in PER_CUSTOMER:
            raise InputError(
                f"{origin}: {name}: expected one value per customer, as of .sum(); found one per "
                f"row of {definition.view}."
            )
        if isinstance(value, ir.Scalar) and definition.view == "customers":
            raise InputError(f"{origin}: {name}: expected a column of customers; found one value for all.")
        return value

    return replace(definition, build=told)


def _problems(definition: Definition) -> Iterator[str]:
    build = definition.build
    parameters = list(inspect.signature(build).parameters)
    if len(parameters) < 2 or parameters[1] != "as_of":
        yield f"expected the parameters (VIEW, as_of); found ({', '.join(parameters)})."
    if parameters[0] not in KNOWN_VIEWS:
        yield f"its first parameter names no view: {parameters[0]}{nearest(parameters[0], KNOWN_VIEWS)}"
    if unknown := set(parameters[2:]) - {"days", "power"}:
        yield f"the parameters after as_of may be days and power; found {', '.join(sorted(unknown))}."
    if not (inspect.getdoc(build) or "").strip():
        yield "has no docstring, which the catalogue and the report show."


def _validated_metric(metric: BusinessMetric, origin: str) -> BusinessMetric:
    """The metric, whose errors are told with its *origin*.

    Raises:
        InputError: it is not as `metric` expects it.
    """
    compute, name = metric.compute, metric.name
    parameters = list(inspect.signature(compute).parameters)
    if len(parameters) != 2:
        found = ", ".join(parameters)
        raise InputError(f"{origin}: {name}: expected the parameters (score, realised); found ({found}).")
    if not metric.description:
        raise InputError(f"{origin}: {name}: has no docstring, which the report shows.")

    if name in RANKING_COLUMNS:
        raise InputError(f"{origin}: {name}: Ripple has a metric of this name; rename yours.")

    @wraps(compute)
    def told(score: np.ndarray, realised: np.ndarray) -> float:
        try:
            return float(compute(score.copy(), realised.copy()))
        except Exception as error:
            raise InputError(f"{origin}: {name}: {_where(error, origin)}") from error

    told(*EXAMPLE)
    return replace(metric, compute=told)
