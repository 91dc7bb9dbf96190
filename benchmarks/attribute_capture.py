"""Measures what attributes of customers add to the forecast where they say something, and where they do not.

The world is the default one but for one thing: a tenth of the customers are partners, who move others far
more easily (`LIFT`). No event shows it: partners have as many contacts as others, and only their `role`,
known from the day they join in the table ``attributes``, tells them apart. It is wrong for a fifth of all.
Their `colour` is drawn at random. At each evaluation cutoff the value head predicts the next window from the
usual features alone, from these and the role, and from these and the colour; each is held against expected
values, of all customers and of newcomers, who had joined by no training cutoff.

`python -m benchmarks.attribute_capture [--customers N] [--seeds 10 11 12]`; it writes nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from benchmarks.truth.forecast import expected_values
from benchmarks.truth.page import MONTHS
from ripple import settings, simulation
from ripple.features.attribute_features import PREFIX
from ripple.features.validation import checks
from ripple.simulation.diffusion.clocks import AdoptionState, draw_clocks
from ripple.simulation.diffusion.first_passage import spread_adoptions
from ripple.simulation.diffusion.payments import draw_payments
from ripple.simulation.diffusion.realisation import RandomStreams
from ripple.simulation.world.calendar import Calendar
from ripple.simulation.world.columns import customer_ids
from ripple.simulation.world.population import draw_population
from ripple.simulation.world.products import launch_products
from ripple.simulation.world.referrals import draw_referrals
from ripple.simulation.world.ties import draw_ties
from ripple.training.estimators.heads import fit_value
from ripple.training.evaluation import metrics
from ripple.training.examples.cutoffs import schedule
from ripple.training.examples.examples import Examples, examples_at
from ripple.training.examples.feature_sequence import Rows

CUSTOMERS, REDRAWS = 2000, 10
SEEDS = (10, 11, 12)
PARTNERS, LIFT = 0.1, 2.5
"""The share of customers who are partners, and by how many standard deviations their power is higher."""
WRONG = 0.2
"""The share of customers whose role is drawn anew, whatever they are."""
COLOURS = ("red", "green", "blue", "white")
MEASURES = ("capture", "capture_tenth", "capture_cold", "capture_cold_tenth")
VARIANTS: dict[str, tuple[str, ...]] = {"no attribute": (), "role": ("role",), "colour": ("colour",)}
"""Name → the attributes that are features."""


def world_with_partners(customers: int, seed: int) -> tuple[simulation.History, np.ndarray]:
    """All that happens in the world, and which of its customers are partners."""
    world, calendar, streams = simulation.WORLDS["default"], Calendar(MONTHS), RandomStreams.of(seed)
    people, ties_of, referred, sold, rung = streams.history.spawn(5)
    population = draw_population(world, customers, calendar, people)
    partner = np.random.default_rng(seed).random(customers) < PARTNERS
    population = replace(population, power=population.power + LIFT * partner)
    ties = draw_ties(world, population, ties_of)
    referrals = draw_referrals(world, population, referred)
    products = launch_products(world, population, calendar, sold)
    initial = AdoptionState.initial(products, population)
    clocks = draw_clocks(world, population, ties, products, calendar, initial, rung)
    adoptions = spread_adoptions(clocks, ties)
    payments = draw_payments(adoptions, population, products, calendar, streams.payments)
    history = simulation.History(
        world, calendar, seed, population, ties, referrals, products, clocks, adoptions, payments
    )
    return history, partner


def attributes(customers: pd.DataFrame, partner: np.ndarray, seed: int) -> pd.DataFrame:
    """The table ``attributes``: role and colour of each of *customers* from the day of joining."""
    random = np.random.default_rng(seed + 1)
    names = customer_ids(np.arange(len(partner))).to_pylist()
    is_partner = pd.Series(partner, pd.Index(names)).reindex(customers["customer_id"]).to_numpy()
    wrong = random.random(len(customers)) < WRONG
    shown = np.where(wrong, random.random(len(customers)) < PARTNERS, is_partner)
    others = random.choice(["user", "manager", "consultant"], len(customers))
    return pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "valid_from": customers["joined_at"],
            "role": np.where(shown, "partner", others),
            "colour": random.choice(COLOURS, len(customers)),
        }
    )


def captures(customers: int, seed: int) -> Iterator[dict[str, object]]:
    """A row for each evaluation cutoff and variant of one world, with `MEASURES`.

    These are the captures at the top share and at the best tenth, of all customers and of newcomers (cold).
    """
    history, partner = world_with_partners(customers, seed)
    tables = {name: table.to_pandas() for name, table in simulation.tables(history).items()}
    tables["attributes"] = attributes(tables["customers"], partner, seed)
    with TemporaryDirectory() as folder:
        for name, table in tables.items():
            table.to_parquet(Path(folder) / f"{name}.parquet", index=False)
        (Path(folder) / "ripple.toml").write_text(simulation.settings_toml(MONTHS), encoding="utf-8")
        dataset, report = checks.load(folder, settings.load(Path(folder)))
        options = dataset.settings
        plan = schedule(report.start, simulation.END, options)
        examples = {cutoff: examples_at(dataset, cutoff) for cutoff in plan.all}
    horizon = timedelta(days=options.horizon_days)
    for cutoff in plan.evaluation:
        training, rows = plan.training_for(cutoff), examples[cutoff].rows
        expected = expected_values(history, cutoff, cutoff + horizon, REDRAWS)
        value = expected.reindex(rows.index).to_numpy()
        newcomer = ~rows.index.isin(examples[training[-1]].rows.index)
        for variant, names in VARIANTS.items():
            chosen = {at: _only(examples[at], names) for at in (*training, cutoff)}
            head = fit_value([chosen[at] for at in training], options, chosen[cutoff].rows)
            score = head.predict(chosen[cutoff].features)
            yield {
                "seed": seed,
                "cutoff": f"{cutoff:%Y-%m-%d}",
                "variant": variant,
                "capture": metrics.capture(score, value, options.top_share),
                "capture_tenth": metrics.capture(score, value, 0.1),
                "capture_cold": metrics.capture(score[newcomer], value[newcomer], options.top_share),
                "capture_cold_tenth": metrics.capture(score[newcomer], value[newcomer], 0.1),
            }


def _only(examples: Examples, names: Sequence[str]) -> Examples:
    """The examples without features that are attributes, but for *names*."""
    features = examples.features
    dropped = [
        str(name)
        for name in features
        if str(name).startswith(PREFIX) and str(name).removeprefix(PREFIX) not in names
    ]
    return replace(examples, rows=Rows.of(features.drop(columns=dropped)))


def summary(rows: pd.DataFrame) -> str:
    """Means by variant, and their difference to no attribute with its standard error over seeds."""
    lines = [f"{'':<14}" + "".join(f"{name:>26}" for name in MEASURES)]
    by_seed = {
        (variant, name): own.groupby("seed")[name].mean()
        for variant, own in rows.groupby("variant")
        for name in MEASURES
    }
    for variant in VARIANTS:
        line = f"{variant:<14}"
        for name in MEASURES:
            own = by_seed[variant, name]
            difference = own - by_seed["no attribute", name]
            error = difference.std() / len(own) ** 0.5
            line += f"{own.mean():.3f} ({difference.mean():+.3f} ± {error:.3f})".rjust(26)
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    chosen = parser.parse_args()
    rows = pd.DataFrame([row for seed in chosen.seeds for row in captures(chosen.customers, seed)])
    print(summary(rows))


if __name__ == "__main__":
    main()
