"""A company of sixty customers who each reach three others, with a known effect of a play on some of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ripple.features.dataset import Dataset
from ripple.features.validation.checks import load
from ripple.settings import Settings
from ripple.training.experiments.design import Design, PlayPlan, Prospect
from ripple.training.experiments.layout import Layout, layout
from ripple.training.experiments.outcomes import OUTCOMES
from ripple.training.experiments.population import population

START = datetime(2025, 7, 1)
DAYS = 60
END = START + timedelta(days=DAYS)
SIZE, EACH = 60, 3
OWN_EFFECT, AUDIENCE_EFFECT = 40.0, 30.0
SETTINGS = Settings(horizon_days=DAYS, currency="EUR")


def days(number: float) -> datetime:
    """A moment, counted in days from the start."""
    return START + timedelta(days=number)


@dataclass(frozen=True)
class Company:
    """The tables of a company, by name."""

    tables: dict[str, pd.DataFrame]

    def open(self, folder: Path, settings: Settings = SETTINGS) -> Dataset:
        """The dataset, written to *folder*."""
        folder.mkdir(parents=True)
        for name, table in self.tables.items():
            table.to_parquet(folder / f"{name}.parquet", index=False)
        return load(folder, settings)[0]

    def with_rows(self, **tables: list[dict[str, Any]]) -> Company:
        """The same company with these rows added to tables, or with tables of them."""
        added = {name: pd.DataFrame(rows) for name, rows in tables.items()}
        return Company(
            self.tables
            | {
                name: pd.concat([self.tables[name], rows]) if name in self.tables else rows
                for name, rows in added.items()
            }
        )

    def without(self, customers: list[str]) -> Company:
        """The same company, from which these customers have been deleted."""
        gone = {
            name: ~table.filter(regex="_id$").isin(customers).any(axis=1)
            for name, table in self.tables.items()
        }
        return Company({name: table[gone[name]] for name, table in self.tables.items()})


@pytest.fixture(scope="session")
def company() -> Company:
    """Customers ``c00`` … with audiences ``c00a`` …, and what they spend before and after the start.

    The first and the second of every six reach one customer in common.
    """
    rng = np.random.default_rng(11)
    heads = [f"c{number:02}" for number in range(SIZE)]
    members = [f"{head}{'abc'[i]}" for head in heads for i in range(EACH)]
    joined = [{"customer_id": name, "joined_at": days(-300)} for name in heads + members]
    contacts = [
        {
            "source_id": head,
            "target_id": f"{head}{'abc'[i]}",
            "occurred_at": days(-20 - i),
            "kind": "mention",
        }
        for head in heads
        for i in range(EACH)
    ]
    contacts += [
        {"source_id": heads[i + 1], "target_id": f"{heads[i]}a", "occurred_at": days(-60), "kind": "mention"}
        for i in range(0, SIZE, 6)
    ]
    level = dict(zip(heads + members, rng.gamma(4, 25, SIZE * (1 + EACH)), strict=True))
    orders = [
        {"customer_id": name, "ordered_at": days(on), "product": product, "revenue": round(spent, 2)}
        for name, usual in level.items()
        for on, product, spent in (
            (-90, "old", usual * 0.7),
            (-25, "old", usual * rng.lognormal(0, 0.04)),
            (45, "new", usual * rng.lognormal(0, 0.04)),
        )
    ]
    orders.append({"customer_id": "c00", "ordered_at": days(DAYS + 5), "product": "late", "revenue": 1.0})
    return Company(
        {
            "customers": pd.DataFrame(joined),
            "orders": pd.DataFrame(orders),
            "interactions": pd.DataFrame(contacts),
        }
    )


@pytest.fixture(scope="session")
def candidates() -> pd.DataFrame:
    """All heads, of two plays."""
    index = pd.Index([f"c{number:02}" for number in range(SIZE)], name="customer_id")
    return pd.DataFrame(
        {
            "play": np.where(np.arange(SIZE) % 2, "advocate", "rescue"),
            "network_value": 300.0,
            "direct_value": np.linspace(50, 150, SIZE),
        },
        index=index,
    )


@pytest.fixture(scope="session")
def laid(dataset: Dataset, candidates: pd.DataFrame) -> Layout:
    """The layout of an experiment on them."""
    return layout(population(dataset, START, candidates), 0.5, "ego", 4, seed=3)


@pytest.fixture(scope="session")
def design(laid: Layout) -> Design:
    """Its pre-registration."""
    plans = {}
    for play, rows in laid.assignments.groupby("play"):
        treated = rows["arm"] == "treatment"
        plans[str(play)] = PlayPlan(
            treated=int(treated.sum()),
            held=int((~treated).sum()),
            treated_units=rows["unit"][treated].nunique(),
            held_units=rows["unit"][~treated].nunique(),
            value=400.0,
            cost=20.0,
            prospects={name: Prospect(wanted=40.0) for name in OUTCOMES},
        )
    return Design(
        name="july",
        as_of=START,
        start=START,
        end=END,
        currency="EUR",
        plays=plans,
        holdout=0.5,
        units="ego",
        most_per_unit=4,
        seed=3,
        model="1",
        data={},
        margin_share=0.5,
        outcomes=OUTCOMES,
        overlap_customers=laid.overlap_customers,
        overlap_units=laid.overlap_units,
        overlap_arms=laid.overlap_arms,
    )


@pytest.fixture(scope="session")
def treated_company(company: Company, laid: Layout) -> Company:
    """The company in which treated customers, and each of their audience, spend more after the start."""
    rows = laid.assignments
    heads = rows.index[rows["arm"] == "treatment"]
    members = laid.audience.loc[laid.audience["owner"].isin(heads), "customer_id"]
    spent = [(name, OWN_EFFECT) for name in heads] + [(name, AUDIENCE_EFFECT / EACH) for name in members]
    return company.with_rows(
        orders=[
            {"customer_id": name, "ordered_at": days(40), "product": "old", "revenue": effect}
            for name, effect in spent
        ]
    )


@pytest.fixture(scope="session")
def dataset(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The company's dataset, in which nobody was treated."""
    return company.open(tmp_path_factory.mktemp("company") / "data")


@pytest.fixture(scope="session")
def treated_dataset(treated_company: Company, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The dataset of the company in which customers were treated."""
    return treated_company.open(tmp_path_factory.mktemp("treated") / "data")


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[Company], Dataset]:
    """Writes a company and opens it."""
    return lambda company: company.open(tmp_path / "data")
