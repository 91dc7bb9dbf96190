"""Whether a file or folder can be written, found out before what goes into it is computed."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ripple.errors import InputError


def validate_file(path: Path) -> None:
    """Raise an `InputError` where a file cannot be written to *path*; its folders may still be missing."""
    if path.is_dir():
        raise InputError(f"{path} is a folder, and a file is to be written there: name another one.")
    validate_folder(path.parent)


def validate_folder(path: Path) -> None:
    """Raise an `InputError` where no file can be written to the folder *path*, which may still be missing."""
    existing = path.absolute()
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    try:
        # also where a file is in the way
        with tempfile.TemporaryFile(dir=existing) as probe:
            probe.write(b"\0" * 4096)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {existing}: {error.strerror}. Make it writable for this user, or "
            "name another place."
        ) from error
