"""Whether a file or folder can be written, found out before what goes into it is computed."""

from __future__ import annotations

import errno
import tempfile
from pathlib import Path

from ripple.errors import InputError

FULL = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the quota of this user is used up",
    errno.EFBIG: "the file is larger than this process may write (ulimit -f)",
}
"""What errors say of which a file could not grow."""
PROBE_BYTES = 2**20
"""The size of the file that is written to find out whether there is room."""


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
            probe.write(bytes(PROBE_BYTES))
    except OSError as error:
        full = FULL.get(error.errno or 0)
        what = "Make room" if full else "Make it writable for this user"
        raise InputError(
            f"{path} cannot be written: {existing}: {full or error.strerror}. {what}, or name another place."
        ) from error
