"""Writes the pages, and parts of pages, that are generated from code and from benchmark figures.

These are features, settings, the options of the service, and what reports quote of the simulated worlds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import BaseModel

from ripple.features.catalog import markdown as features_page
from ripple.sections.play_rules import RULES as PLAY_RULES
from ripple.serving.options import PREFIX, Options
from ripple.settings import KINDS, Settings
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.report.sections.trust import backtest
from ripple.training.report.sections.trust.known_truth import FIGURES

DOCS = Path(__file__).parent
INTRODUCTION = """\
# Settings

Written by `make docs` from `ripple/settings.py`. Settings of a dataset go into `ripple.toml` next to its
tables, or into a file that `--settings` names; a variable `RIPPLE_…` overrides the file for one run
(`RIPPLE_HORIZON_DAYS=30`, `RIPPLE_CUTOFFS__STEP_DAYS=7`). A key or variable that is not listed here is
refused; what Kubernetes says of its Services (`RIPPLE_SERVICE_HOST`, `RIPPLE_PORT=tcp://…`) is left alone.

Every command reads `home`, `experiment` and `registered_model`, which say where results are kept, also from
`ripple.toml` in the current folder. Settings of the data and `--settings`, which every command on versions
takes too, outrank it. A relative `home` begins in the current folder.

| key in ripple.toml | default | meaning |
|---|---|---|
"""
PLAYS = """

`plays.rules` sets which customer gets which play in the report and in `ripple report --plays`. The first
rule that matches applies; an empty condition matches everybody, and a customer without a match gets no
play. The defaults:

| play | network | direct | sentiment | fading | what to do |
|---|---|---|---|---|---|
"""
OWN_PLAYS = """
Your own rules replace all of them:

```toml
[[plays.rules]]
play = "rescue"
action = "call them this week"
network = "high"
sentiment = "unhappy"
```
"""


def settings_page() -> str:
    """Return docs/settings.md: every setting with default and meaning, kinds of interaction, and plays."""
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
    """Yield a table row for every default rule of plays: its name, conditions and action."""
    for rule in PLAY_RULES:
        conditions = rule.model_dump(exclude={"play", "action"})
        yield "| " + " | ".join([rule.play, *map(_condition, conditions.values()), rule.action]) + " |"


def _condition(value: str | bool | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value or ""


def _rows(section: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _rows(field.annotation, f"{prefix}{name}.")
        else:
            default = field.get_default()
            shown = "below" if default == PLAY_RULES else f"`{default}`"
            yield f"| `{prefix}{name}` | {shown} | {field.description} |"


def serving_page() -> str:
    """Return docs/serving.md with its table of options as the code has them."""
    rows = (
        f"| `{PREFIX}{name.upper()}` | {f'`{default}`' if (default := field.get_default()) else ''} "
        f"| {field.description} |\n"
        for name, field in Options.model_fields.items()
    )
    page = (DOCS / "serving.md").read_text(encoding="utf-8")
    return re.sub(rf"(^\| `{PREFIX}\w+` \|.*\n)+", "".join(rows), page, count=1, flags=re.MULTILINE)


def known_truth() -> str:
    """Return, as JSON, the figures of simulated worlds that reports quote from the latest `make truth`."""
    truth = json.loads((DOCS.parent / "benchmarks/results/truth.json").read_text(encoding="utf-8"))
    worlds = []
    for world, figures in truth["worlds"].items():
        label, influence = figures["rankings"]["label"], figures["totals"]["influence, with generations"]
        rules = {
            name: row["capture"]
            for name, row in figures["forecast"].items()
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
                "forecast": figures["forecast"][MODEL]["capture"] if rules else None,
                "rule": rules[best] if best else None,
                "best_rule": best,
            }
        )
    scope = {
        "customers": truth["customers"],
        "seeds": len(truth["seeds"]),
        "top_share": Settings().top_share,
    }
    return json.dumps(scope | {"worlds": worlds}, indent=1) + "\n"


PAGES: dict[Path, Callable[[], str]] = {
    DOCS / "features.md": lambda: features_page(Settings()),
    DOCS / "settings.md": settings_page,
    DOCS / "serving.md": serving_page,
    FIGURES: known_truth,
}

if __name__ == "__main__":
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
