"""Datasets for the tests of features: a small valid one, a random one with the odd cases, their files."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa

from ripple.features.dataset import Dataset
from ripple.features.matrix import matrix
from ripple.features.validation import checks
from ripple.settings import Settings

Frames = dict[str, pd.DataFrame]

LAST_DAY = datetime(2024, 6, 29)
"""The day of the last event of `small`."""

KINDS = ("referral", "follow", "mention", "share", "review", "answer", "template", "webinar", "gossip")
"""Kinds of every power, one that only `SETTINGS` knows (webinar) and one that nobody knows (gossip)."""

SETTINGS = Settings.model_validate(
    {"features": {"windows_days": (7, 30), "half_life_days": 20}, "kinds": {"webinar": "expert"}}
)


def write(frames: Frames, folder: Path, form: str = "parquet") -> Path:
    """Write each frame to *folder* as NAME.parquet or NAME.csv, without an index."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        if form == "parquet":
            frame.to_parquet(folder / f"{name}.parquet", index=False)
        else:
            frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def features_at(dataset: Dataset, as_of: datetime, credit: pd.DataFrame | None = None) -> pd.DataFrame:
    """The feature matrix as a frame, customers as its index."""
    given = {}
    if credit is not None:
        backend = dataset.tables["orders"].get_backend()
        given["credit"] = backend.create_table("credit", pa.Table.from_pandas(credit), overwrite=True)
    return matrix(dataset, as_of, given).to_pandas().set_index("customer_id")


def features_of(frames: Frames, as_of: datetime) -> pd.DataFrame:
    """The matrix as the pipeline makes it: written, checked, rows that may be set aside left out."""
    with TemporaryDirectory() as folder:
        return features_at(checks.check(write(frames, Path(folder)), SETTINGS)[0], as_of)


def bits(matrix: pd.DataFrame) -> dict[str, bytes]:
    """The bytes of each column and of the index, to compare matrices by."""
    columns = {name: column.to_numpy().tobytes() for name, column in matrix.items()}
    return columns | {"customer_id": "\n".join(matrix.index).encode()}


def cached_files(cache: Path) -> dict[str, int]:
    """Results in the folder *cache* by path in it; a file that is written again has another inode.

    What it knows of the files of a dataset, under ``rows``, is no result.
    """
    files = (path for path in cache.rglob("*") if path.is_file() and path.name != ".lock")
    paths = {str(path.relative_to(cache)): path.stat().st_ino for path in files}
    return {path: inode for path, inode in paths.items() if not path.startswith("rows/")}


def folders_written(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """Folders (the file of numbers by itself) of the files that were written from *before* to *after*."""
    paths = {path for path, inode in after.items() if before.get(path) != inode}
    return {str(Path(path).parent) if "/" in path else path.partition("-")[0] for path in paths}


def small() -> Frames:
    """Five customers (c5 does nothing), two months, every table; it keeps every rule."""
    days = [LAST_DAY - timedelta(days=59 - day) for day in range(60)]
    joined = datetime(2024, 1, 1)
    return {
        "customers": pd.DataFrame(
            {
                "customer_id": [f"c{i}" for i in range(1, 6)],
                "joined_at": [joined] * 5,
                "industry": ["retail", "retail", "energy", "energy", "retail"],
            }
        ),
        "orders": pd.DataFrame(
            {
                "customer_id": ["c1", "c1", "c2", "c3", "c1"],
                "ordered_at": [days[2], days[9], days[20], days[30], days[40]],
                "product": ["p1", "p2", "p1", "p1", "p1"],
                "revenue": [100.0, 20.0, 50.0, 80.0, -30.0],
                "margin": [40.0, 5.0, 20.0, 30.0, -12.0],
                "order_id": ["o1", "o2", "o3", "o4", "o5"],
            }
        ),
        "usage": pd.DataFrame(
            [
                {
                    "customer_id": f"c{i}",
                    "occurred_at": day + timedelta(hours=9 + i),
                    "feature": f"f{1 + i % 3}",
                    "quantity": 1.0,
                }
                for day in days
                for i in range(1, 5)
            ]
        ),
        "catalog": pd.DataFrame(
            {
                "feature": ["f1", "f2", "f3"],
                "tier": ["core", "advanced", "advanced"],
                "released_at": [joined, joined, days[5]],
            }
        ),
        "interactions": pd.DataFrame(
            {
                "source_id": ["c1", "c1", "c2", "c3"],
                "target_id": ["c2", "c3", "c1", "c4"],
                "occurred_at": [days[0], days[8], days[12], days[25]],
                "kind": ["referral", "follow", "answer", "share"],
                "weight": [1.0, 2.0, 1.0, 0.5],
            }
        ),
        "feedback": pd.DataFrame(
            {
                "customer_id": ["c1", "c2", "c2"],
                "occurred_at": [days[3], days[10], days[50]],
                "score": [0.5, -1.0, 1.0],
            }
        ),
    }


def random(seed: int = 5, customers: int = 40) -> Frames:
    """Four months from 2024-01 with late news, ties in time, refunds, mutual ties and unknown kinds.

    Times lie on few distinct hours, so that events coincide with each other and with the cutoffs at midnight.
    A product comes out every nine days, so that there are first purchases at any time. Some customers stop
    after three weeks, though others are still in touch with them; some come back every week.
    """
    rng = np.random.default_rng(seed)
    start = datetime(2024, 1, 1)
    ids = [f"c{i:02d}" for i in range(customers)]

    def moments(n: int, first: int = 0, last: int = 120) -> list[datetime]:
        odd = rng.choice([0.0, 0.25, 17.5], n)
        days, hours = rng.integers(first, last, n), rng.choice([0, 6, 12], n)
        return [
            start + timedelta(days=int(day), hours=int(hour), seconds=float(second))
            for day, hour, second in zip(days, hours, odd, strict=True)
        ]

    def known(times: list[datetime]) -> list[datetime | None]:
        delays = rng.choice([0.0, 0.0, 2.0, 25.0, -1.0], len(times))
        unknown = rng.random(len(times)) < 0.2
        return [
            None if missing else time + timedelta(days=float(delay))
            for time, delay, missing in zip(times, delays, unknown, strict=True)
        ]

    def some(n: int, share: float = 0.85) -> list[str]:
        """Ids of the first customers, so that the last ones have no rows."""
        return [ids[i] for i in rng.integers(0, int(customers * share), n)]

    ordered = moments(400)
    age = np.array([(time - start).days for time in ordered])
    orders = pd.DataFrame(
        {
            "customer_id": some(400, 0.7),
            "ordered_at": ordered,
            "product": [f"p{n}" for n in rng.integers(0, 2 + age // 9)],
            "revenue": np.round(rng.lognormal(4, 1, 400), 2),
            "known_at": known(ordered),
        }
    )
    refunds = orders.iloc[rng.choice(400, 40, replace=False)].copy()
    refunds["ordered_at"] += pd.Timedelta(days=3)
    refunds["known_at"] = refunds["ordered_at"]
    refunds["revenue"] = -refunds["revenue"] * rng.choice([0.5, 1.0], 40)
    free = orders.iloc[:4].assign(revenue=0.0, customer_id=ids[int(customers * 0.8)])
    orders = _stopped(pd.concat([orders, refunds, free], ignore_index=True), "ordered_at", ids[4:8])
    orders["margin"] = np.round(orders.revenue * rng.uniform(-0.1, 0.6, len(orders)), 2)
    orders.loc[rng.random(len(orders)) < 0.1, "margin"] = None

    used = moments(900)
    features = [f"f{i}" for i in range(8)]
    usage = pd.DataFrame(
        {
            "customer_id": some(900),
            "occurred_at": used,
            "feature": rng.choice([*features, "unlisted"], 900),
            "user_id": [None if n == 0 else f"u{n}" for n in rng.integers(0, 4, 900)],
            "known_at": known(used),
        }
    )
    weekly = pd.DataFrame(
        {
            "customer_id": np.repeat(ids[2:5], 17),
            "occurred_at": [start + timedelta(days=7 * week + 1) for week in range(17)] * 3,
            "feature": features[1],
        }
    )
    missed = (weekly.customer_id == ids[3]) & (weekly.occurred_at < datetime(2024, 2, 1))
    usage = pd.concat([_stopped(usage, "occurred_at", ids[4:8]), weekly[~missed]], ignore_index=True)
    # one who has used every advanced feature, one who has used only one feature
    usage.loc[usage.customer_id == ids[0], "feature"] = rng.choice(
        features[4:], (usage.customer_id == ids[0]).sum()
    )
    usage.loc[usage.customer_id == ids[1], "feature"] = features[0]

    met = moments(260)
    interactions = pd.DataFrame(
        {
            "source_id": some(260, 0.5),
            "target_id": some(260),
            "occurred_at": met,
            "kind": rng.choice(KINDS[1:], 260),
            "weight": np.round(rng.uniform(0, 3, 260), 3),
            "known_at": known(met),
        }
    )
    interactions.loc[rng.random(260) < 0.1, "weight"] = None
    back = interactions.iloc[:40].rename(columns={"source_id": "target_id", "target_id": "source_id"})
    joined = moments(25, 45, 101)
    referrals = pd.DataFrame(
        {
            "source_id": some(25, 0.3),
            "target_id": rng.choice(ids[customers // 3 :], 25, replace=False),
            "occurred_at": joined,
            "kind": "referral",
            "weight": 1.0,
            "known_at": known(joined),
        }
    )
    interactions = pd.concat([interactions, back, referrals], ignore_index=True)
    interactions = interactions[interactions.source_id != interactions.target_id].reset_index(drop=True)

    said = moments(70)
    feedback = pd.DataFrame(
        {
            "customer_id": some(70, 0.6),
            "occurred_at": said,
            "score": np.round(rng.uniform(-1, 1, 70), 2),
            "known_at": known(said),
        }
    )
    # two at the same moment
    feedback = pd.concat([feedback, feedback.iloc[:30].assign(score=-0.33)], ignore_index=True)
    return {
        "customers": pd.DataFrame(
            {
                "customer_id": ids,
                "joined_at": [start + timedelta(days=int(day)) for day in rng.integers(-100, 110, customers)],
                "industry": rng.choice(["retail", "energy"], customers),
                "seats": rng.integers(1, 50, customers),
            }
        ),
        "orders": orders,
        "usage": usage,
        "catalog": pd.DataFrame(
            {
                "feature": features,
                "tier": ["core"] * 4 + ["advanced"] * 4,
                "released_at": [start + timedelta(days=day) for day in (-50, -3, 5, 9, -9, 75, 20)] + [None],
            }
        ),
        "interactions": interactions,
        "feedback": feedback,
    }


def _stopped(events: pd.DataFrame, time: str, customers: list[str]) -> pd.DataFrame:
    """Without the events of *customers* after three weeks."""
    return events[~events.customer_id.isin(customers) | (events[time] < datetime(2024, 1, 22))]
