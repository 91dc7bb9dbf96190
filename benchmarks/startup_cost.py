"""How long the service takes from its start until it is ready: `python benchmarks/startup_cost.py`.

In an environment of nothing but the Bento's own requirements, as in its container, Ripple's Bento and a
service of BentoML that does nothing are started in turn, both with warm caches of the disk. ready_s is the
time until /readyz answers 200, which takes a score that is right; cpu_s is what all processes of the server
used by then. Figures are medians over the rounds, and x is what Ripple takes ÷ what the floor takes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import made_up
import psutil
from harness import publish
from servers import PROGRAMS, bento
from serving_cost import write

from ripple.settings import Model

GOAL = "< 5 s"


def environment(folder: Path, tag: str) -> Path:
    """Where the programs of an environment are that holds the Bento's requirements and no more."""
    uv, made = PROGRAMS / "uv", folder / "environment"
    packed = folder / "bentoml" / "bentos" / Path(*tag.split(":"))
    requirements = packed / "env" / "python" / "requirements.txt"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, made], check=True)
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", made / "bin/python"]
    subprocess.run([*install, "-r", requirements], check=True)
    return made / "bin"


def started(service: str, programs: Path, log: Path) -> tuple[float, float]:
    """Seconds, and CPU seconds of all processes, until *service* is ready."""
    begun = time.perf_counter()
    with bento(service, log, programs) as server:
        ready = time.perf_counter() - begun
        first = psutil.Process(server.process)
        used = [one.cpu_times() for one in (first, *first.children(recursive=True))]
    return ready, sum(one.user + one.system for one in used)


def measured(folder: Path, customers: int, rounds: int) -> list[dict[str, Any]]:
    """A row for the floor and one for Ripple."""
    tag = write(folder, made_up.customers(customers), Model())
    programs = environment(folder, tag)
    services = {"floor": "startup_floor:Floor", "ripple": tag}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in services}
    for turn in range(rounds + 1):
        for name, service in services.items():
            one = started(service, programs, folder / f"{name}.log")
            # the first round reads what is then in the caches
            if turn:
                taken[name].append(one)
    floor = taken["floor"]
    return [
        {
            "service": name,
            "ready_s": median([ready for ready, _ in found]),
            "longest_s": max(ready for ready, _ in found),
            "x": median([one[0] / other[0] for one, other in zip(found, floor, strict=True)]),
            "cpu_s": median([used for _, used in found]),
            "goal": GOAL if name == "ripple" else None,
        }
        for name, found in taken.items()
    ]


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=100_000, help="of the snapshot (100,000)")
    parser.add_argument("--rounds", type=int, default=7, help="starts of each service (7)")
    chosen = parser.parse_args()
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    with tempfile.TemporaryDirectory() as folder:
        publish("startup", measured(Path(folder), chosen.customers, chosen.rounds))


if __name__ == "__main__":
    main()
