"""What an answer of the service costs beside a floor and two peers: `python benchmarks/serving_cost.py`.

The floor is an endpoint of BentoML that returns a constant, under the settings of Ripple's own server. The
peers are the same trees as people first serve them, see `serving_peers.Naive`, and by `mlflow models serve`.
All servers, one worker each, run side by side; a generator in a process of its own loads one at a time, in
rounds over all targets and numbers of connections. Every request of a burst asks for other customers, drawn
from those of a snapshot. The model has 80 features and the default parameters.

Figures are medians over the rounds. cpu_us is user and system time of all processes of the server by answer.
x is how many times that is cpu_us of the `base` in the same round, and goal what it should be; p99_x is the
same of p99_ms, of the answers' time, with a goal of at most 2 at one connection.

Three further rows: *steady*, all of ours in turn for a minute, with no error; *overload*, 400 connections
with large requests, which are worked on in threads, to a server that takes 64 at once, which has to tell the
others to come again (*shed*), by 503 with Retry-After; and *recovered*, 16 of them afterwards, with no error.

(The file is not called serving.py, as it would then hide the package from whatever runs in this folder.)
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import made_up
import numpy as np
import pandas as pd
from harness import publish
from servers import PROGRAMS, Server, answers, bento, running
from serving_load import OK, Burst, load, request

from ripple.models.batch_scoring import score_population, write_snapshot
from ripple.serving.package import package
from ripple.settings import Model

CONNECTIONS = (1, 16, 64)
REQUESTS = 4000
AT_ONCE = 64
"""Requests that the overloaded server takes."""
MOST_CONNECTIONS, LARGE = 400, 200
"""Connections that overload it, and customers of each of their requests."""
AS_OF = datetime(2026, 6, 30)
GOALS = {
    "id": ("floor", "<= 1.7"),
    "id, reasons": ("floor", "<= 2"),
    "features": ("floor", "<= 2.1"),
    "100 ids": ("floor", "<= 4"),
    "naive": ("features", ">= 6"),
    "mlflow": ("features", ">= 18"),
}
"""Of each target: with what its CPU is compared, and what that ratio should be."""

Loader = Callable[..., Burst]


@dataclass(frozen=True)
class Target:
    """What is asked of which server."""

    server: Server
    requests: list[bytes]


def targets(servers: dict[str, Server], features: pd.DataFrame, seed: int = 3) -> dict[str, Target]:
    """What is compared, each with requests for other customers."""
    rng = np.random.default_rng(seed)
    drawn = features.iloc[rng.integers(0, len(features), REQUESTS)]
    ids = drawn.index.tolist()
    rows = [
        dict(zip(drawn.columns, row, strict=True))
        for row in drawn.astype(object).where(drawn.notna(), None).to_numpy().tolist()
    ]
    by_id = [{"customer_ids": [one]} for one in ids]
    hundred = rng.choice(features.index.to_numpy(), (REQUESTS // 10, 100)).tolist()
    asked: dict[str, tuple[str, list[bytes]]] = {
        "floor": ("floor", [request("/score", one) for one in by_id]),
        "id": ("ripple", [request("/v1/score", one) for one in by_id]),
        "id, reasons": ("ripple", [request("/v1/score", one | {"explain": 5}) for one in by_id]),
        "features": ("ripple", [request("/v1/score", {"customers": [{"features": row}]}) for row in rows]),
        "100 ids": ("ripple", [request("/v1/score", {"customer_ids": some}) for some in hundred]),
        "GET id": ("ripple", [request(f"/v1/customers/{one}") for one in ids]),
        "naive": ("naive", [request("/score", {"customer": row}) for row in rows]),
        "mlflow": ("mlflow", [request("/invocations", {"dataframe_records": [row]}) for row in rows]),
    }
    return {name: Target(servers[server], sent) for name, (server, sent) in asked.items()}


def refuse_different_scores(chosen: dict[str, Target]) -> None:
    """Whatever scores one customer has to score the first one alike."""
    found = {}
    for name in ("id", "id, reasons", "features", "GET id", "naive", "mlflow"):
        head, _, body = chosen[name].requests[0].partition(b"\r\n\r\n")
        method, path, _ = head.decode().split(" ", 2)
        url = f"http://127.0.0.1:{chosen[name].server.port}{path}"
        answer = httpx.request(
            method, url, content=body, headers={"content-type": "application/json"}, timeout=30
        )
        given = re.findall(r'"(?:network_value|top_probability)": ?([^,}]+)', answer.raise_for_status().text)
        found[name] = [float(score) for score in given[:2]]
    for name, scores in found.items():
        np.testing.assert_allclose(scores, found["id"], rtol=1e-9, err_msg=name)


def measured(run: Loader, chosen: dict[str, Target], rounds: int, seconds: float) -> list[dict[str, Any]]:
    """A row for every target and number of connections."""
    bursts: dict[tuple[str, int], list[Burst]] = {}
    for turn in range(rounds + 1):
        for connections in CONNECTIONS:
            for name, target in chosen.items():
                first = turn * len(target.requests) // (rounds + 1)
                sent = target.requests[first:] + target.requests[:first]
                burst = run(target.server.port, target.server.process, sent, connections, seconds)
                # the first round warms up
                if turn:
                    bursts.setdefault((name, connections), []).append(burst)
    rows = []
    for (name, connections), found in bursts.items():
        base, goal = GOALS.get(name, ("floor", None))
        rows.append(_row(name, connections, found, goal, base, bursts[base, connections]))
    return rows


def endured(
    run: Loader, ours: Sequence[Target], small: Target, connections: int, seconds: float
) -> list[dict[str, Any]]:
    """Rows of a steady load on *ours*, of an overload of the server of *small*, and of what follows."""
    (server,) = {target.server for target in ours}
    mixed = [one for turn in zip(*(target.requests for target in ours), strict=False) for one in turn]
    brief = min(10.0, seconds)
    loads = (
        ("steady", Target(server, mixed), CONNECTIONS[-1], seconds, "no error"),
        ("overload", small, connections, brief, "503"),
        ("recovered", small, CONNECTIONS[1], brief, "no error"),
    )
    return [
        _row(name, at_once, [run(on.server.port, on.server.process, on.requests, at_once, lasting)], goal)
        for name, on, at_once, lasting, goal in loads
    ]


def _row(
    name: str,
    connections: int,
    found: Sequence[Burst],
    goal: str | None,
    base: str | None = None,
    bases: Sequence[Burst] = (),
) -> dict[str, Any]:
    pairs = list(zip(found, bases, strict=True)) if bases else []
    return {
        "target": name,
        "connections": connections,
        "cpu_us": median([one.cpu_us for one in found]),
        "base": base,
        "x": median([one.cpu_us / other.cpu_us for one, other in pairs]) if pairs else None,
        "goal": goal,
        "per_s": median([one.per_s for one in found]),
        "p50_ms": median([one.p50_ms for one in found]),
        "p99_ms": median([one.p99_ms for one in found]),
        "p99_x": median([one.p99_ms / other.p99_ms for one, other in pairs]) if pairs else None,
        "answers": sum(one.statuses[OK] for one in found),
        "shed": sum(one.shed for one in found),
        "errors": sum(one.errors for one in found),
    }


def write(folder: Path, features: pd.DataFrame, model: Model) -> str:
    """Write everything that is served into *folder*, and return the tag of Ripple's Bento."""
    bundle = made_up.write(folder, model)
    write_snapshot(folder / "snapshot.parquet", score_population(bundle, features), features, AS_OF)
    os.environ["BENTOML_HOME"] = str(folder / "bentoml")
    return str(package(folder, "1"))


def compare(
    folder: Path, customers: int, rounds: int, seconds: float, steady: float, model: Model
) -> list[dict[str, Any]]:
    """All rows."""
    features = made_up.customers(customers)
    tag = write(folder, features, model)
    mlflow = [PROGRAMS / "mlflow", "models", "serve", "--model-uri", folder / "mlflow"]
    mlflow += ["--env-manager", "local", "--workers", "1", "--host", "127.0.0.1", "--port"]
    with ExitStack() as stack:
        start = stack.enter_context
        servers = {
            "floor": start(bento("serving_peers:Floor", folder / "floor.log")),
            "ripple": start(bento(tag, folder / "ripple.log")),
            "naive": start(
                bento("serving_peers:Naive", folder / "naive.log", HEADS=str(folder / "heads.joblib"))
            ),
            "mlflow": start(running(mlflow, answers("/ping"), folder / "mlflow.log")),
        }
        small = start(bento(tag, folder / "small.log", RIPPLE_SERVE_MOST_AT_ONCE=str(AT_ONCE)))
        chosen = targets(servers, features)
        refuse_different_scores(chosen)
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=fresh) as processes:

            def run(*given: Any) -> Burst:
                return processes.submit(load, *given).result()

            rows = measured(run, chosen, rounds, seconds)
            large = [
                request("/v1/score", {"customer_ids": features.index[at : at + LARGE].tolist(), "explain": 5})
                for at in range(0, len(features), LARGE)
            ]
            ours = [target for target in chosen.values() if target.server == servers["ripple"]]
            return rows + endured(run, ours, Target(small, large), MOST_CONNECTIONS, steady)


def main() -> None:
    """Measure everything and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=100_000, help="of the snapshot (100,000)")
    parser.add_argument("--rounds", type=int, default=7, help="over all targets and connections (7)")
    parser.add_argument("--seconds", type=float, default=2.0, help="that a target is loaded in a round (2)")
    parser.add_argument("--steady", type=float, default=60.0, help="seconds of the steady load (60)")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        publish(
            "serving",
            compare(Path(folder), chosen.customers, chosen.rounds, chosen.seconds, chosen.steady, Model()),
        )


if __name__ == "__main__":
    main()
