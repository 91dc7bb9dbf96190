"""What an answer of the service costs against a floor and two peers: `make bench-serving`.

The floor is an endpoint of BentoML that returns a constant, under the settings of Ripple's own server. The
peers are the same trees as people first serve them, see `peers.Naive`, and by `mlflow models serve`. A server
of ours with traces sends a span of each answer to a collector that throws it away.
All servers, one worker each, run side by side; a generator in a process of its own loads one at a time, in
rounds over all targets and numbers of connections. Every request of a burst asks for other customers, drawn
from those of a snapshot. The model has 80 features and the default parameters.

Figures are medians over the rounds. cpu_us is microseconds of CPU, user and system, of all processes of the
server an answer. x is cpu_us ÷ that of the `base` in the same round, and goal what it should be; p99_x is the
same of p99_ms, milliseconds until an answer, with a goal of at most 2 at one connection.

Three further rows: *steady*, all of ours in turn for a minute, with no error; *overload*, 400 connections
with large requests, which are worked on in threads, to a server that takes 64 at once, which has to shed the
others by 503 with Retry-After; and *recovered*, 16 of them afterwards, with no error.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
import pandas as pd

from benchmarks.endpoint.load_generator import OK, LoadResult, load, request
from benchmarks.endpoint.server_processes import PROGRAMS, Server, answers, bento, collector, running
from benchmarks.harness import write_results
from benchmarks.synthetic_model import customer_features, write_bento
from ripple.settings import Model

CONNECTIONS = (1, 16, 64)
REQUESTS = 4000
MAX_REQUESTS = 64
"""The number of requests at a time that the overloaded server takes."""
OVERLOAD_CONNECTIONS, OVERLOAD_CUSTOMERS = 400, 200
"""The number of connections that overload it, and of customers in each of their requests."""
GOALS = {
    "id": ("floor", "<= 1.7"),
    "id, reasons": ("floor", "<= 2"),
    "id, traces": ("id", "<= 1.5"),
    "features": ("floor", "<= 2.1"),
    "100 ids": ("floor", "<= 4"),
    "naive": ("features", ">= 6"),
    "mlflow": ("features", ">= 18"),
}
"""Target → the target with whose CPU its own is compared, and what that ratio should be."""

Loader = Callable[..., LoadResult]
"""A function with the arguments of `load`."""


@dataclass(frozen=True)
class Target:
    """A server, and the requests that are sent to it."""

    server: Server
    requests: list[bytes]


def build_targets(servers: dict[str, Server], features: pd.DataFrame, seed: int = 3) -> dict[str, Target]:
    """All targets by name, each with requests for customers drawn from *features*."""
    rng = np.random.default_rng(seed)
    drawn = features.iloc[rng.integers(0, len(features), REQUESTS)]
    ids = drawn.index.tolist()
    rows = [
        dict(zip(drawn.columns, row, strict=True))
        for row in drawn.astype(object).where(drawn.notna(), None).to_numpy().tolist()
    ]
    by_id = [{"customer_ids": [one]} for one in ids]
    hundred = rng.choice(features.index.to_numpy(), (REQUESTS // 10, 100)).tolist()
    requests: dict[str, tuple[str, list[bytes]]] = {
        "floor": ("floor", [request("/score", one) for one in by_id]),
        "id": ("ripple", [request("/v1/score", one) for one in by_id]),
        "id, reasons": ("ripple", [request("/v1/score", one | {"explain": 5}) for one in by_id]),
        "id, traces": ("traced", [request("/v1/score", one) for one in by_id]),
        "features": ("ripple", [request("/v1/score", {"customers": [{"features": row}]}) for row in rows]),
        "100 ids": ("ripple", [request("/v1/score", {"customer_ids": some}) for some in hundred]),
        "GET id": ("ripple", [request(f"/v1/customers/{one}") for one in ids]),
        "naive": ("naive", [request("/score", {"customer": row}) for row in rows]),
        "mlflow": ("mlflow", [request("/invocations", {"dataframe_records": [row]}) for row in rows]),
    }
    return {name: Target(servers[server], sent) for name, (server, sent) in requests.items()}


def check_scores_agree(targets: Mapping[str, Target]) -> None:
    """Raise an AssertionError unless all targets that score one customer score the first one alike."""
    scores = {}
    for name in ("id", "id, reasons", "id, traces", "features", "GET id", "naive", "mlflow"):
        head, _, body = targets[name].requests[0].partition(b"\r\n\r\n")
        method, path, _ = head.decode().split(" ", 2)
        url = f"http://127.0.0.1:{targets[name].server.port}{path}"
        answer = httpx.request(
            method, url, content=body, headers={"content-type": "application/json"}, timeout=30
        )
        figures = re.findall(
            r'"(?:network_value|top_probability)": ?([^,}]+)', answer.raise_for_status().text
        )
        scores[name] = [float(figure) for figure in figures[:2]]
    for name, own in scores.items():
        np.testing.assert_allclose(own, scores["id"], rtol=1e-9, err_msg=name)


def measure(run: Loader, targets: Mapping[str, Target], rounds: int, seconds: float) -> list[dict[str, Any]]:
    """A row for every target and number of connections."""
    results: dict[tuple[str, int], list[LoadResult]] = {}
    for turn in range(rounds + 1):
        for connections in CONNECTIONS:
            for name, target in targets.items():
                first = turn * len(target.requests) // (rounds + 1)
                sent = target.requests[first:] + target.requests[:first]
                result = run(target.server.port, target.server.process, sent, connections, seconds)
                # the first round warms up
                if turn:
                    results.setdefault((name, connections), []).append(result)
    rows = []
    for (name, connections), own in results.items():
        base, goal = GOALS.get(name, ("floor", None))
        rows.append(_row(name, connections, own, goal, base, results[base, connections]))
    return rows


def measure_overload(
    run: Loader, ours: Sequence[Target], limited: Target, connections: int, seconds: float
) -> list[dict[str, Any]]:
    """Rows of a steady load on *ours*, of an overload of the server of *limited*, and of what follows."""
    (server,) = {target.server for target in ours}
    mixed = [one for turn in zip(*(target.requests for target in ours), strict=False) for one in turn]
    brief = min(10.0, seconds)
    loads = (
        ("steady", Target(server, mixed), CONNECTIONS[-1], seconds, "no error"),
        ("overload", limited, connections, brief, "503"),
        ("recovered", limited, CONNECTIONS[1], brief, "no error"),
    )
    return [
        _row(name, at_once, [run(on.server.port, on.server.process, on.requests, at_once, lasting)], goal)
        for name, on, at_once, lasting, goal in loads
    ]


def _row(
    name: str,
    connections: int,
    own: Sequence[LoadResult],
    goal: str | None,
    base: str | None = None,
    of_base: Sequence[LoadResult] = (),
) -> dict[str, Any]:
    pairs = list(zip(own, of_base, strict=True)) if of_base else []
    return {
        "target": name,
        "connections": connections,
        "cpu_us": median([one.cpu_us for one in own]),
        "base": base,
        "x": median([one.cpu_us / other.cpu_us for one, other in pairs]) if pairs else None,
        "goal": goal,
        "per_s": median([one.per_s for one in own]),
        "p50_ms": median([one.p50_ms for one in own]),
        "p99_ms": median([one.p99_ms for one in own]),
        "p99_x": median([one.p99_ms / other.p99_ms for one, other in pairs]) if pairs else None,
        "answers": sum(one.statuses[OK] for one in own),
        "shed": sum(one.shed for one in own),
        "errors": sum(one.errors for one in own),
    }


def compare(
    folder: Path, customers: int, rounds: int, seconds: float, steady: float, model: Model
) -> list[dict[str, Any]]:
    """The rows of all targets and loads."""
    features = customer_features(customers)
    tag = write_bento(folder, features, model)
    mlflow = [PROGRAMS / "mlflow", "models", "serve", "--model-uri", folder / "mlflow"]
    mlflow += ["--env-manager", "local", "--workers", "1", "--host", "127.0.0.1", "--port"]
    with ExitStack() as stack:
        start = stack.enter_context
        traces = {"RIPPLE_SERVE_TRACES": f"http://127.0.0.1:{start(collector())}/v1/traces"}
        servers = {
            "floor": start(bento("benchmarks.endpoint.peers:Floor", folder / "floor.log")),
            "ripple": start(bento(tag, folder / "ripple.log")),
            "naive": start(
                bento(
                    "benchmarks.endpoint.peers:Naive",
                    folder / "naive.log",
                    env={"HEADS": str(folder / "heads.joblib")},
                )
            ),
            "traced": start(bento(tag, folder / "traced.log", env=traces)),
            "mlflow": start(running(mlflow, answers("/ping"), folder / "mlflow.log")),
        }
        few = {"RIPPLE_SERVE_MOST_AT_ONCE": str(MAX_REQUESTS)}
        limited = start(bento(tag, folder / "limited.log", env=few))
        targets = build_targets(servers, features)
        check_scores_agree(targets)
        fresh = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=fresh) as processes:

            def run(*arguments: Any) -> LoadResult:
                return processes.submit(load, *arguments).result()

            rows = measure(run, targets, rounds, seconds)
            large = [
                request(
                    "/v1/score",
                    {"customer_ids": features.index[at : at + OVERLOAD_CUSTOMERS].tolist(), "explain": 5},
                )
                for at in range(0, len(features), OVERLOAD_CUSTOMERS)
            ]
            ours = [target for target in targets.values() if target.server == servers["ripple"]]
            return rows + measure_overload(run, ours, Target(limited, large), OVERLOAD_CONNECTIONS, steady)


def main() -> None:
    """Measure everything and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=100_000, help="of the snapshot (100,000)")
    parser.add_argument("--rounds", type=int, default=7, help="over all targets and connections (7)")
    parser.add_argument("--seconds", type=float, default=2.0, help="that a target is loaded in a round (2)")
    parser.add_argument("--steady", type=float, default=60.0, help="seconds of the steady load (60)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_results(
            "serving",
            compare(
                Path(folder), options.customers, options.rounds, options.seconds, options.steady, Model()
            ),
        )


if __name__ == "__main__":
    main()
