"""Environment variables of a prefix, without those that Kubernetes adds for its Services."""

from __future__ import annotations

import os
import re

SERVICE_LINK = re.compile(
    # NAME_SERVICE_HOST, NAME_SERVICE_PORT, and NAME_SERVICE_PORT_HTTP for a port with that name
    r".+_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)"
    # NAME_PORT_80_TCP, and its PROTO, PORT and ADDR
    r"|.+_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?"
)
"""Variables by which Kubernetes tells every container of the Service NAME."""


def own_variables(prefix: str) -> dict[str, str]:
    """The variables that begin with *prefix*, by name in capitals: those that somebody set on purpose."""
    given = {name.upper(): value for name, value in os.environ.items()}
    return {
        name: value
        for name, value in given.items()
        if name.startswith(prefix) and not _is_service_link(name, value)
    }


def _is_service_link(name: str, value: str) -> bool:
    if name.endswith("_PORT") and re.match(r"(tcp|udp|sctp)://", value):
        return True
    return SERVICE_LINK.fullmatch(name) is not None
