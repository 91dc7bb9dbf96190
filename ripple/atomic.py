"""Files and folders that appear whole or not at all, whenever the process is stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4


@contextmanager
def file(path: Path) -> Iterator[Path]:
    """Yield a hidden sibling of *path* to write to; it takes the place of *path* when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    building = _sibling(path)
    try:
        yield building
        building.replace(path)
    finally:
        building.unlink(missing_ok=True)


@contextmanager
def folder(path: Path) -> Iterator[Path]:
    """Yield a hidden, empty sibling folder; it takes the place of *path* when the block ends well."""
    building, former = _sibling(path), _sibling(path, "replaced")
    building.mkdir(parents=True)
    try:
        yield building
        if path.exists():
            path.rename(former)
        building.rename(path)
    except BaseException:
        if former.exists() and not path.exists():
            former.rename(path)
        raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
        if path.exists():
            shutil.rmtree(former, ignore_errors=True)


def remove_unfinished(folder: Path) -> None:
    """Remove from *folder* what stopped processes left unfinished; nobody may be writing there now."""
    for path in (*folder.glob(".*.part"), *folder.glob(".*.replaced")):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _sibling(path: Path, purpose: str = "part") -> Path:
    # not the process id: a container that was killed starts again under the same one
    return path.with_name(f".{path.name}.{uuid4().hex}.{purpose}")
