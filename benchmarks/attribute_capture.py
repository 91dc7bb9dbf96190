"""Measures what attributes of customers add to the forecast where they say something, and where they do not.

Customers of the default world get two attributes, known from the day they join, in the table ``attributes``.
Their `role` follows from what no table shows: it is the quartile of the influence they will have, with so
much noise added that it explains a part of it (`SIGNAL`). Their `colour` is drawn at random. At each
evaluation cutoff the value head predicts the next window from the usual features alone, from these and the
role, and from these and the colour; each is held against expected values, of all customers and of newcomers,
who had joined by no training cutoff.

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
from ripple.training.estimators.heads import fit_value
from ripple.training.evaluation import metrics
from ripple.training.examples.cutoffs import schedule
from ripple.training.examples.examples import Examples, examples_at
from ripple.training.examples.feature_sequence import Rows

CUSTOMERS, REDRAWS = 3000, 20
SEEDS = (10, 11, 12, 13)
SIGNAL = 0.5
"""The share of the variance of log influence that the role is made of; the rest is noise."""
ROLES = ("user", "manager", "consultant", "partner")
COLOURS = ("red", "green", "blue", "white")
VARIANTS: dict[str, tuple[str, ...]] = {"no attribute": (), "role": ("role",), "colour": ("colour",)}
"""Name → the attributes that are features."""


def attributes(history: simulation.History, customers: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The table ``attributes``: role and colour of each of *customers* from the day of joining."""
    random = np.random.default_rng(seed)
    traits = simulation.traits(history).reindex(customers["customer_id"])
    influence = 0.7 * traits["power"].to_numpy() + np.log1p(traits["ties"].to_numpy())
    influence = (influence - influence.mean()) / influence.std()
    noisy = np.sqrt(SIGNAL) * influence + np.sqrt(1 - SIGNAL) * random.standard_normal(len(influence))
    quartile = np.argsort(np.argsort(noisy)) * len(ROLES) // len(noisy)
    return pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "valid_from": customers["joined_at"],
            "role": np.array(ROLES)[quartile],
            "colour": random.choice(COLOURS, len(noisy)),
        }
    )


def captures(customers: int, seed: int) -> Iterator[dict[str, object]]:
    """A row for each evaluation cutoff and variant of one world: `capture` and `capture_cold`."""
    history = simulation.simulate_with_truth("default", customers, MONTHS, seed)
    tables = {name: table.to_pandas() for name, table in simulation.tables(history).items()}
    tables["attributes"] = attributes(history, tables["customers"], seed)
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
                "capture_cold": metrics.capture(score[newcomer], value[newcomer], options.top_share),
                "capture_cold_tenth": metrics.capture(score[newcomer], value[newcomer], 0.1),
            }


def _only(examples: Examples, names: Sequence[str]) -> Examples:
    """The examples without features that are attributes, but for *names*."""
    features = examples.features
    dropped = [
        name for name in features if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in names
    ]
    return replace(examples, rows=Rows.of(features.drop(columns=dropped)))


def summary(rows: pd.DataFrame) -> str:
    """Means by variant, and their difference to no attribute with its standard error over seeds."""
    columns = ["capture", "capture_cold", "capture_cold_tenth"]
    by_seed = rows.groupby(["variant", "seed"])[columns].mean()
    lines = [f"{'':<14}" + "".join(f"{name:>26}" for name in columns)]
    base = by_seed.loc["no attribute"]
    for variant in VARIANTS:
        own = by_seed.loc[variant]
        difference = own - base
        error = difference.std() / np.sqrt(len(own))
        cells = [
            f"{own[name].mean():.3f} ({difference[name].mean():+.3f} ± {error[name]:.3f})".rjust(26)
            for name in columns
        ]
        lines.append(f"{variant:<14}" + "".join(cells))
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
