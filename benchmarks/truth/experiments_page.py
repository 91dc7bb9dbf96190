"""The section of docs/truth.md on experiments, and benchmarks/results/experiments.json."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from benchmarks.harness import RESULTS, write_section
from benchmarks.truth.experiments import (
    CANDIDATES,
    CUSTOMERS,
    DAYS,
    DRAWS,
    INDIVIDUAL,
    NO_COVARIATES,
    READ_OUT,
    SEED,
    SETTINGS,
    T_TEST,
    Figures,
    figures,
)
from benchmarks.truth.goals import Goal
from benchmarks.truth.run import EXPERIMENTS, PAGE
from ripple.training.experiments.outcomes import AUDIENCE, OWN, TOTAL

EXPERIMENT_COUNT, PEEK_COUNT = 200, 200
"""The number of experiments of each setting, and of those in which somebody looks every day."""
COVERAGE, FALSE_POSITIVES, MAX_BIAS, MAX_POWER_GAP, MAX_PEEKING = (0.92, 0.98), (0.03, 0.07), 0.1, 0.1, 0.06
"""The goals: coverage of the 95 % interval, false positives, bias by spill-over, power against what the
design promises, and false positives of somebody who looks every day."""
OUTCOMES = {TOTAL: "customer and audience", OWN: "customer", AUDIENCE: "audience"}
"""Outcome → its name on the page."""
POWERED = (0.2, 0.95)
"""The range of promised power in which it can be told from power that was reached."""
TEXT = """\
## Experiments against known effects

Written by `make truth-experiments`. Each world has {customers:,} customers; {candidates} of them, those with
the highest label so far, take part for {days} days. A play is done to half of them, by units of customers
with a common audience. What follows is simulated again with the same random numbers, so the true effect is
the difference of two worlds: what the play adds, per customer, if it is done to all who take part. The
**{count} experiments** of a row differ in who is treated (seed {seed}).

*Voice × f*: the treated pass on what they have f − 1 times more often. *Spend × f*: they pay f times. *Bias*
is that of the difference between the arms in what the play really added, so it has no noise: it is due to
spill-over. *Power* is the share of the experiments whose 95 % interval excludes zero; *promised* is what the
A/A tests of the design promise for the true effect. Randomisation tests draw {draws} assignments.

{goals}

{layouts}

### The read-out

{read_out}

### Naive rivals, customer and audience together

{rivals}

Somebody who looks every day at an experiment in which nothing is done finds something in {looks:.1%} of
{peeks} experiments by the read-out, and in {naive:.1%} by a t-test.

{findings}
"""
FINDINGS = """\
- **What is missed.** A difference between arms is the effect of treating one unit more while half of the
  others are treated. What the play adds elsewhere raises both arms and cancels out. In `default` a fifth of
  the ties leave the community, and whoever is moved goes on to move others: much lands in other units,
  although the overlap of audiences that tables show is {overlap:.1%}. Where ties stay inside communities
  (`weak`) less does. So effects through others are **understated**, by {bias} here; a change of own spend is
  not.
- Each customer a unit: {naive_bias} are missed.
- Without covariates the interval is {wider:.1f} times as wide (`{first}`).
- Where voice is raised and the interval covers the truth too rarely, or an effect is found less often than
  promised, that is this bias: A/A tests promise power for the true effect; the arms differ by a part of it.
- A play that raises spend in proportion makes the treated differ more from each other. The interval of their
  own spend is {spread:.0%} wider than with nothing done (`{spend}`), which A/A tests on the past cannot see.
- With fewer than 40 units the read-out has no room for covariates: the intervals of `weak` and `none` are as
  wide as without.
"""


def goals(found: Figures) -> Iterator[Goal]:
    """The goals of experiments, with what was reached."""
    for row in _rows(found, READ_OUT):
        name = f"{row['setting']}, {OUTCOMES[row['outcome']]}"
        if row["truth"] == 0:
            yield Goal(name, "false positives", row["significant"], *FALSE_POSITIVES)
            continue
        yield Goal(name, "coverage of the 95 % interval", row["covered"], *COVERAGE)
        if row["outcome"] == TOTAL:
            yield Goal(name, "bias by spill-over", row["bias"], -MAX_BIAS, MAX_BIAS)
        if POWERED[0] <= row["promised"] <= POWERED[1]:
            gap = row["significant"] - row["promised"]
            yield Goal(name, "power − promised", gap, -MAX_POWER_GAP, MAX_POWER_GAP)
    yield Goal("nothing is done", "false positives of daily looks", found.looks[READ_OUT], high=MAX_PEEKING)


def section(found: Figures, count: int, peeks: int) -> str:
    """The section as Markdown."""
    total = {(row["setting"], row["way"]): row for row in found.rows if row["outcome"] == TOTAL}
    voices = [setting.name for setting in SETTINGS if "voice" in setting.factors and setting.world != "none"]
    first = voices[0]
    own = {row["setting"]: row for row in _rows(found, READ_OUT) if row["outcome"] == OWN}
    spend, nothing = SETTINGS[3].name, SETTINGS[4].name
    return TEXT.format(
        customers=CUSTOMERS,
        candidates=CANDIDATES,
        days=DAYS,
        count=count,
        seed=SEED,
        draws=DRAWS,
        goals=_table(
            ("setting", "figure", "goal", "reached", ""),
            [
                (goal.world, goal.what, goal.range, f"{goal.figure:.2f}", "met" if goal.met else "**missed**")
                for goal in goals(found)
            ],
            text=2,
        ),
        layouts=_table(
            ("world", "take part", "units", "audience", "overlap of units", "of customers alone"),
            [
                (
                    row["world"],
                    f"{row['candidates']:,}",
                    f"{row['units']:,}",
                    f"{row['audience']:,}",
                    f"{row['overlap']:.1%}",
                    f"{row['overlap_customers']:.1%}",
                )
                for row in found.layouts
            ],
        ),
        read_out=_table(
            ("setting", "outcome", "true effect", "mean estimate", "bias", "coverage", "power", "promised"),
            [
                (row["setting"], OUTCOMES[row["outcome"]], *_cells(row), _share(row["promised"]))
                for row in _rows(found, READ_OUT)
            ],
            text=2,
        ),
        rivals=_table(
            ("setting", "way", "true effect", "mean estimate", "bias", "coverage", "power", "width"),
            [
                (row["setting"], row["way"], *_cells(row), f"{row['width']:,.0f}")
                for row in found.rows
                if row["outcome"] == TOTAL
            ],
            text=2,
        ),
        looks=found.looks[READ_OUT],
        naive=found.looks[T_TEST],
        peeks=peeks,
        findings=FINDINGS.format(
            overlap=found.layouts[0]["overlap"],
            bias=_range([-total[name, READ_OUT]["bias"] for name in voices]),
            naive_bias=_range([-total[name, INDIVIDUAL]["bias"] for name in voices]),
            wider=total[first, NO_COVARIATES]["width"] / total[first, READ_OUT]["width"],
            first=first,
            spread=own[spend]["width"] / own[nothing]["width"] - 1,
            spend=spend,
        ),
    )


def _rows(found: Figures, way: str) -> list[dict[str, Any]]:
    return [row for row in found.rows if row["way"] == way]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    bias = "–" if row["bias"] is None else f"{row['bias']:+.1%}"
    money = (f"{row['truth']:,.0f}", f"{row['effect']:,.0f}")
    return (*money, bias, _share(row["covered"]), _share(row["significant"]))


def _share(value: float) -> str:
    return f"{value:.1%}"


def _range(values: list[float]) -> str:
    return f"{min(values):.0%} to {max(values):.0%}"


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]], text: int = 1) -> str:
    """A table of Markdown, whose first *text* columns are words and whose others are numbers."""
    rule = ("---",) * text + ("---:",) * (len(columns) - text)
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, rule, *rows))


def main() -> None:
    """Run all experiments, print the section, and write it with its figures if the run is a full one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--experiments", type=int, default=EXPERIMENT_COUNT)
    parser.add_argument("--peeks", type=int, default=PEEK_COUNT)
    options = parser.parse_args()
    found = figures(options.experiments, options.peeks)
    text = section(found, options.experiments, options.peeks)
    print(text, end="")
    if (options.experiments, options.peeks) == (EXPERIMENT_COUNT, PEEK_COUNT):
        write_section(EXPERIMENTS, text, PAGE)
        record = json.dumps(asdict(found), indent=1) + "\n"
        (RESULTS / "experiments.json").write_text(record, encoding="utf-8")


if __name__ == "__main__":
    main()
