"""Writes what is read off the code (features, settings, options of the service) and off figures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from ripple.features.catalog import markdown as features_page
from ripple.serving.options import PREFIX, Options
from ripple.settings import KINDS, Settings
from ripple.settings import RULES as PLAY_RULES
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.report.sections.trust import backtest
from ripple.training.report.sections.trust.known_truth import FIGURES

DOCS = Path(__file__).parent
INTRODUCTION = """\
# Settings

Written by `make docs` from `settings.py`. A dataset's own go into `ripple.toml` beside its tables, or into a
file that `--settings` names; a variable `RIPPLE_…` outranks the file for one run (`RIPPLE_HORIZON_DAYS=30`,
`RIPPLE_CUTOFFS__STEP_DAYS=7`). A key or variable that is not listed here is refused.

| key in ripple.toml | default | meaning |
|---|---|---|
"""
PLAYS = """

`plays.rules` says who gets which play in the report and in `ripple report --plays`. The first rule that
fits counts; an empty condition holds for everybody, and who fits none gets no play. These are the defaults:

| play | network | direct | sentiment | fading | what to do |
|---|---|---|---|---|---|
"""
OWN_PLAYS = """
Rules of your own replace them all:

```toml
[[plays.rules]]
play = "rescue"
action = "call them this week"
network = "high"
sentiment = "unhappy"
```
"""


def settings_page() -> str:
    """Every setting with its default and meaning, and the powers of the kinds of interaction."""
    kinds = "\n".join(f"| {kind} | {power} |" for kind, power in KINDS.items())
    return (
        INTRODUCTION
        + "\n".join(_rows(Settings, ""))
        + "\n\n`[kinds]` adds to these, or changes them:\n\n| kind | power |\n|---|---|\n"
        + kinds
        + PLAYS
        + "\n".join(_rules())
        + "\n"
        + OWN_PLAYS
    )


def _rules() -> Iterator[str]:
    """A row for every rule: its conditions, its name and what it suggests."""
    for rule in PLAY_RULES:
        given = rule.model_dump(exclude={"play", "action"})
        yield "| " + " | ".join([rule.play, *map(_condition, given.values()), rule.action]) + " |"


def _condition(wanted: str | bool | None) -> str:
    return "" if wanted is None else {True: "yes", False: "no"}.get(wanted, str(wanted))


def _rows(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _rows(field.annotation, f"{prefix}{name}.")
        else:
            default = field.get_default()
            shown = "below" if default == PLAY_RULES else f"`{default}`"
            yield f"| `{prefix}{name}` | {shown} | {field.description} |"


def serving_page() -> str:
    """docs/serving.md with the options of the service as they are."""
    rows = (
        f"| `{PREFIX}{name.upper()}` | {f'`{default}`' if (default := field.get_default()) else ''} "
        f"| {field.description} |\n"
        for name, field in Options.model_fields.items()
    )
    page = (DOCS / "serving.md").read_text(encoding="utf-8")
    return re.sub(rf"(^\| `{PREFIX}\w+` \|.*\n)+", "".join(rows), page, count=1, flags=re.MULTILINE)


def known_truth() -> str:
    """What the report tells of the simulated worlds, from the latest `make truth`."""
    measured = json.loads((DOCS.parent / "benchmarks/results/truth.json").read_text(encoding="utf-8"))
    worlds = []
    for world, found in measured["worlds"].items():
        label, influence = found["rankings"]["label"], found["totals"]["influence, with generations"]
        rules = {
            name: row["capture"]
            for name, row in found["forecast"].items()
            if name in backtest.RULES.keys() - {MODEL}
        }
        best = max(rules, key=lambda name: rules[name]) if rules else None
        worlds.append(
            {
                "world": world,
                "label": label["capture"],
                "total": label["total_ratio"],
                "influence": influence["label"],
                "truth": influence["truth"],
                "forecast": found["forecast"][MODEL]["capture"] if rules else None,
                "rule": rules[best] if best else None,
                "best_rule": best,
            }
        )
    told = {
        "customers": measured["customers"],
        "seeds": len(measured["seeds"]),
        "top_share": Settings().top_share,
    }
    return json.dumps(told | {"worlds": worlds}, indent=1) + "\n"


PAGES = {
    DOCS / "features.md": lambda: features_page(Settings()),
    DOCS / "settings.md": settings_page,
    DOCS / "serving.md": serving_page,
    FIGURES: known_truth,
}

if __name__ == "__main__":
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
