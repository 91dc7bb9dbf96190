"""The label and simple rules against known truth, in every simulated world: `python benchmarks/truth.py`.

Truth is what the other customers' revenue in the last 180 days would lack without a customer: exact
leave-one-out influence and the recorded spend of those they brought in. Each row is a way to rank customers,
a mean over seeds; the label looks at the same window, the rules only at what came before it.
"""

from __future__ import annotations

import argparse
import tempfile
from datetime import timedelta
from pathlib import Path

import pandas as pd
from harness import publish

import settings
import simulation
from features import checks
from training import metrics
from training.baselines import baselines
from training.examples import features_at, frame, labels_at

LABEL = "label (same window)"
SEEDS = (7, 8, 9)
MONTHS = 36


def judge(world: str, customers: int, seed: int) -> pd.DataFrame:
    """One row per ranking in one simulated world."""
    history = simulation.simulate_with_truth(world, customers, MONTHS, seed)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "world"
        simulation.write(simulation.tables(history), data, simulation.settings_toml(MONTHS))
        dataset, _ = checks.load(data, settings.load(data))
        start = simulation.END - timedelta(days=dataset.settings.horizon_days)
        label = frame(labels_at(dataset, start, dataset.tables))
        features = frame(features_at(dataset, start)).loc[label.index]
    influence = simulation.leave_one_out(history, start, simulation.END)["influence_value"]
    referral = simulation.referral_value(history, start, simulation.END)["referral_value"]
    truth = (influence + referral).loc[label.index].to_numpy()
    revenue = simulation.revenue(history, start, simulation.END)
    rows = [
        {
            "ranking": name,
            "capture": metrics.capture(score, truth, dataset.settings.top_share),
            "spearman": metrics.rank_correlation(score, truth),
        }
        for name, score in ({LABEL: label["network_value"].to_numpy()} | baselines(features)).items()
    ]
    # where nobody influences anybody, all that is credited is false
    rows[0] |= {
        "influence_credited": label["influence_value"].sum() / revenue,
        "influence_true": influence.sum() / revenue,
    }
    return pd.DataFrame(rows).assign(world=world)


def main() -> None:
    """Judge in every world and print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=4000)
    customers = parser.parse_args().customers
    judged = pd.concat([judge(world, customers, seed) for world in simulation.WORLDS for seed in SEEDS])
    means = judged.groupby(["world", "ranking"], sort=False).mean().reset_index()
    means = means.sort_values(["world", "capture"], ascending=[True, False], kind="stable")
    publish("truth", means.astype(object).where(means.notna(), None).to_dict("records"))


if __name__ == "__main__":
    main()
