"""The tables of a recipe, as Ripple reads them by its mapping, and its files as plain pandas reads them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from functools import cache

import pandas as pd

from examples.recipes.make import HERE
from ripple.features.dataset import Dataset
from ripple.features.validation import checks
from ripple.settings import load

ORDERS = ["customer_id", "ordered_at", "product", "revenue"]
USAGE = ["customer_id", "occurred_at", "feature"]
TIES = ["source_id", "target_id", "occurred_at", "kind"]
Rows = list[tuple[object, ...]]


@cache
def checked(name: str) -> tuple[Dataset, checks.Report]:
    """The recipe *name* as a dataset, and what checking it found."""
    folder = HERE / name
    return checks.check(folder, load(folder))


def mapped(name: str, table: str, columns: list[str]) -> Rows:
    """Rows of a table of the contract, as the recipe *name* maps it."""
    rows = checked(name)[0].tables[table].select(*columns).to_pyarrow().to_pylist()
    return ordered(tuple(row.values()) for row in rows)


def ordered(rows: Iterable[Iterable[object]]) -> Rows:
    """Rows in an order of their own, numbers rounded."""
    return sorted(
        tuple(round(value, 4) if isinstance(value, float) else value for value in row) for row in rows
    )


def tuples(frame: pd.DataFrame, columns: list[str]) -> Rows:
    """The rows of a frame, in the order of `mapped`."""
    times = frame.select_dtypes(["datetime", "datetimetz"]).columns
    frame = frame.assign(**{name: frame[name].dt.tz_localize(None) for name in times})
    return ordered(
        tuple(value.to_pydatetime() if isinstance(value, pd.Timestamp) else value for value in row)
        for row in frame[columns].itertuples(index=False)
    )


def file(name: str, table: str) -> pd.DataFrame:
    """A file of the recipe *name*, or a folder of them."""
    folder = HERE / name
    if (folder / f"{table}.csv").is_file():
        return pd.read_csv(folder / f"{table}.csv")
    if lines := sorted((folder / table).glob("*.json.gz")):
        texts = (gzip.decompress(path.read_bytes()).decode() for path in lines)
        rows = [json.loads(line) for text in texts for line in text.splitlines()]
        return pd.DataFrame([{name: _whole(value) for name, value in row.items()} for row in rows])
    return pd.read_parquet(folder / (table if (folder / table).is_dir() else f"{table}.parquet"))


def _whole(value: object) -> object:
    return json.dumps(value) if isinstance(value, dict) else value


def field(column: pd.Series, name: str) -> pd.Series:
    """The field *name* of objects in JSON."""
    return column.map(lambda value: json.loads(value).get(name), na_action="ignore")


def as_of(people: pd.Series, moments: pd.Series, members: pd.DataFrame) -> pd.Series:
    """The customer of each person at each moment: of the last membership before it, or else of the first."""
    members = members.sort_values("since", kind="stable").astype({"since": "datetime64[us]"})
    first = members.drop_duplicates("person").set_index("person").customer
    rows = pd.DataFrame({"person": people, "at": moments.astype("datetime64[us]")}).sort_values("at")
    last = pd.merge_asof(rows, members, left_on="at", right_on="since", by="person").set_index(rows.index)
    return last.customer.fillna(people.map(first)).reindex(people.index)


def between_customers(
    ties: Iterable[tuple[pd.Series, pd.Series, pd.Series, str]], customer: pd.Series
) -> Rows:
    """Ties of people as ties of customers, without those of strangers and of colleagues."""
    frames = [
        pd.DataFrame(
            {
                "source_id": source.map(customer),
                "target_id": target.map(customer),
                "occurred_at": pd.to_datetime(moment),
                "kind": kind,
            }
        ).dropna()
        for source, target, moment, kind in ties
    ]
    assert all((frame.source_id == frame.target_id).any() for frame in frames)
    rows = pd.concat(frames)
    return tuples(rows[rows.source_id != rows.target_id], TIES)
