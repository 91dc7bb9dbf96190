"""The catalogue of features as a Markdown page, read off the registry."""

from __future__ import annotations

from itertools import groupby

from features.registry import Feature, features
from settings import Settings

INTRODUCTION = """\
# Features

Written by `make docs` from the functions in `features/`. One row per customer and cutoff; a feature sees only
what had happened, and was known, before the cutoff. A feature whose table or column a dataset lacks is left
out of its models. Windows are those of `features.windows_days` in `ripple.toml`, here {windows} days.
"""


def markdown(settings: Settings) -> str:
    """The page under *settings*: a table per family with the name, unit and description of each feature."""
    windows = " and ".join(str(days) for days in settings.features.windows_days)
    sections = [
        f"## {family.capitalize()}\n\n{_table(list(members))}"
        for family, members in groupby(features(settings.features), lambda feature: feature.family)
    ]
    return "\n".join([INTRODUCTION.format(windows=windows), *sections])


def _table(members: list[Feature]) -> str:
    rows = [f"| `{feature.name}` | {feature.unit} | {feature.description} |" for feature in members]
    return "\n".join(["| name | unit | description |", "|---|---|---|", *rows, ""])
