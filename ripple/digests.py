"""Short names for content: equal digests mean equal content."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

DISTRIBUTIONS = {"ibis": ("ibis-framework", "duckdb"), "sklearn": ("scikit-learn",)}
"""The distributions behind packages of other names; DuckDB computes the queries that ibis compiles."""


def digest(*parts: object) -> str:
    """A short name for *parts*, which are distinguished by their text."""
    hashed = hashlib.blake2b(digest_size=12)
    for part in parts:
        hashed.update(str(part).encode() + b"\0")
    return hashed.hexdigest()


@cache
def code_digest(*modules: str) -> str:
    """Digest of all that the results of *modules* follow from, apart from their arguments.

    That is their source code, that of every module of Ripple they import, directly or not, and the versions
    of the libraries all of these import.
    """
    sources: dict[str, str] = {}
    libraries: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name in sources:
            continue
        sources[name] = _file(name).read_text(encoding="utf-8")
        for imported in _imports(name, sources[name]):
            top = imported.partition(".")[0]
            if top == "ripple":
                waiting.append(imported)
            elif top not in sys.stdlib_module_names:
                libraries.update(DISTRIBUTIONS.get(top, (top,)))
    return digest(*sorted(sources.items()), *((name, _version(name)) for name in sorted(libraries)))


def _version(library: str) -> str | None:
    """The version of *library*; None where the extra that brings it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _imports(module: str, source: str) -> Iterator[str]:
    """The modules that *module*, whose code is *source*, imports, those only for typing included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = module if _file(module).name == "__init__.py" else module.rpartition(".")[0]
            source_of = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for name in (f"{source_of}.{alias.name}" for alias in node.names):
                yield name if name.startswith("ripple.") and _file(name).is_file() else source_of


def _file(module: str) -> Path:
    """The file of a module of Ripple."""
    place = Path(__file__).parent.joinpath(*module.split(".")[1:])
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
