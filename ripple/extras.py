"""Optional parts of the installation, and what to install where one is missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires, version

from ripple.errors import InputError


def require(*extras: str) -> None:
    """Raise an `InputError` that says what to install, unless all that *extras* bring is installed."""
    missing = [extra for extra in extras if not all(map(_is_installed, _distributions(extra)))]
    if missing:
        raise missing_extras(*missing)


def missing_extras(*extras: str) -> InputError:
    """The error where *extras* are needed and not installed."""
    needed, options = " and ".join(extras), " ".join(f"--extra {extra}" for extra in extras)
    return InputError(
        f"This needs the {'extra' if len(extras) == 1 else 'extras'} {needed}: "
        # by file, as another project has the name on PyPI
        f"pip install 'ripple-{version('ripple')}-py3-none-any.whl[{','.join(extras)}]', "
        f"or in a checkout .venv/bin/uv sync --frozen --inexact {options}."
    )


def _distributions(extra: str) -> Iterator[str]:
    """The names of the distributions that *extra* brings, as pyproject.toml declares them."""
    for requirement in requires("ripple") or ():
        if requirement.endswith(f"extra == '{extra}'"):
            yield re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
