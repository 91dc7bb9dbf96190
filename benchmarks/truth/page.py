"""The page docs/truth.md and the figures in benchmarks/results/truth.json."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import pandas as pd

from benchmarks.truth.figures import Figures, Runs, bias, mean
from benchmarks.truth.forecast import CEILING, WITH_EXPECTATIONS, WITH_TRAITS, lead_interval
from benchmarks.truth.goals import goals_reached
from ripple.training.evaluation.cutoff_evaluation import MODEL

MONTHS, REDRAWS = 36, 30
"""The length of every world, and the number of redraws by which expected values are estimated."""

WORLDS = {
    "none": "Nobody influences or refers anybody; tastes and campaigns make neighbours buy alike, at the "
    "same time. All influence that is credited here is false.",
    "weak": "The same likeness of neighbours, with a little influence.",
    "default": "Influence brings about a third of the adoptions.",
    "strong": "Influence brings about more than half of the adoptions.",
    "misspecified": "What a label assumes does not hold: delays have a power-law tail, a third of the ties "
    "are never seen, ties run both ways, communities overlap and have campaigns of their own.",
    "referral": "Most newcomers are brought in by a customer; influence is weak.",
}
"""World → what it is like."""

INTRODUCTION = """\
# The label against known truth

Written by `make truth`. Machines that round otherwise grow other trees: from one to the next the capture of
a forecast moved by up to .015, and that of the label not at all. In a simulated world it is known what
would have happened without each customer, which no table shows. Here the label, and simpler ways to rank
customers, read the tables of every world ({customers} customers, {months} months; means over seeds {seeds})
and are held against that truth.

**Truth** of a customer is what the revenue of others in the window would lack without them (exact
leave-one-out from the recorded causes, with all that follows from whom they moved) plus the recorded spend
of those whom they brought in. These values do not add up to the influence of all together: what hangs on a
chain would be lost without any of its links. The label's generations count alike, so the totals can be
compared.

**Capture** is the truth held by the top 1 % of a ranking ÷ that held by the true top 1 %. Capture, Spearman,
total ÷ truth and influence ÷ revenue are of the last 180 days: a label measures what has happened, so it and
every rival may look at all tables up to the end of the window. In *capture, next window* each ranking is of
the 180 days before, by what was known when they ended, and is held against what was then to be expected of
the last 180 days: the mean leave-one-out over {redraws} redraws of all that was still to happen, plus
recorded referral value.

**Rankings.** The label and the three credits below it share out the same purchases, and the label's referral
value is added to each, so that they differ in influence alone. (Time-decayed credit also counts
purchases that a referral explains, which moves its capture by at most .06 in one seed.)
Equal split and last touch are among those who had bought the product in the 112 days before and had
reached the buyer by then. Degree (distinct targets), weighted degree, PageRank (targets vote for who
reached them) and own revenue in the window stand alone. *The truth itself* is the ceiling of the same
window; in the next it shows how well a faultless label would predict."""

FORECAST = """\
**Forecast.** At the four latest cutoffs, 60 days apart, Ripple has learnt from labels of windows closed by
then. It and the rules are held against what was to be expected of the window after. Leads have 95 % paired
bootstrap intervals over customers. *Newcomers* joined after the last cutoff that was learnt from; the top 1 %
of them are few, and their last label is what they have brought since they joined. *Coverage* is the share
of customers whose next label lay in their interval, the worst decile that of predicted value at each cutoff;
then that of groups, and of the range of what comes if any does, among those to whom any came. The *interval
score* (Winkler) is in means of the label; less is better.
*{traits}* is the same model with the latent traits as
features, *{expectations}* the same with expected values for labels, which nobody has. *{ceiling}*
has both: what this way of learning could reach with nothing hidden and no noise in the label.
*Totals inside their interval* is the share of cutoffs at which the 80 % interval of the total contained that
of the next labels; windows overlap, so cutoffs are in or out together."""


FIRST_USES = """\
## First uses of features

The same worlds with features that spread as their products do: by tastes of communities, campaigns and the
influence of the world, which in `none` is nothing. The [label of features](method.md#first-uses-of-features)
reads the tables of the last 180 days. It is held against the number of first uses by others that without a
customer would have come after the window or never (leave-one-out), and the number of distinct adopters moved
at first hand. In the last column each customer learns features alone, as in the dataset of `make train`: all
that is credited there is false."""

SHOWN = {WITH_TRAITS: "given the latent traits", WITH_EXPECTATIONS: "trained on expected values"}
"""The name on the page of models whose key in the results is in other words."""


def format_number(figure: float) -> str:
    """Two decimals, or a dash for what is not finite."""
    return f"{figure:.2f}" if math.isfinite(figure) else "–"


def _signed(figure: float) -> str:
    return f"{figure:+.2f}"


def format_share(figure: float) -> str:
    """A percentage with one decimal, or a dash for what is not finite."""
    return f"{figure:.1%}" if math.isfinite(figure) else "–"


def _factor(figure: float) -> str:
    return "not evaluated" if math.isnan(figure) else f"{figure:.2f}"


Columns = dict[str, tuple[str, Callable[[float], str]]]
"""Column → its title and how its cells are written."""

RANKING_COLUMNS: Columns = {
    "capture": ("capture", format_number),
    "spearman": ("Spearman", format_number),
    "capture_next": ("capture, next window", format_number),
    "total_ratio": ("total ÷ truth", format_number),
    "influence_share": ("influence ÷ revenue", format_share),
}
TOTALS_COLUMNS: Columns = {
    "label": ("label", format_share),
    "truth": ("truth", format_share),
    "ratio": ("label ÷ truth", format_number),
}
FORECAST_COLUMNS: Columns = {
    "capture": ("capture, next window", format_number),
    "lead": ("lead of the model", _signed),
    "bounds": ("95 % interval", str),
    "capture_cold": ("capture, newcomers", format_number),
    "spearman": ("Spearman", format_number),
    "total_ratio": ("total ÷ truth", format_number),
    "total_covered": ("totals inside their interval", format_share),
    "coverage": ("coverage", format_number),
    "least_coverage": ("worst decile", format_number),
    "coverage_top": ("predicted top 1 %", format_number),
    "coverage_top_tenth": ("top 10 %", format_number),
    "coverage_cold": ("newcomers", format_number),
    "coverage_if_any": ("of what comes if any", format_number),
    "interval_score": ("interval score ÷ mean", format_number),
}
FIRST_USES_COLUMNS: Columns = {
    "share": ("label ÷ first uses", format_share),
    "true_share": ("truth ÷ first uses", format_share),
    "total_ratio": ("label ÷ truth", format_number),
    "capture": ("capture", format_number),
    "degree": ("capture by degree", format_number),
    "spearman": ("Spearman", format_number),
    "adopters_total_ratio": ("adopters, label ÷ truth", format_number),
    "adopters_capture": ("adopters, capture", format_number),
    "alone_share": ("each learns alone: label ÷ first uses", format_share),
}
DECILES_COLUMNS: Columns = {
    "targets": ("targets, at most", "{:.0f}".format),
    "share": ("share of true network value", format_share),
    "ratio": ("network value, label ÷ truth", format_number),
    "influence_ratio": ("of it influence", format_number),
    "factor": ("off by a factor of", _factor),
}


def page(runs: Runs, customers: int, seeds: Sequence[int]) -> str:
    """The page docs/truth.md, in Markdown."""
    figures = {world: mean(of_world) for world, of_world in runs.items()}
    parts = [
        INTRODUCTION.format(
            customers=f"{customers:,}", seeds=", ".join(map(str, seeds)), months=MONTHS, redraws=REDRAWS
        ),
        FORECAST.format(
            traits=SHOWN[WITH_TRAITS].capitalize(),
            expectations=SHOWN[WITH_EXPECTATIONS],
            ceiling=CEILING.capitalize(),
        ),
        _goals_part(runs),
    ]
    parts += [_world_part(world, of_world) for world, of_world in figures.items()]
    if any(len(of_world.baselines) for of_world in figures.values()):
        parts.append(_baselines_part(figures))
    if any(len(of_world.first_uses) for of_world in figures.values()):
        parts.append(first_uses_part(figures))
    return "\n\n".join(parts) + "\n"


def _goals_part(runs: Runs) -> str:
    rows = [
        [
            goal.world,
            _shown(goal.what),
            goal.range,
            format_number(goal.figure),
            ", ".join(map(format_number, by_seed)),
            "met" if goal.met else "**missed**",
        ]
        for goal, by_seed in goals_reached(runs)
    ]
    columns = ["world", "figure", "goal", "reached", "by seed", ""]
    return "## Goals\n\n" + _markdown(columns, rows)


def _world_part(world: str, figures: Figures) -> str:
    parts = [
        f"## {world}",
        WORLDS[world],
        _formatted(figures.rankings, "ranking", RANKING_COLUMNS),
        _formatted(figures.totals, "share of revenue", TOTALS_COLUMNS),
    ]
    if world != "none":
        parts.append(_formatted(bias(figures.deciles), "decile of degree", DECILES_COLUMNS))
    if len(figures.forecast):
        parts.append(_formatted(_with_leads(figures), "forecast", FORECAST_COLUMNS))
    return "\n\n".join(parts)


def _with_leads(figures: Figures) -> pd.DataFrame:
    table = figures.forecast
    bounds = {rival: lead_interval(figures.resamples, rival) for rival in table.index.drop(MODEL)}
    written = {rival: f"{low:+.2f} to {high:+.2f}" for rival, (low, high) in bounds.items()}
    lead = (table["capture"][MODEL] - table["capture"]).drop(MODEL)
    return table.assign(lead=lead, bounds=pd.Series(written))


def _formatted(table: pd.DataFrame, index: str, columns: Columns) -> str:
    """*table* in Markdown, without its empty rows and columns."""
    filled = table[list(columns)].dropna(axis=0, how="all").dropna(axis=1, how="all")
    shown = {
        title: [_cell(write, cell) for cell in filled[name]]
        for name, (title, write) in columns.items()
        if name in filled
    }
    rows = [[_shown(str(name)), *cells] for name, *cells in zip(filled.index, *shown.values(), strict=True)]
    return _markdown([index, *shown], rows)


def _cell(write: Callable[[float], str], cell: Any) -> str:
    return "–" if isinstance(cell, float) and write in (str, _signed) and math.isnan(cell) else write(cell)


def _baselines_part(figures: Mapping[str, Figures]) -> str:
    baselines = next(iter(figures.values())).baselines.index
    rows = [
        [
            world,
            *(
                format_share(row["influence_share"])
                if world == "none"
                else f"{format_number(row['capture'])} / {format_number(row['total_ratio'])}"
                for _, row in of_world.baselines.iterrows()
            ),
        ]
        for world, of_world in figures.items()
    ]
    return (
        "## Baselines of the label\n\n"
        "`credit.baseline` in the [settings](settings.md): capture in the same window / total ÷ truth of the "
        "label; for `none`, false credit as a share of revenue.\n\n"
    ) + _markdown(["world", *baselines], rows)


def first_uses_part(figures: Mapping[str, Figures]) -> str:
    """The section on the label of features."""
    rows = pd.concat([of_world.first_uses.set_axis([world]) for world, of_world in figures.items()])
    return FIRST_USES + "\n\n" + _formatted(rows, "world", FIRST_USES_COLUMNS)


def _shown(name: str) -> str:
    for key, text in SHOWN.items():
        name = name.replace(key, text)
    return name


def _markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def as_json(runs: Runs, customers: int, seeds: Sequence[int]) -> str:
    """All figures and goals, to five decimals so that machines agree; null where there is none."""
    figures = {world: mean(of_world) for world, of_world in runs.items()}
    whole = {
        "customers": customers,
        "months": MONTHS,
        "seeds": list(seeds),
        "worlds": {
            world: {
                part.name: _records(getattr(of_world, part.name))
                for part in fields(Figures)
                if part.name != "resamples"
            }
            for world, of_world in figures.items()
        },
        "goals": [
            _record(asdict(goal)) | {"by_seed": list(map(_rounded, by_seed)), "met": goal.met}
            for goal, by_seed in goals_reached(runs)
        ],
    }
    return json.dumps(whole, indent=1) + "\n"


def _records(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {str(name): _record(dict(zip(table, row, strict=True))) for name, *row in table.itertuples()}


def _record(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: _rounded(value) if isinstance(value, float) else value for name, value in row.items()}


def _rounded(figure: float) -> float | None:
    return round(float(figure), 5) if math.isfinite(figure) else None
