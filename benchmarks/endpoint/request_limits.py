"""What the dearest request that each limit admits costs, and others meanwhile: `make bench-limits`.

A server with one worker and the default options gets each request alone first. Then 64 callers send it
without pause, while 16 good callers send requests for one customer by id. Normal is when the 64 send such
requests, too.

cpu_ms is milliseconds of CPU, user and system, of all processes of the server for one request, mb how many MB
the worker's memory grows above what it held before, at most. p99_ms is that of the good callers meanwhile, x
the same ÷ normal right before, with a goal of at most 4; good and bad are answers with status 200 a second,
and shed is how many requests of the 64 were answered by 503 with Retry-After.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import psutil

from benchmarks.endpoint.load_generator import OK, LoadResult, load, request
from benchmarks.endpoint.server_processes import Server, bento
from benchmarks.harness import write_results
from benchmarks.synthetic_model import NAMES, customer_features, write_bento
from ripple.serving.http.app import MAX_BODY_BYTES, MAX_INLINE_BYTES, MAX_INLINE_ROWS
from ripple.serving.http.middleware import MAX_HEAD_BYTES, MAX_HEADERS
from ripple.serving.requests import MAX_FEATURES_BYTES
from ripple.serving.schemas import MAX_CUSTOMERS, MAX_LIMIT, MAX_REASONS
from ripple.settings import Model

GOOD, BAD = 16, 64
"""The numbers of good callers, and of those who send the dearest requests."""
GOAL = 4.0


def dearest_requests(features: pd.DataFrame) -> dict[str, bytes]:
    """Whole HTTP requests by the limit that they reach."""
    ids = features.index[:MAX_CUSTOMERS].tolist()
    rows = [
        {name: None if value != value else value for name, value in row.items()}
        for row in features.head(MAX_CUSTOMERS).to_dict("records")
    ]
    inline_customers = MAX_INLINE_ROWS // (1 + MAX_REASONS)
    name = b'"%s":1' % NAMES[0].encode()
    repeated = b",".join([name] * ((MAX_FEATURES_BYTES - 100) // (len(name) + 1)))
    wrong = json.dumps({"customers": [{"features": dict.fromkeys(NAMES, "")}] * 2000}).encode()
    header = "a: " + "b" * (MAX_HEAD_BYTES - 200)
    many = "\r\n".join(f"a{number}: b" for number in range(MAX_HEADERS - 1))
    get = request(f"/v1/customers/{ids[0]}")
    return {
        "reasons of a customer by GET": request(f"/v1/customers/{ids[0]}?explain={MAX_REASONS}"),
        "rows in the event loop, ids": _score(
            {"customer_ids": ids[:inline_customers], "explain": MAX_REASONS}
        ),
        "rows in the event loop, features": _score(
            {"customers": [{"features": row} for row in rows[:inline_customers]], "explain": MAX_REASONS}
        ),
        "bytes in the event loop": _post(_filled(MAX_INLINE_BYTES)),
        "customers of /v1/top": request(f"/v1/top?limit={MAX_LIMIT}"),
        "customers by id with all reasons": _score({"customer_ids": ids, "explain": MAX_REASONS}),
        "customers by features with all reasons": _score(
            {"customers": [{"features": row} for row in rows], "explain": MAX_REASONS}
        ),
        "bytes, a wrong value first": _post(wrong),
        "bytes, too many customers": _post(_filled(MAX_BODY_BYTES, b'{"features":{}}')),
        "bytes, too many ids": _post(_filled(MAX_BODY_BYTES, b'"a"', b'{"customer_ids":[')),
        "bytes, a number that is not JSON last": _post(
            _filled(MAX_BODY_BYTES - 100, b'{"features":{"%s":1}}' % NAMES[0].encode(), last=b"NaN")
        ),
        "bytes of a customer, a name repeated": _post(b'{"customers":[{"features":{' + repeated + b"}}]}"),
        "bytes, nested": _post(b'{"customers":' + b"[" * (MAX_BODY_BYTES - 100)),
        "size of headers": get.replace(b"\r\n\r\n", f"\r\n{header}\r\n\r\n".encode()),
        "number of headers": get.replace(b"\r\n\r\n", f"\r\n{many}\r\n\r\n".encode()),
    }


def _score(body: object) -> bytes:
    return request("/v1/score", body)


def _post(body: bytes) -> bytes:
    head = "POST /v1/score HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


def _filled(
    size: int, item: bytes = b'{"features":{}}', start: bytes = b'{"customers":[', last: bytes = b""
) -> bytes:
    """A body of at most *size* bytes with a list of *item*, and *last* at its end."""
    items = [item] * ((size - len(start) - len(last) - 3) // (len(item) + 1))
    return start + b",".join([*items, *filter(None, [last])]) + b"]}"


def cost_alone(run: Callable[..., LoadResult], server: Server, sent: bytes, times: int) -> dict[str, Any]:
    """What a request costs, sent one after the other for half a second, and its status."""
    worker = max(psutil.Process(server.process).children(recursive=True), key=_memory)
    results, grown = [], []
    for _ in range(times):
        before = _memory(worker)
        Path(f"/proc/{worker.pid}/clear_refs").write_text("5")  # the peak counts from here
        results.append(run(server.port, server.process, [sent], 1, 0.5))
        grown.append(_peak(worker) - before / 1e6)
    (status,) = results[0].statuses
    cpu_ms = median(result.cpu_us for result in results) / 1e3
    return {"kb": len(sent) / 1e3, "status": status, "cpu_ms": cpu_ms, "mb": max(grown)}


def _memory(process: psutil.Process) -> int:
    return int(process.memory_info().rss)


def _peak(process: psutil.Process) -> float:
    """The largest resident size since the counter was cleared, in MB; on Linux, which counts it in KiB."""
    lines = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines()
    (peak,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(peak) * 1024 / 1e6


def among_others(
    processes: ProcessPoolExecutor, server: Server, good: list[bytes], sent: bytes, seconds: float
) -> dict[str, Any]:
    """What good callers feel of callers who send a request without pause."""
    arguments = (server.port, server.process)

    def both(by_others: list[bytes]) -> tuple[LoadResult, LoadResult]:
        of_others = processes.submit(load, *arguments, by_others, BAD, seconds + 1)
        time.sleep(0.5)  # until they have begun
        result = processes.submit(load, *arguments, good, GOOD, seconds - 0.5).result()
        return result, of_others.result()

    normal, _ = both(good)
    callers, attack = both([sent])
    return {
        "p99_ms": callers.p99_ms,
        "x": callers.p99_ms / normal.p99_ms,
        "goal": GOAL,
        "good": callers.per_s,
        "errors": callers.errors + callers.shed,
        "bad": attack.statuses[OK] / (seconds + 1),
        "shed": attack.shed,
    }


def measure(folder: Path, customers: int, times: int, seconds: float) -> list[dict[str, Any]]:
    """A row for every limit."""
    features = customer_features(customers)
    tag = write_bento(folder, features, Model())
    good = [request("/v1/score", {"customer_ids": [one]}) for one in features.index[:2000]]
    with (
        bento(tag, folder / "ripple.log") as server,
        ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes,
    ):

        def run(*arguments: Any) -> LoadResult:
            return processes.submit(load, *arguments).result()

        run(server.port, server.process, good, GOOD, 1.0)
        return [
            {
                "limit": limit,
                **cost_alone(run, server, sent, times),
                **among_others(processes, server, good, sent, seconds),
            }
            for limit, sent in dearest_requests(features).items()
        ]


def main() -> None:
    """Measure all limits and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=20_000, help="of the snapshot (20,000)")
    parser.add_argument("--times", type=int, default=5, help="that a request is measured alone (5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load (4)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_results("limits", measure(Path(folder), options.customers, options.times, options.seconds))


if __name__ == "__main__":
    main()
