"""What is published: one model version with the customers it scored, checked before it is served."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ripple.models import Bundle
from ripple.models.bundle import SCORES
from ripple.serving.publications.snapshot import Found, Snapshot, SnapshotError, write
from ripple.serving.score_explanations import Explainer

MANIFEST = "manifest.json"


class PublicationError(ValueError):
    """A publication is not whole, or does not fit together."""


class Customers(Protocol):
    """The customers of a publication, wherever they are kept.

    Attributes:
        as_of: moment of their features, in ISO 8601, UTC.
        size: how many there are.
        falling: minus their network values, ascending.
        segments: name, such as "plan pro" → how many belong to it.
    """

    as_of: str
    size: int
    falling: np.ndarray
    segments: dict[str, int]

    async def find(self, ids: Sequence[str]) -> Found:
        """Those of *ids* that are known, in the order asked for.

        Raises:
            StoreUnavailable: they cannot be looked up now.
        """

    async def top(self, segment: str | None, offset: int, limit: int) -> Found:
        """Customers by rank, of everybody or of one segment.

        Raises:
            StoreUnavailable: they cannot be looked up now.
        """


class Mapped:
    """Customers of a snapshot file, mapped into memory."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.as_of, self.size, self.falling = snapshot.as_of, snapshot.size, snapshot.falling
        self.segments = {name: len(rows) for name, rows in snapshot.segments.items()}

    async def find(self, ids: Sequence[str]) -> Found:
        """Those of *ids* that are known, in the order asked for."""
        return self.snapshot.find(ids)

    async def top(self, segment: str | None, offset: int, limit: int) -> Found:
        """Customers by rank, of everybody or of one segment."""
        return self.snapshot.best(slice(offset, offset + limit), segment)


@dataclass(frozen=True)
class Publication:
    """A model version and the customers it scored.

    Attributes:
        name: what the store calls it.
        about: measures of the model's backtest, and its card.
    """

    name: str
    version: str
    explainer: Explainer
    customers: Customers
    about: dict[str, Any]


def write_publication(folder: Path, source: Path, version: str) -> str:
    """Write the ``bundle/`` and ``snapshot.parquet`` in *source* as a publication into an empty *folder*.

    Args:
        version: of the registered model, such as "3".

    Returns:
        Its name: the version and a hash of all it holds, such as "v3-0123456789ab".

    Raises:
        FileNotFoundError, FeatureMismatch, SnapshotError: *source* cannot be served as it is.
    """
    bundle = Bundle.load(source / "bundle")
    explainer = Explainer(bundle)
    write(folder / "snapshot.arrow", source / "snapshot.parquet", explainer)
    shutil.copytree(source / "bundle", folder / "bundle")
    files = {file.relative_to(folder).as_posix(): _digest(file) for file in _files(folder)}
    manifest = {"version": version, "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    _refuse_disagreeing(bundle, Snapshot.load(folder / "snapshot.arrow", explainer), folder)
    return f"v{version}-{_digest(folder / MANIFEST)[:12]}"


def load_publication(folder: Path, name: str) -> Publication:
    """Read the publication called *name* in *folder*, and check that it is whole and right.

    Raises:
        PublicationError: a file is missing or is not what was written, or the model does not give the first
            customer the scores that the batch job stored: another build of LightGBM or NumPy shows here.
    """
    try:
        manifest = _checked(folder)
        bundle = Bundle.load(folder / "bundle")
        explainer = Explainer(bundle)
        snapshot = Snapshot.load(folder / "snapshot.arrow", explainer)
    except (OSError, KeyError, SnapshotError) as error:
        raise PublicationError(f"{folder} is no publication: {error}") from error
    _refuse_disagreeing(bundle, snapshot, folder)
    told = about(folder / "bundle")
    return Publication(name, manifest["version"], explainer, Mapped(snapshot), told)


def is_whole(folder: Path) -> bool:
    """Whether *folder* holds all files of a publication as they were written."""
    try:
        _checked(folder)
    except PublicationError:
        return False
    return True


def about(bundle: Path) -> dict[str, Any]:
    """What the bundle's folder tells people: the model card, and the measures of its backtest."""
    card, measures = bundle / "model_card.md", bundle / "measures.json"
    return {
        "card": card.read_text(encoding="utf-8") if card.is_file() else None,
        "measures": json.loads(measures.read_text(encoding="utf-8")) if measures.is_file() else None,
    }


def agrees(bundle: Bundle, features: np.ndarray, scores: np.ndarray) -> bool:
    """Whether a row of *features* scores to exactly *scores*, in the order of `models.bundle.SCORES`."""
    scored = bundle.score_matrix(features)
    return all(np.array_equal(scored[name], scores[:, place]) for place, name in enumerate(SCORES))


def _checked(folder: Path) -> dict[str, Any]:
    """The manifest in *folder*, once every file was found to be what it says."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        changed = [name for name, hashed in manifest["files"].items() if _digest(folder / name) != hashed]
    except (OSError, KeyError, ValueError) as error:
        raise PublicationError(f"{folder} is no publication: {error}") from error
    if changed:
        raise PublicationError(f"{folder / changed[0]} is not what was published: publish again.")
    return manifest


def _refuse_disagreeing(bundle: Bundle, snapshot: Snapshot, folder: Path) -> None:
    if not agrees(bundle, snapshot.features[:1], snapshot.scores[:1]):
        raise PublicationError(
            f"{folder}: the model does not give the snapshot's first customer the scores stored with it. "
            "Publish a snapshot with the model that scored it, and serve with the packages it was made with."
        )


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
