"""The catalogue of features, made from the registry: as a Markdown page and as text."""

from __future__ import annotations

from itertools import groupby

from ripple.features.registry import Feature, features
from ripple.settings import Settings

INTRODUCTION = """\
# Features

Written by `make docs` from the functions in `features/`; `ripple features --list` prints the same. One row
per customer and cutoff; a feature sees only what had happened, and was known, before the cutoff. Ages are
whole days, 1 on the last day before it. Windows are those of `features.windows_days` in `ripple.toml`:
{windows}.

Three things can be missing. Where a table or column is not in the dataset, the features made of it are left
out, and no model uses them. A customer without any row there has what the column "no rows" says. And what is
undefined, such as a share of nothing, is null.

Attributes of customers are features too, called `attribute_NAME`, where the data have them: see the page on
the tables. Numbers are used as they are; a category stands for what customers of its level brought in the
last closed window ÷ the average.
"""


def markdown(settings: Settings) -> str:
    """The page under *settings*: a table per family with unit, description and value of each feature."""
    windows = " and ".join(str(days) for days in settings.features.windows_days)
    sections = [
        f"## {family.capitalize()}\n\n{_table(list(members))}"
        for family, members in groupby(features(settings.features), lambda feature: feature.family)
    ]
    return "\n".join([INTRODUCTION.format(windows=windows), *sections])


def text(settings: Settings) -> str:
    """Name, unit and description of each feature under *settings*, one to a line, by family."""
    all_features = features(settings.features)
    name, unit = (max(len(getattr(feature, part)) for feature in all_features) for part in ("name", "unit"))
    return "\n\n".join(
        "\n".join(
            [family, *(f"  {each.name:<{name}}  {each.unit:<{unit}}  {each.description}" for each in members)]
        )
        for family, members in groupby(all_features, lambda feature: feature.family)
    )


def _table(members: list[Feature]) -> str:
    rows = [
        f"| `{feature.name}` | {feature.unit} | {'null' if feature.empty is None else f'{feature.empty:g}'} "
        f"| {feature.description} |"
        for feature in members
    ]
    return "\n".join(["| name | unit | no rows | description |", "|---|---|---|---|", *rows, ""])
