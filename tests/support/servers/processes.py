"""What tests that run real processes share."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from tests.support.checkout import ROOT

Ripple = Callable[..., subprocess.CompletedProcess[str]]

FORKING = """
import atexit, gc, json, os, signal, sys, traceback, warnings
from ripple import cli
import duckdb, lightgbm, mlflow, networkit, pyarrow.dataset, shap, sklearn.isotonic
import ripple.features.validation.checks, ripple.models.batch_scoring, ripple.serving.options
import ripple.training.monitoring, ripple.training.pipeline, ripple.training.report
import ripple.training.registry.model_versions, ripple.training.registry.recording

def run(request):
    signal.alarm(600)
    os.chdir(request["cwd"])
    os.environ.update(request["environment"])
    for number, file in ((0, os.devnull), (1, request["out"]), (2, request["err"])):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
    sys.argv = ["ripple", *request["arguments"]]
    code = 0
    try:
        cli.main()
    except SystemExit as error:
        code = error.code or 0
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    # libraries would wait for threads that only the parent has
    os._exit(code)

warnings.simplefilter("default")
# else a child that collects garbage copies all that it has inherited
gc.freeze()
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        run(json.loads(line))
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs `ripple` once for every line it reads, in a child that has little more to import."""


@dataclass(frozen=True)
class TrainedWorld:
    """A dataset, the home of the run that was trained on it, and what `ripple train` printed."""

    data: Path
    home: Path
    printed: str
    progress: str


@dataclass(frozen=True)
class Served:
    """The process of `ripple serve`, the address that it serves, and the store that it follows."""

    process: psutil.Process
    url: str
    store: Path


def free_port() -> int:
    """A port of the loopback interface on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def becomes_ready(server: subprocess.Popen[str], url: str, seconds: float = 120) -> bool:
    """Wait until /readyz answers 200; False if the server ends or takes longer."""
    deadline = time.monotonic() + seconds
    while server.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return True
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    return False


@contextmanager
def forking_ripple(folder: Path) -> Iterator[Ripple]:
    """Runs `ripple ARGUMENTS`, each in a process of its own, forked from one that has imported all before.

    A command that starts anew takes seconds for what it imports. The parent opens no data, as threads do not
    survive a fork.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", FORKING],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout, out, err = process.stdin, process.stdout, folder / "out", folder / "err"

    def run(*arguments: object, home: Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
        for file in (out, err):
            file.write_bytes(b"")
        given = [str(argument) for argument in arguments]
        request = {"arguments": given, "cwd": str(cwd), "environment": {"RIPPLE_HOME": str(home)}}
        stdin.write(json.dumps(request | {"out": str(out), "err": str(err)}) + "\n")
        stdin.flush()
        code = int(stdout.readline())
        return subprocess.CompletedProcess(given, code, out.read_text(), err.read_text())

    try:
        yield run
    finally:
        process.communicate(timeout=60)


def assert_refused(
    ripple: Ripple, world: TrainedWorld, folder: Path, arguments: tuple[str, ...], expected: str
) -> None:
    """Assert that a command ends with 2 and one message, and leaves no file."""
    done = ripple(*(argument.format(data=world.data) for argument in arguments), home=world.home, cwd=folder)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(folder.iterdir()) == []
