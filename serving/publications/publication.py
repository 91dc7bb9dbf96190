"""A publication: one model version with the customers it scored, validated before it is served."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict

from ripple.models import Bundle
from ripple.models.batch_scoring import top_count
from ripple.models.bundle import HEADS
from ripple.serving.publications import experiments, history, influence, plays
from ripple.serving.publications.experiments import Experiments, convert_experiments
from ripple.serving.publications.history import History, Past, Rankings, write_history
from ripple.serving.publications.influence import Influence, Window, convert_influence
from ripple.serving.publications.plays import PlayIndex, Plays, convert_plays
from ripple.serving.publications.snapshot import Lookup, Snapshot, convert_snapshot
from ripple.serving.score_explanations import Explainer

MANIFEST = "manifest.json"
REQUIRED = ("snapshot.arrow", "bundle/bundle.json", *(f"bundle/{head}.txt" for head in HEADS))
"""The files that every publication has."""


class Manifest(BaseModel):
    """What a publication holds: the version of its model, and the SHA-256 of each of its files."""

    model_config = ConfigDict(strict=True, frozen=True)

    version: str
    files: dict[str, str]


class PublicationError(ValueError):
    """A publication is incomplete, was changed, or its model and snapshot do not belong together."""


class Customers(Protocol):
    """The customers of a publication, wherever they are stored.

    Attributes:
        as_of: Moment of their features, in ISO 8601, UTC.
        size: Number of customers.
        negated_values: Network values in descending order, negated so that they ascend: `searchsorted` ranks
            other values among them.
        segments: Number of customers by segment, such as "plan pro".
        window: In which influence was credited; None if the publication does not hold it.
        plays: Who gets which play; None if the publication does not hold it.
        past: The earlier publications of which values and ranks are kept, the newest first.
        experiments: A list of `ripple.serving.experiment_schemas.Experiment` as plain data.
    """

    as_of: str
    size: int
    negated_values: np.ndarray
    segments: dict[str, int]
    window: Window | None
    plays: PlayIndex | None
    past: tuple[Past, ...]
    experiments: list[Any]

    async def find(self, ids: Sequence[str]) -> Lookup:
        """Look up *ids*; unknown ones are left out.

        Raises:
            StoreUnavailable: they cannot be looked up now.
        """

    async def top(self, segment: str | None, offset: int, limit: int) -> Lookup:
        """Customers by rank, of everybody or of one segment.

        Raises:
            StoreUnavailable: they cannot be looked up now.
        """

    async def at_ranks(self, ranks: Sequence[int]) -> Lookup:
        """The customers of these ranks, in the order of *ranks*.

        Raises:
            StoreUnavailable: they cannot be looked up now.
        """

    async def part(self, offset: int, limit: int, explain: bool) -> Lookup:
        """Customers by rank, of everybody; without features and contributions, unless they are to *explain*.

        Raises:
            StoreUnavailable: they cannot be looked up now.
        """

    async def influence(self, customer_id: str, rank: int) -> bytes | None:
        """What `ripple.serving.publications.influence.parse_texts` reads, of a customer of the *rank*.

        Raises:
            StoreUnavailable: it cannot be looked up now.
        """

    async def play_texts(self, rows: Sequence[int]) -> list[bytes]:
        """The plays in *rows* of `plays`, each a `ripple.serving.messages.lists.SuggestedPlay` in JSON.

        Raises:
            StoreUnavailable: they cannot be looked up now.
        """

    async def past_scores(self, rank: int) -> list[tuple[float, int]]:
        """Network value and rank in each of `past` of the customer of the *rank*; rank 0 where not in it.

        Raises:
            StoreUnavailable: they cannot be looked up now.
        """

    async def past_ranking(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Network values and ranks in one of `past` of all customers in order of rank; rank 0 likewise.

        Raises:
            StoreUnavailable: they cannot be looked up now.
        """

    async def ids(self) -> Sequence[bytes]:
        """The ids of all customers in order of rank.

        Raises:
            StoreUnavailable: they cannot be looked up now.
        """

    async def arms(self, customer_id: str, rank: int) -> bytes | None:
        """What `ripple.serving.publications.experiments.parse` reads, of a customer of the *rank*.

        Raises:
            StoreUnavailable: it cannot be looked up now.
        """

    async def renew(self) -> bool:
        """Keep them from being removed for another while; False if the store no longer holds them.

        Raises:
            StoreUnavailable: the store does not answer.
        """


class MappedCustomers:
    """Customers of a memory-mapped snapshot file."""

    def __init__(
        self,
        snapshot: Snapshot,
        influence: Influence | None = None,
        tested: Experiments | None = None,
        plays: Plays | None = None,
        history: History | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._influence, self._experiments, self._plays = influence, tested, plays
        self._history = history
        self.experiments = [] if tested is None else experiments.parse(tested.described)
        self.plays = None if plays is None else plays.index
        self.past = () if history is None else history.past
        self.window = None if influence is None else influence.window
        self.as_of, self.size, self.negated_values = snapshot.as_of, snapshot.size, snapshot.negated_values
        self.segments = {name: len(rows) for name, rows in snapshot.segments.items()}

    async def find(self, ids: Sequence[str]) -> Lookup:
        """Look up *ids*; unknown ones are left out."""
        return self.snapshot.find(ids)

    async def top(self, segment: str | None, offset: int, limit: int) -> Lookup:
        """Customers by rank, of everybody or of one segment."""
        return self.snapshot.by_rank(slice(offset, offset + limit), segment)

    async def at_ranks(self, ranks: Sequence[int]) -> Lookup:
        """The customers of these ranks."""
        return self.snapshot.at_ranks(ranks)

    async def part(self, offset: int, limit: int, explain: bool) -> Lookup:
        """Customers by rank, which are read from the disk."""
        rows = slice(offset, min(offset + limit, self.size))
        return await asyncio.to_thread(self.snapshot.part, rows, explain)

    async def influence(self, customer_id: str, rank: int) -> bytes | None:
        """What is kept for the customer of that rank."""
        return None if self._influence is None else self._influence.of_row(rank - 1)

    async def play_texts(self, rows: Sequence[int]) -> list[bytes]:
        """The plays in *rows*."""
        return [] if self._plays is None else self._plays.of_rows(rows)

    async def past_scores(self, rank: int) -> list[tuple[float, int]]:
        """Network value and rank in each earlier publication of the customer of that rank."""
        return [] if self._history is None else self._history.of_row(rank - 1)

    async def past_ranking(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """Network values and ranks of all customers in one earlier publication."""
        if self._history is None:
            raise IndexError("nothing earlier is kept")
        return self._history.values[place], self._history.ranks[place]

    async def ids(self) -> Sequence[bytes]:
        """The ids of all customers in order of rank."""
        return self.snapshot.ids

    async def arms(self, customer_id: str, rank: int) -> bytes | None:
        """What is kept for the customer of that rank."""
        return None if self._experiments is None else self._experiments.of_row(rank - 1)

    async def renew(self) -> bool:
        """A file that is mapped can be read until the process ends, even once it is removed."""
        return True


@dataclass(frozen=True)
class Publication:
    """A model version and the customers it scored.

    Attributes:
        name: Its name in the store.
        version: Version of the registered model.
        documentation: See `read_documentation`.
    """

    name: str
    version: str
    explainer: Explainer
    customers: Customers
    documentation: dict[str, Any]


async def read_rankings(publication: Publication) -> Rankings:
    """The values and ranks in a publication, and in those that it takes along.

    Raises:
        StoreUnavailable: they cannot be read now.
    """
    customers = publication.customers
    share = publication.explainer.bundle.spec.top_share
    newest = Past(
        publication.name,
        publication.version,
        customers.as_of,
        customers.size,
        top_count(share, customers.size),
    )
    earlier = [await customers.past_ranking(place) for place in range(len(customers.past))]
    values = [-customers.negated_values, *(values for values, _ in earlier)]
    ranks = [np.arange(1, customers.size + 1, dtype=np.int32), *(ranks for _, ranks in earlier)]
    return Rankings((newest, *customers.past), await customers.ids(), values, ranks)


def write_publication(folder: Path, source: Path, version: str, rankings: Rankings | None = None) -> str:
    """Write the ``bundle/`` and ``snapshot.parquet`` in *source* as a publication into an empty *folder*.

    With ``influence.parquet``, ``experiments.json`` and ``plays.csv``, if these are there.

    Args:
        version: Version of the registered model, such as "3".
        rankings: Those of the publication before it, and of earlier ones.

    Returns:
        Its name: the version and a hash of all its files, such as "v3-0123456789ab".

    Raises:
        FileNotFoundError, FeatureMismatch, SnapshotError: *source* cannot be served as it is.
    """
    bundle = Bundle.load(source / "bundle")
    explainer = Explainer(bundle)
    convert_snapshot(folder / "snapshot.arrow", source / "snapshot.parquet", explainer)
    snapshot = Snapshot.load(folder / "snapshot.arrow", explainer)
    for name, file, convert in (
        (influence.SOURCE, influence.FILE, convert_influence),
        (experiments.SOURCE, experiments.FILE, convert_experiments),
    ):
        if (source / name).is_file():
            convert(folder / file, source / name, snapshot.ids)
    if (source / plays.SOURCE).is_file():
        as_of = bundle.spec.trained_until
        convert_plays(folder / plays.FILE, source / plays.SOURCE, snapshot.ids, as_of)
    if rankings is not None:
        before = rankings.before(version, snapshot.as_of, snapshot.ids, snapshot.scores[:, 0])
        if before.past:
            write_history(folder / history.FILE, before, snapshot.ids)
    shutil.copytree(source / "bundle", folder / "bundle")
    files = {
        file.relative_to(folder).as_posix(): _digest(file)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
    manifest = Manifest(version=version, files=files)
    (folder / MANIFEST).write_text(json.dumps(manifest.model_dump(), indent=1) + "\n", encoding="utf-8")
    _validate_scores(bundle, snapshot, folder)
    return f"v{version}-{_digest(folder / MANIFEST)[:12]}"


def load_publication(folder: Path, name: str) -> Publication:
    """Read the publication called *name* in *folder* and validate it.

    Raises:
        PublicationError: a file is missing or was changed, or the model does not reproduce the first
            customer's published scores, as another build of LightGBM or NumPy might.
    """
    try:
        manifest = _validated_manifest(folder)
        bundle = Bundle.load(folder / "bundle")
        explainer = Explainer(bundle)
        snapshot = Snapshot.load(folder / "snapshot.arrow", explainer)
        # publications of earlier versions have none
        credited = Influence.load(folder / influence.FILE) if influence.FILE in manifest.files else None
        tested = Experiments.load(folder / experiments.FILE) if experiments.FILE in manifest.files else None
        listed = Plays.load(folder / plays.FILE) if plays.FILE in manifest.files else None
        past = History(folder / history.FILE) if history.FILE in manifest.files else None
        customers = MappedCustomers(snapshot, credited, tested, listed, past)
    except (OSError, KeyError, ValueError) as error:
        raise PublicationError(f"{folder} is no publication: {error}") from error
    _validate_scores(bundle, snapshot, folder)
    documentation = read_documentation(folder / "bundle")
    return Publication(name, manifest.version, explainer, customers, documentation)


def is_complete(folder: Path) -> bool:
    """Whether *folder* holds all files of a publication, unchanged."""
    try:
        _validated_manifest(folder)
    except PublicationError:
        return False
    return True


def read_documentation(bundle: Path) -> dict[str, Any]:
    """The model card ("card") and the backtest metrics ("measures") in a bundle's folder; None if absent."""
    card, measures = bundle / "model_card.md", bundle / "measures.json"
    return {
        "card": card.read_text(encoding="utf-8") if card.is_file() else None,
        "measures": json.loads(measures.read_text(encoding="utf-8")) if measures.is_file() else None,
    }


def reproduces_scores(bundle: Bundle, features: np.ndarray, scores: np.ndarray) -> bool:
    """Whether *features* score to exactly *scores*; rows × features, and rows × `Bundle.score_names`."""
    recomputed = bundle.score_matrix(features)
    return all(
        np.array_equal(recomputed[name], scores[:, index]) for index, name in enumerate(bundle.score_names)
    )


def _validated_manifest(folder: Path) -> Manifest:
    """The manifest in *folder*, after comparing every file with its hash."""
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        missing = [name for name in REQUIRED if name not in manifest.files]
        changed = [name for name, hashed in manifest.files.items() if _digest(folder / name) != hashed]
    except (OSError, ValueError) as error:
        raise PublicationError(f"{folder} is no publication: {error}") from error
    if missing:
        raise PublicationError(f"{folder} is no publication: its manifest does not name {missing[0]}.")
    if changed:
        raise PublicationError(f"{folder / changed[0]} is not what was published: publish again.")
    return manifest


def _validate_scores(bundle: Bundle, snapshot: Snapshot, folder: Path) -> None:
    if not reproduces_scores(bundle, snapshot.features[:1], snapshot.scores[:1]):
        raise PublicationError(
            f"{folder}: the model does not give the snapshot's first customer the scores stored with it. "
            "Publish a snapshot with the model that scored it, and serve with the packages it was made with."
        )


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
