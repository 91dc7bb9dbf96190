"""A real HAProxy in front of several servers, on the loopback interface."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.servers.processes import free_port

# without retries, so that whatever a server loses is seen
CONFIGURATION = """
defaults
    mode http
    retries 0
    timeout connect 2s
    timeout client 30s
    timeout server 10s
    http-reuse always
frontend front
    bind 127.0.0.1:{port}
    default_backend replicas
backend replicas
    balance roundrobin
    option httpchk GET /readyz
    default-server check inter 100ms fall 1 rise 1
{servers}
"""


@contextmanager
def haproxy(folder: Path, ports: Sequence[int]) -> Iterator[str]:
    """The URL of a proxy that sends requests to those of *ports* that are ready."""
    program = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    assert program is not None, "there is no HAProxy on this machine: apt-get install haproxy"
    port = free_port()
    servers = "\n".join(f"    server replica{one} 127.0.0.1:{one}" for one in ports)
    (folder / "haproxy.cfg").write_text(CONFIGURATION.format(port=port, servers=servers), encoding="utf-8")
    process = subprocess.Popen(
        [program, "-db", "-f", str(folder / "haproxy.cfg")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            assert process.poll() is None
            try:
                httpx.get(f"{url}/readyz", timeout=2)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()
