"""Proposals for small tables."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ripple.features.dataset import Dataset, open_dataset
from ripple.features.profiling.entities import Entities, find_entities
from ripple.features.profiling.links import Links
from ripple.features.profiling.profile import TableProfile, profile
from ripple.features.profiling.propose import propose
from ripple.features.profiling.writing.toml_text import write
from ripple.features.tables.contract import CONTRACT
from ripple.features.tables.sources import find
from ripple.settings import Settings
from tests.support.oracles import feature_frames
from tests.support.oracles.feature_frames import Frames

DAYS = pd.date_range("2024-01-01", periods=60, freq="D")
ACCOUNTS = [f"acc-{number:04d}" for number in range(60)]
PEOPLE = [f"person-{number:05d}" for number in range(120)]


def company() -> Frames:
    """Tables of a company: accounts, users, invoices with lines, events, shared documents, NPS."""
    lines = pd.DataFrame(
        {
            "id": [f"line-{number:05d}" for number in range(240)],
            "invoice_id": [f"inv-{number // 2:05d}" for number in range(240)],
            "sku": [f"plan {number % 3}" for number in range(240)],
            "amount_cents": [1_900 + 100 * (number % 7) for number in range(240)],
        }
    )
    invoices = pd.DataFrame(
        {
            "id": [f"inv-{number:05d}" for number in range(120)],
            "account": [ACCOUNTS[number % 50] for number in range(120)],
            "paid_at": [DAYS[number % 60] for number in range(120)],
            "status": ["void" if number % 10 == 0 else "paid" for number in range(120)],
        }
    )
    users = pd.DataFrame({"id": PEOPLE, "account_id": [ACCOUNTS[number % 60] for number in range(120)]})
    events = pd.DataFrame(
        {
            "user_id": [PEOPLE[number * 7 % 120] for number in range(300)],
            "event_name": [("export", "edit", "view")[number % 3] for number in range(300)],
            "timestamp": [DAYS[number % 60] for number in range(300)],
        }
    )
    shares = pd.DataFrame(
        {
            "owner_id": [PEOPLE[number * 11 % 120] for number in range(90)],
            "viewer_id": [PEOPLE[(number * 11 + 1) % 120] for number in range(90)],
            "shared_at": [DAYS[number % 60] for number in range(90)],
        }
    )
    surveys = pd.DataFrame(
        {
            "account_id": [ACCOUNTS[number % 60] for number in range(80)],
            "submitted_at": [DAYS[number % 60] for number in range(80)],
            "nps_score": [number % 11 for number in range(80)],
        }
    )
    accounts = pd.DataFrame(
        {
            "id": ACCOUNTS,
            "signup_date": [DAYS[0]] * 60,
            "industry": [("media", "health")[number % 2] for number in range(60)],
        }
    )
    return {
        "accounts": accounts,
        "users": users,
        "invoices": invoices,
        "invoice_lines": lines,
        "events": events,
        "document_shares": shares,
        "nps_responses": surveys,
    }


def proposed(data: Path | str) -> tuple[Settings, str]:
    """The settings that are proposed for *data*, and their text."""
    source = find(data)
    with source.open() as place:
        text = write(propose(place), str(source), place.dialect)
    return Settings(**tomllib.loads(text)), text


def opened(data: Path | str) -> Dataset:
    """The dataset *data* as it is proposed to read it."""
    return open_dataset(data, proposed(data)[0])


def required_rows(dataset: Dataset, table: str) -> list[tuple[Any, ...]]:
    """The rows of a table in the columns that the contract requires, in order, numbers rounded."""
    rows = dataset.tables[table].select(CONTRACT[table].required).to_pyarrow().to_pylist()
    return sorted(
        tuple(round(value, 4) if isinstance(value, float) else value for value in row.values())
        for row in rows
    )


def right_tables(data: Path | str, settings: Settings, expected: Settings) -> dict[str, bool]:
    """Whether each table of the contract that *expected* maps is read by *settings* with the same rows.

    What is not proposed is wrong, and read by *expected*, so that each other table is judged by itself.
    """
    missing = {name: parts for name, parts in expected.tables.items() if name not in settings.tables}
    proposal = open_dataset(data, settings.model_copy(update={"tables": {**settings.tables, **missing}}))
    dataset = open_dataset(data, expected)
    return {
        name: name not in missing and required_rows(proposal, name) == required_rows(dataset, name)
        for name in dataset.tables.tables
        if name in CONTRACT
    }


Looking = Callable[[Frames], tuple[list[TableProfile], Links, Entities]]


@pytest.fixture
def look(tmp_path: Path) -> Looking:
    """Profiles frames, and finds their links and who the customers are."""

    def look(frames: Frames) -> tuple[list[TableProfile], Links, Entities]:
        with find(feature_frames.write(frames, tmp_path / "looked")).open() as place:
            tables = profile(place)
            links = Links(place, tables)
            return tables, links, find_entities(links)

    return look
