"""What every benchmark shares: measuring, a table for people and the same figures as JSON."""

from __future__ import annotations

import json
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
REAL_DATA = Path(__file__).parents[1] / "docs" / "real.md"
"""The page of what was measured on real data, a section for each data set."""

Run = Callable[..., Any]
"""A function that calls another with arguments, maybe in another process, and returns what it returns."""


def cpu_seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """Median CPU seconds of this process, all threads, over *rounds* runs of *work*."""
    seconds = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        seconds.append(time.process_time() - started)
    return sorted(seconds)[rounds // 2]


def cost(work: Callable[..., Any], *arguments: object) -> tuple[Any, dict[str, float]]:
    """What *work* returns; and its wall and CPU seconds, with the peak memory of this process in GB."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work(*arguments)
    return result, {
        "wall_s": time.perf_counter() - wall,
        "cpu_s": time.process_time() - cpu,
        "peak_gb": peak_memory_gb(),
    }


def peak_memory_gb() -> float:
    """Largest resident size of this process so far, in GB; on Linux, which counts it in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def memory_gb() -> float:
    """Resident size of this process now, in GB; on Linux."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize() / 1e9


@contextmanager
def fresh_processes() -> Iterator[Run]:
    """Yield a function that calls another in a new process, so that peak memory is of that call alone.

    A child inherits the peak memory of its parent: do what takes much memory in such a process too.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, max_tasks_per_child=1) as processes:

        def run(work: Callable[..., Any], *arguments: object) -> Any:
            return processes.submit(work, *arguments).result()

        yield run


def write_results(name: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print *rows* as a table and write them to benchmarks/results/NAME.json; a missing key is null there."""
    columns = dict.fromkeys(key for row in rows for key in row)
    filled = [columns | row for row in rows]
    cells = [list(columns), *([_cell(value) for value in row.values()] for row in filled)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *others in cells:
        line = [first.ljust(widths[0]), *map(str.rjust, others, widths[1:])]
        print("  ".join(line))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(filled, indent=1) + "\n", encoding="utf-8")


def write_section(name: str, text: str, page: Path | None = None) -> None:
    """Replace the section *name* of a *page*, `REAL_DATA` where none is named, or add it at the end."""
    page = page or REAL_DATA
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, old = page.read_text(encoding="utf-8").partition(begin)
    after = old.partition(end)[2].lstrip()
    parts = (before.rstrip(), begin, text.strip(), end, after)
    page.write_text("\n\n".join(filter(None, parts)).rstrip() + "\n", encoding="utf-8")


def read_section(name: str, page: Path) -> str | None:
    """The section *name* of a *page* as it stands; None where there is none."""
    _, begin, rest = page.read_text(encoding="utf-8").partition(f"<!-- {name} -->")
    return rest.partition(f"<!-- end of {name} -->")[0].strip() if begin else None


def _cell(value: object) -> str:
    match value:
        case None:
            return "–"
        case float():
            return f"{value:,.3f}"
        case int():
            return f"{value:,}"
        case _:
            return str(value)
