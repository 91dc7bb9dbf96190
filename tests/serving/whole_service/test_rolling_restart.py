"""A rolling restart behind a proxy loses no request, as docs/kubernetes.yaml runs and ends the service."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import pytest
import yaml

from tests.support.checkout import ROOT
from tests.support.servers.haproxy import haproxy
from tests.support.servers.processes import free_port
from tests.support.servers.scoring_server import ScoringServer, eventually

CONNECTIONS = 64
SECONDS = 0.1
"""How long a second of the manifest takes here, where the proxy asks for /readyz ten times a second."""
READ_ONLY = """
import errno, os, sys

WRITABLE = os.environ["WRITABLE"].split(":")

def hook(event, arguments):
    writes = event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir") or (
        event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    )
    if writes and not isinstance(arguments[0], int):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if not path.startswith((*WRITABLE, "/dev/", "/proc/")):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

sys.addaudithook(hook)
"""
"""Makes all but some folders read-only for the processes that Python starts."""


class Load:
    """Requests over `CONNECTIONS` connections that are kept, none of which is sent twice."""

    def __init__(self, url: str) -> None:
        self.outcomes = Counter[str]()
        self._url = url
        self._stop = Event()
        self._thread = Thread(target=lambda: asyncio.run(self._ask()))

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _ask(self) -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
        async with httpx.AsyncClient(base_url=self._url, limits=limits, timeout=20) as client:

            async def ask_until_stopped() -> None:
                while not self._stop.is_set():
                    try:
                        answer = await client.post("/v1/score", json={"customer_ids": ["c0001"]})
                        self.outcomes[str(answer.status_code)] += 1
                    except httpx.TransportError as error:
                        self.outcomes[type(error).__name__] += 1
                    await asyncio.sleep(0.02)

            await asyncio.gather(*(ask_until_stopped() for _ in range(CONNECTIONS)))


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    """The pod of the shipped manifest."""
    documents = yaml.safe_load_all((ROOT / "docs/kubernetes.yaml").read_text(encoding="utf-8"))
    (deployment,) = (document for document in documents if document["kind"] == "Deployment")
    return deployment["spec"]["template"]["spec"]


@pytest.fixture
def replicas(pod: dict[str, Any], store: Any, tag: str, tmp_path: Path) -> Iterator[list[ScoringServer]]:
    """Three servers, each in a file system of which only what the manifest mounts can be written."""
    (container,) = pod["containers"]
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    drain = float(variables["RIPPLE_SERVE_DRAIN_SECONDS"]) * SECONDS
    variables |= {"RIPPLE_SERVE_DRAIN_SECONDS": str(drain), "RIPPLE_SERVE_WORKERS": "1"}
    (tmp_path / "sitecustomize.py").write_text(READ_ONLY, encoding="utf-8")
    assert container["securityContext"]["readOnlyRootFilesystem"]
    # as in the image, where the model lies in the Bento
    bento = Path(shutil.copytree(store.bento(tag), tmp_path / "bento"))
    shutil.copytree(store.home / "models", bento / "models")
    started = []
    for number in range(3):
        mounts = [f"{tmp_path}/{number}{mount['mountPath']}" for mount in container["volumeMounts"]]
        for mount in mounts:
            Path(mount).mkdir(parents=True)
        port = free_port()
        process = subprocess.Popen(
            [
                *(Path(sys.executable).with_name("bentoml"), "serve", bento),
                *("--host", "127.0.0.1", "--port", str(port)),
            ],
            cwd=bento,
            env=os.environ
            | variables
            | {
                "BENTOML_HOME": f"{tmp_path}/{number}{variables['BENTOML_HOME']}",
                "BENTOML_DO_NOT_TRACK": "True",
                "PYTHONPATH": str(tmp_path),
                "RIPPLE_SERVE_OPEN": "1",
                "TMPDIR": f"{tmp_path}/{number}/tmp",
                "WRITABLE": ":".join(mounts),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        started.append(ScoringServer(process, f"http://127.0.0.1:{port}"))
    with ExitStack() as running:
        for server in started:
            running.callback(server.process.kill)
        yield [running.enter_context(server) for server in started]


def test_a_rolling_restart_loses_no_request(
    replicas: list[ScoringServer], pod: dict[str, Any], tmp_path: Path
) -> None:
    command, seconds = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    ports = [int(replica.url.rpartition(":")[2]) for replica in replicas]
    with haproxy(tmp_path, ports) as url:
        eventually(lambda: httpx.get(f"{url}/readyz").status_code == 200)
        with Load(url) as load:
            for leaving in replicas[:2]:
                time.sleep(float(seconds) * SECONDS)
                leaving.process.terminate()
                leaving.process.wait(timeout=60)
    assert set(load.outcomes) == {"200"}, load.outcomes
    assert load.outcomes["200"] > 2 * CONNECTIONS
