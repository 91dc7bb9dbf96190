"""The label against known truth, beside simpler ways to rank customers: `make truth`.

In a simulated world the exact value that would be lost without each customer is known. The label and its
rivals rank the customers of a window, and are held against the truth of that window and against what was to
be expected of the next. A full run writes docs/truth.md and benchmarks/results/truth.json.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from forecast import CEILING, KNOWING, TAUGHT, TOLD, Forecast, expected_values, foresee, interval
from harness import RESULTS
from scipy import sparse

from ripple import settings, simulation
from ripple.features.dataset import Dataset
from ripple.features.tables.tables import Tables
from ripple.features.validation import checks
from ripple.features.validation.checks import Report
from ripple.settings import Settings
from ripple.training.attribution import decayed_credit, network_value
from ripple.training.evaluation import metrics
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.examples.examples import frame

PAGE = Path(__file__).parents[1] / "docs" / "truth.md"
CUSTOMERS = 4000
MONTHS = 36
SEEDS = (7, 8, 9)
REDRAWS = 30
DAMPING = 0.85
PROCESSES = 2

ADOPTION = ["customer_id", "product"]
TRUTH, LABEL, DECAYED = "the truth itself", "label", "time-decayed credit"
BASELINES = ("product", "strata", "model", "joined")
"""The label's ways to tell what would have come anyway."""

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

MOST_FALSE_CREDIT = 0.03
LEAST_CAPTURE = {"weak": 0.80, "default": 0.90, "strong": 0.88, "misspecified": 0.80}
LEAST_LEAD = 0.05
TOTAL_RATIO = {
    "weak": (0.6, 1.6),
    "default": (0.75, 1.25),
    "strong": (0.75, 1.25),
    "misspecified": (0.6, 1.6),
}
REFERRAL_RATIO = (0.95, 1.05)
LEAD_IS_SURE = ("weak", "default", "strong")
LEAST_OF_CEILING = 0.92
LEAST_COLD = 1.5
FORESEEN_RATIO = (0.85, 1.15)
COVERAGE, LEAST_COVERAGE = (0.76, 0.84), 0.65
WORST_DECILE = 2.0
SMALL_DECILE = 0.01
"""A decile that holds less of the truth of its world than this is shown and not judged."""


INTRODUCTION = """\
# The label against known truth

Written by `make truth`; the figures do not depend on the machine. In a simulated world it is known what
would have happened without each customer, which no table shows. Here the label, and simpler ways to rank
customers, read the tables of every world ({customers} customers, {months} months; means over seeds {seeds})
and are held against that truth.

**Truth** of a customer is what the revenue of others in the window would lack without them (exact
leave-one-out from the recorded causes, with all that follows from whom they moved) plus the recorded spend
of those whom they brought in. These values do not add up to the influence of all together: what hangs on a
chain would be lost without any of its links. The label's generations count alike, so the totals can be
compared.

**Capture** is the truth held by the top 1 % of a ranking ÷ that held by the true top 1 %. Capture, Spearman,
total ÷ truth and influence ÷ revenue are of the last 180 days: a label tells what has happened, so it and
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
window; in the next it tells how far a faultless label would carry."""

FORECAST = f"""\
**Forecast.** At the four latest cutoffs, 60 days apart, Ripple has learnt from labels of windows closed by
then. It and the rules are held against what was to be expected of the window after. Leads have 95 % paired
bootstrap intervals over customers. *Newcomers* joined after the last cutoff that was learnt from; the top 1 %
of them are few. *Coverage* is the share of customers whose next label lay in their interval, the worst decile
that of predicted value at each cutoff. *{TOLD.capitalize()}* is the same model given the latent traits,
*{TAUGHT}* the same taught by expected values instead of labels, which nobody has. *{CEILING.capitalize()}*
has both: what this way of learning could reach with nothing hidden and no noise in the label."""


@dataclass(frozen=True)
class Rankings:
    """What the tables say of the customers of one window, indexed by customer_id."""

    label: pd.DataFrame
    influence: pd.DataFrame
    """Influence value, a column for each way to credit it."""
    scores: pd.DataFrame
    """A column for each ranking: every credit with the label's referral value added, and the rules."""


@dataclass(frozen=True)
class Figures:
    """How the label and its rivals do in a world, with one seed or as means over several."""

    rankings: pd.DataFrame
    """By ranking: capture, spearman, capture_next, total_ratio, influence_share."""
    totals: pd.DataFrame
    """By kind of value: label and truth as shares of revenue, and ratio."""
    deciles: pd.DataFrame
    """By decile of the number of targets: targets at most, network value and influence by label and truth."""
    baselines: pd.DataFrame
    """By way to tell what would have come anyway: columns as in rankings; empty if not asked for."""
    forecast: pd.DataFrame = field(default_factory=pd.DataFrame)
    """By ranking of the next window: see `forecast.Forecast`; empty where nobody influences anybody."""
    resamples: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Capture of these rankings in resamples of customers."""


@dataclass(frozen=True)
class Goal:
    """A figure and the range it should lie in."""

    world: str
    what: str
    figure: float
    low: float = -math.inf
    high: float = math.inf

    @property
    def met(self) -> bool:
        """Whether the figure lies in the range; one that is not a number does not."""
        return bool(self.low <= self.figure <= self.high)

    @property
    def range(self) -> str:
        """The range in words."""
        if self.high == math.inf:
            return f"≥ {self.low:.2f}"
        return f"≤ {self.high:.2f}" if self.low == -math.inf else f"{self.low:.2f} – {self.high:.2f}"


Runs = Mapping[str, Sequence[Figures]]
"""World → its figures with each seed."""


def rank(tables: Tables, start: datetime, end: datetime, chosen: Settings) -> Rankings:
    """Rank the customers by the window (start, end]; *tables* hold what may be looked at."""
    label = frame(network_value(tables, start, end, chosen))
    decayed = frame(decayed_credit(tables, start, end, chosen))["influence_value"]
    contacts = tables["interactions"].to_pandas()
    by_source = contacts.groupby("source_id")
    credits = {LABEL: label["influence_value"], DECAYED: decayed} | touch_credits(tables, start, end, chosen)
    rules = {
        "degree": by_source["target_id"].nunique(),
        "weighted degree": by_source["weight"].sum(),
        "PageRank": page_rank(contacts),
        "own revenue": label["direct_value"],
    }
    influence = pd.DataFrame(credits).reindex(label.index).fillna(0.0)
    with_referrals = influence.add(label["referral_value"], axis=0)
    return Rankings(label, influence, with_referrals.join(pd.DataFrame(rules)).fillna(0.0))


def touch_credits(
    tables: Tables, start: datetime, end: datetime, chosen: Settings
) -> dict[str, pd.Series[float]]:
    """Influence value where all who touched an adoption share it equally, and where the last has it all."""
    touched = _touches(tables, start, end, chosen)
    latest = touched.groupby(ADOPTION)["source_adopted_at"].transform("max")
    return {
        "equal split": _shared(touched),
        "last touch": _shared(touched[touched["source_adopted_at"] == latest]),
    }


def _shared(touched: pd.DataFrame) -> pd.Series[float]:
    share = touched["value"] / touched.groupby(ADOPTION)["value"].transform("size")
    return share.groupby(touched["source_id"]).sum()


def _touches(tables: Tables, start: datetime, end: datetime, chosen: Settings) -> pd.DataFrame:
    """Adoptions in the window that no referral explains, with each customer who touched them.

    They had adopted the same product, at most `window_days` before, and had reached the adopter by then.
    """
    orders, contacts = tables["orders"].to_pandas(), tables["interactions"].to_pandas()
    adopted = orders.groupby(ADOPTION)["ordered_at"].min().rename("adopted_at").reset_index()
    inside = orders[(orders["ordered_at"] > start) & (orders["ordered_at"] <= end)]
    value = inside.groupby(ADOPTION)["revenue"].sum().clip(lower=0.0).rename("value").reset_index()
    fresh = _unreferred(adopted[adopted["adopted_at"] > start].merge(value, on=ADOPTION), tables, chosen)
    met = contacts[contacts["kind"] != "referral"].groupby(["source_id", "target_id"])["occurred_at"].min()
    met = met.rename("met_at").rename_axis(["source_id", "customer_id"]).reset_index()
    sources = adopted.set_axis(["source_id", "product", "source_adopted_at"], axis=1)
    touched = fresh.merge(met, on="customer_id").merge(sources, on=["source_id", "product"])
    delay = touched["adopted_at"] - touched["source_adopted_at"]
    within = (delay > timedelta(0)) & (delay <= timedelta(days=chosen.credit.window_days))
    return touched[within & (touched["met_at"] < touched["adopted_at"])]


def _unreferred(adoptions: pd.DataFrame, tables: Tables, chosen: Settings) -> pd.DataFrame:
    contacts, joined = tables["interactions"].to_pandas(), frame(tables["customers"])["joined_at"]
    referred = adoptions["customer_id"].isin(contacts.loc[contacts["kind"] == "referral", "target_id"])
    since = adoptions["adopted_at"] - adoptions["customer_id"].map(joined)
    return adoptions[~(referred & (since <= timedelta(days=chosen.credit.referral_days)))]


def page_rank(contacts: pd.DataFrame) -> pd.Series[float]:
    """PageRank (Page, Brin, Motwani & Winograd 1999): targets vote for who reached them, by weight."""
    names = pd.Index(contacts["source_id"]).union(contacts["target_id"]).unique()
    voter, source = names.get_indexer(contacts["target_id"]), names.get_indexer(contacts["source_id"])
    votes = sparse.csr_array((contacts["weight"], (source, voter)), shape=(len(names), len(names)))
    cast = votes.sum(axis=0)
    votes = votes @ sparse.diags_array(np.divide(1.0, cast, out=np.zeros_like(cast), where=cast > 0))
    standing = np.full(len(names), 1 / len(names))
    for _ in range(100):
        passed_on = votes @ standing
        standing = DAMPING * passed_on + (1 - DAMPING * passed_on.sum()) / len(names)
    return pd.Series(standing, names)


def true_values(history: simulation.History, start: datetime, end: datetime) -> pd.DataFrame:
    """Leave-one-out influence, recorded referral value, and network value, which is both."""
    truth = simulation.leave_one_out(history, start, end).join(simulation.referral_value(history, start, end))
    return truth.assign(network_value=truth["influence_value"] + truth["referral_value"])


@contextmanager
def dataset_of(history: simulation.History) -> Iterator[tuple[Dataset, Report]]:
    """The tables a company would have, as any dataset is opened, and what checking them found."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "world"
        simulation.write(simulation.tables(history), data, simulation.settings_toml(history.calendar.months))
        dataset, report = checks.load(data, settings.load(data))
        # a long query would draw a progress bar into the page
        dataset.tables["orders"].get_backend().raw_sql("SET enable_progress_bar = false")
        yield dataset, report


def evaluate(
    world: str,
    seed: int,
    customers: int,
    baselines: Sequence[str] = (),
    redraws: int = REDRAWS,
    forecast: bool = True,
) -> Figures:
    """Simulate a world, rank its customers by its tables and hold every ranking against the truth."""
    history = simulation.simulate_with_truth(world, customers, MONTHS, seed)
    foreseen = Forecast(pd.DataFrame(), pd.DataFrame())
    with dataset_of(history) as (dataset, report):
        chosen, tables, end = dataset.settings, dataset.tables, simulation.END
        horizon = timedelta(days=chosen.horizon_days)
        start = end - horizon
        same = rank(tables, start, end, chosen)
        before = rank(tables.before(start), start - horizon, start, chosen)
        labels = {way: frame(network_value(tables, start, end, _by(way, chosen))) for way in baselines}
        if forecast and world in LEAST_CAPTURE:
            foreseen = foresee(dataset, report, history, redraws)
    truth = true_values(history, start, end).loc[same.label.index]
    expected = expected_values(history, start, end, redraws).loc[before.label.index]
    was_true = true_values(history, start - horizon, start).loc[before.label.index]
    revenue = simulation.revenue(history, start, end)
    held = partial(compare, truth=truth["network_value"], revenue=revenue, share=chosen.top_share)
    rankings = held(
        same.scores.assign(**{TRUTH: truth["network_value"]}),
        same.influence.assign(**{TRUTH: truth["influence_value"]}),
    )
    next_scores = before.scores.assign(**{TRUTH: was_true["network_value"]})
    rankings["capture_next"] = next_scores.apply(metrics.capture, args=(expected, chosen.top_share))
    ways = held(
        pd.DataFrame({way: label["network_value"] for way, label in labels.items()}),
        pd.DataFrame({way: label["influence_value"] for way, label in labels.items()}),
    )
    return Figures(
        rankings,
        totals(same.label, truth, revenue),
        by_degree(same, truth),
        ways,
        foreseen.rankings,
        foreseen.resamples,
    )


def _by(way: str, chosen: Settings) -> Settings:
    return chosen.model_copy(update={"credit": chosen.credit.model_copy(update={"baseline": way})})


def compare(
    scores: pd.DataFrame, influence: pd.DataFrame, truth: pd.Series[float], revenue: float, share: float
) -> pd.DataFrame:
    """How near the truth each column of *scores* comes, and how much those that are credits give away."""
    value = truth.to_numpy()
    rows = {
        name: {
            "capture": metrics.capture(score.to_numpy(), value, share),
            "spearman": metrics.rank_correlation(score.to_numpy(), value),
            "total_ratio": _ratio(score.sum(), value.sum()) if name in influence else math.nan,
            "influence_share": influence[name].sum() / revenue if name in influence else math.nan,
        }
        for name, score in scores.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def totals(label: pd.DataFrame, truth: pd.DataFrame, revenue: float) -> pd.DataFrame:
    """What the label gives away beside what is true, by kind of value, as shares of revenue."""
    kinds = {
        "influence, with generations": "influence_value",
        "influence, one step": "one_step_value",
        "referral": "referral_value",
    }
    rows = {
        kind: {
            "label": label[column].sum() / revenue,
            "truth": truth[column].sum() / revenue,
            "ratio": _ratio(label[column].sum(), truth[column].sum()),
        }
        for kind, column in kinds.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def by_degree(ranked: Rankings, truth: pd.DataFrame) -> pd.DataFrame:
    """Value by label and truth in tenths of the customers, those of the fewest targets first."""
    targets = ranked.scores["degree"]
    place = np.argsort(np.argsort(targets.to_numpy(), kind="stable"))
    parts = pd.DataFrame(
        {
            "targets": targets,
            "label": ranked.label["network_value"],
            "truth": truth["network_value"],
            "influence": ranked.label["influence_value"],
            "true_influence": truth["influence_value"],
        }
    ).groupby(place * 10 // len(place) + 1)
    return parts.agg({"targets": "max"} | dict.fromkeys(parts.obj.columns.drop("targets"), "sum"))


def mean(runs: Sequence[Figures]) -> Figures:
    """Mean of every figure over seeds; one that a seed does not have is left out."""
    tables = {
        part.name: pd.concat([getattr(run, part.name) for run in runs]).groupby(level=0, sort=False).mean()
        for part in fields(Figures)
    }
    return Figures(**tables)


def bias(deciles: pd.DataFrame) -> pd.DataFrame:
    """label ÷ truth of each decile, its share of the truth, and the factor it is off by, if it is judged."""
    share = deciles["truth"] / deciles["truth"].sum()
    ratio = deciles["label"] / deciles["truth"].where(deciles["truth"] > 0)
    factor = ratio.where(ratio >= 1, 1 / ratio.where(ratio > 0)).fillna(math.inf)
    influence = deciles["influence"] / deciles["true_influence"].where(deciles["true_influence"] > 0)
    judged = factor.where(share >= SMALL_DECILE)
    return deciles.assign(share=share, ratio=ratio, influence_ratio=influence, factor=judged)


def goals(world: str, figures: Figures) -> list[Goal]:
    """The goals set for *world*, with what was reached."""
    rankings = figures.rankings
    if world == "none":
        credited = rankings["influence_share"][LABEL]
        return [Goal(world, "false credit ÷ revenue", credited, high=MOST_FALSE_CREDIT)]
    reached = []
    if world in LEAST_CAPTURE:
        capture = rankings["capture"]
        lead = capture[LABEL] - capture.drop([TRUTH, LABEL])
        reached += [
            Goal(world, "capture", capture[LABEL], low=LEAST_CAPTURE[world]),
            Goal(world, f"capture, lead over {DECAYED}", lead[DECAYED], low=LEAST_LEAD),
            Goal(world, "capture, lead over the best rival", lead.min(), low=0.0),
            Goal(world, "total ÷ truth", rankings["total_ratio"][LABEL], *TOTAL_RATIO[world]),
        ]
    if world == "referral":
        reached.append(Goal(world, "referral ÷ truth", figures.totals["ratio"]["referral"], *REFERRAL_RATIO))
    reached += _forecast_goals(world, figures)
    worst = bias(figures.deciles)["factor"].max()
    return [*reached, Goal(world, "worst decile of degree, off by a factor of", worst, high=WORST_DECILE)]


def _forecast_goals(world: str, figures: Figures) -> Iterator[Goal]:
    if figures.forecast.empty:
        return
    capture, cold = figures.forecast["capture"], figures.forecast["capture_cold"]
    rules = list(capture.index.drop([MODEL, *KNOWING]))
    best = str(capture[rules].idxmax())
    lead = capture[MODEL] - capture[best]
    yield Goal(world, "forecast, lead over the best rule", lead, low=0.0)
    if world in LEAD_IS_SURE:
        low, _ = interval(figures.resamples, best)
        yield Goal(world, "forecast, least lead by the interval", low, low=0.0)
    if world == "default":
        share = capture[MODEL] / capture[[TOLD, CEILING]]
        yield Goal(world, f"forecast ÷ {TOLD}", share[TOLD], low=LEAST_OF_CEILING)
        yield Goal(world, f"forecast ÷ {CEILING}", share[CEILING], low=LEAST_OF_CEILING)
    yield Goal(world, "forecast of newcomers ÷ best rule", cold[MODEL] / cold[rules].max(), low=LEAST_COLD)
    own = figures.forecast.loc[MODEL]
    yield Goal(world, "forecast, total ÷ truth", own["total_ratio"], *FORESEEN_RATIO)
    yield Goal(world, "forecast, coverage of the 80 % interval", own["coverage"], *COVERAGE)
    yield Goal(world, "forecast, the same in the worst decile", own["least_coverage"], low=LEAST_COVERAGE)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _number(figure: float) -> str:
    return f"{figure:.2f}" if math.isfinite(figure) else "–"


def _signed(figure: float) -> str:
    return f"{figure:+.2f}"


def _share(figure: float) -> str:
    return f"{figure:.1%}" if math.isfinite(figure) else "–"


def _factor(figure: float) -> str:
    return "not judged" if math.isnan(figure) else f"{figure:.2f}"


Columns = dict[str, tuple[str, Callable[[float], str]]]
"""Column → its title and how its cells are written."""

RANKING_COLUMNS: Columns = {
    "capture": ("capture", _number),
    "spearman": ("Spearman", _number),
    "capture_next": ("capture, next window", _number),
    "total_ratio": ("total ÷ truth", _number),
    "influence_share": ("influence ÷ revenue", _share),
}
TOTALS_COLUMNS: Columns = {
    "label": ("label", _share),
    "truth": ("truth", _share),
    "ratio": ("label ÷ truth", _number),
}
FORECAST_COLUMNS: Columns = {
    "capture": ("capture, next window", _number),
    "lead": ("lead of the model", _signed),
    "bounds": ("95 % interval", str),
    "capture_cold": ("capture, newcomers", _number),
    "spearman": ("Spearman", _number),
    "total_ratio": ("total ÷ truth", _number),
    "coverage": ("coverage", _number),
    "least_coverage": ("coverage, worst decile", _number),
}
DECILES_COLUMNS: Columns = {
    "targets": ("targets, at most", "{:.0f}".format),
    "share": ("share of true network value", _share),
    "ratio": ("network value, label ÷ truth", _number),
    "influence_ratio": ("of it influence", _number),
    "factor": ("off by a factor of", _factor),
}


def page(runs: Runs, customers: int, seeds: Sequence[int]) -> str:
    """The page docs/truth.md."""
    said = {"customers": f"{customers:,}", "seeds": ", ".join(map(str, seeds))}
    figures = {world: mean(of_world) for world, of_world in runs.items()}
    parts = [INTRODUCTION.format(**said, months=MONTHS, redraws=REDRAWS), FORECAST, _goals_part(runs)]
    parts += [_world_part(world, of_world) for world, of_world in figures.items()]
    if any(len(of_world.baselines) for of_world in figures.values()):
        parts.append(_baselines_part(figures))
    return "\n\n".join(parts) + "\n"


def _goals_part(runs: Runs) -> str:
    rows = [
        [
            goal.world,
            goal.what,
            goal.range,
            _number(goal.figure),
            ", ".join(map(_number, by_seed)),
            "met" if goal.met else "**missed**",
        ]
        for goal, by_seed in _reached(runs)
    ]
    columns = ["world", "figure", "goal", "reached", "by seed", ""]
    return "## Goals\n\n" + _markdown(columns, rows)


def _reached(runs: Runs) -> Iterator[tuple[Goal, list[float]]]:
    """Every goal with what was reached on the mean of the seeds, and with each of them."""
    for world, of_world in runs.items():
        by_seed = [goals(world, run) for run in of_world]
        for goal, *same in zip(goals(world, mean(of_world)), *by_seed, strict=True):
            yield goal, [one.figure for one in same]


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
        parts += [_formatted(_with_leads(figures), "forecast", FORECAST_COLUMNS)]
    return "\n\n".join(parts)


def _with_leads(figures: Figures) -> pd.DataFrame:
    table = figures.forecast
    bounds = {rival: interval(figures.resamples, rival) for rival in table.index.drop(MODEL)}
    written = {rival: f"{low:+.2f} to {high:+.2f}" for rival, (low, high) in bounds.items()}
    lead = (table["capture"][MODEL] - table["capture"]).drop(MODEL)
    return table.assign(lead=lead, bounds=pd.Series(written))


def _formatted(table: pd.DataFrame, index: str, columns: Columns) -> str:
    """*table* in Markdown, without the rows and columns that hold nothing."""
    held = table[list(columns)].dropna(axis=0, how="all").dropna(axis=1, how="all")
    shown = {
        title: [_cell(write, cell) for cell in held[name]]
        for name, (title, write) in columns.items()
        if name in held
    }
    rows = [[str(name), *cells] for name, *cells in zip(held.index, *shown.values(), strict=True)]
    return _markdown([index, *shown], rows)


def _cell(write: Callable[[float], str], cell: Any) -> str:
    return "–" if isinstance(cell, float) and write in (str, _signed) and math.isnan(cell) else write(cell)


def _baselines_part(figures: Mapping[str, Figures]) -> str:
    ways = next(iter(figures.values())).baselines.index
    rows = [
        [
            world,
            *(
                _share(row["influence_share"])
                if world == "none"
                else f"{_number(row['capture'])} / {_number(row['total_ratio'])}"
                for _, row in of_world.baselines.iterrows()
            ),
        ]
        for world, of_world in figures.items()
    ]
    return (
        "## Ways to tell what would have come anyway\n\n"
        "`credit.baseline` in the [settings](settings.md): capture in the same window / total ÷ truth of the "
        "label; for `none`, false credit as a share of revenue.\n\n"
    ) + _markdown(["world", *ways], rows)


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
            for goal, by_seed in _reached(runs)
        ],
    }
    return json.dumps(whole, indent=1) + "\n"


def _records(table: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {str(name): _record(dict(zip(table, row, strict=True))) for name, *row in table.itertuples()}


def _record(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: _rounded(value) if isinstance(value, float) else value for name, value in row.items()}


def _rounded(figure: float) -> float | None:
    return round(float(figure), 5) if math.isfinite(figure) else None


def judge_all(worlds: Sequence[str], seeds: Sequence[int], customers: int, baselines: Sequence[str]) -> Runs:
    """Every world with every seed, two at a time; progress goes to stderr."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as pool:
        runs = {
            (world, seed): pool.submit(evaluate, world, seed, customers, baselines)
            for world in worlds
            for seed in seeds
        }
        names = {run: name for name, run in runs.items()}
        for run in as_completed(names):
            world, seed = names[run]
            label = run.result().rankings.loc[LABEL].to_dict()
            said = (
                f"capture {_number(label['capture'])}, credited {_share(label['influence_share'])} of revenue"
            )
            print(f"{world}, seed {seed}: {said}", file=sys.stderr)
    return {world: [runs[world, seed].result() for seed in seeds] for world in worlds}


def main() -> None:
    """Judge, print the page, and write it with its figures if it is whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--worlds", nargs="+", choices=simulation.WORLDS, default=list(simulation.WORLDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--baselines", action="store_true", help="also compare the label's baselines")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # of each process: there is one for each core
    runs = judge_all(given.worlds, given.seeds, given.customers, BASELINES if given.baselines else ())
    text = page(runs, given.customers, given.seeds)
    print(text, end="")
    if given == parser.parse_args(["--baselines"]):
        PAGE.write_text(text, encoding="utf-8")
        RESULTS.mkdir(exist_ok=True)
        figures = as_json(runs, given.customers, given.seeds)
        (RESULTS / "truth.json").write_text(figures, encoding="utf-8")


if __name__ == "__main__":
    main()
