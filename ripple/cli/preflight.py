"""What a command writes to or listens on, tried before anything is computed."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path

from ripple.destinations import validate_file, validate_folder
from ripple.errors import InputError


def preflight(
    *folders: Path,
    file: Path | None = None,
    store: str | None = None,
    address: tuple[str, int] | None = None,
) -> None:
    """Raise an `InputError` where a command could not write its results, or listen, in the end.

    Temporary files are tried for every command.

    Args:
        folders: Folders in which files are written; they may still be missing.
        file: File that is written.
        store: Store to which customers are published: a folder or the URL of a Redis.
        address: Host and port on which a server listens.
    """
    try:
        temporary = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise InputError(
            f"No folder for temporary files can be written: {error}. Name one by TMPDIR."
        ) from error
    for folder in (*folders, temporary):
        validate_folder(folder)
    if file is not None:
        validate_file(file)
    if store is not None:
        _validate_store(store)
    if address is not None:
        _validate_address(*address)


def _validate_store(location: str) -> None:
    from ripple.serving.errors import StoreUnavailable
    from ripple.serving.publications.stores import FolderStore, open_store

    try:
        store = open_store(location)
        if isinstance(store, FolderStore):
            validate_folder(store.folder)
        store.validate_room()
    except (ValueError, StoreUnavailable) as error:
        raise InputError(f"--to: {error}") from error


def _validate_address(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise InputError(
            f"Nothing can listen on {host}, port {port}: {os.strerror(error.errno or 0)}. End what listens "
            "there, or name another one by --port or --host."
        ) from error
