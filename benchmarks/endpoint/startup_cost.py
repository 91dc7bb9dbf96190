"""How long the service takes from its start until it is ready, against a floor: `make bench-startup`.

In an environment of nothing but the Bento's own requirements, as in its container, Ripple's Bento and the
floor, a service of BentoML that does nothing, are started in turn, both with warm caches of the disk. ready_s
is seconds until /readyz answers 200, which takes a score that is right; cpu_s is CPU seconds of all processes
of the server by then. Figures are medians over the rounds, but longest_s is the longest time; x is ready_s
÷ that of the floor in the same round.
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

from benchmarks.endpoint.load_generator import process_tree_cpu_seconds
from benchmarks.endpoint.server_processes import PROGRAMS, bento
from benchmarks.harness import write_results
from benchmarks.synthetic_model import customer_features, write_bento
from ripple.settings import Model

GOAL = "< 5 s"


def create_environment(folder: Path, tag: str) -> Path:
    """Create an environment that holds the Bento's requirements and no more; the folder of its programs."""
    uv, environment = PROGRAMS / "uv", folder / "environment"
    packed = folder / "bentoml" / "bentos" / Path(*tag.split(":"))
    requirements = packed / "env" / "python" / "requirements.txt"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = ["--python", environment / "bin/python"]
    install = [uv, "pip", "install", "--quiet", "--compile-bytecode", *python, "-r", requirements]
    subprocess.run(list(map(str, install)), check=True)
    return environment / "bin"


def startup_seconds(service: str, programs: Path, log: Path) -> tuple[float, float]:
    """Seconds, and CPU seconds of all processes, until *service* is ready."""
    started = time.perf_counter()
    with bento(service, log, programs) as server:
        ready = time.perf_counter() - started
        return ready, process_tree_cpu_seconds(server.process)


def measure(folder: Path, customers: int, rounds: int, model: Model) -> list[dict[str, Any]]:
    """A row for the floor and one for Ripple."""
    tag = write_bento(folder, customer_features(customers), model)
    programs = create_environment(folder, tag)
    services = {"floor": "benchmarks.endpoint.startup_floor:Floor", "ripple": tag}
    starts: dict[str, list[tuple[float, float]]] = {name: [] for name in services}
    for turn in range(rounds + 1):
        for name, service in services.items():
            start = startup_seconds(service, programs, folder / f"{name}.log")
            # the first round fills the caches
            if turn:
                starts[name].append(start)
    floor = starts["floor"]
    return [
        {
            "service": name,
            "ready_s": median([ready for ready, _ in own]),
            "longest_s": max(ready for ready, _ in own),
            "x": median([one[0] / other[0] for one, other in zip(own, floor, strict=True)]),
            "cpu_s": median([used for _, used in own]),
            "goal": GOAL if name == "ripple" else None,
        }
        for name, own in starts.items()
    ]


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=100_000, help="of the snapshot (100,000)")
    parser.add_argument("--rounds", type=int, default=7, help="starts of each service (7)")
    options = parser.parse_args()
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    with tempfile.TemporaryDirectory() as folder:
        write_results("startup", measure(Path(folder), options.customers, options.rounds, Model()))


if __name__ == "__main__":
    main()
