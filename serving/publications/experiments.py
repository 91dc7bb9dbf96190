"""The experiments of a publication, and the arms of customers, as texts in JSON that answers are made of.

A file in Arrow's IPC format has one text for each customer, in order of rank as in the snapshot, and the
description of all experiments in its metadata. It is memory-mapped, as that of influence is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from ripple.serving.experiment_schemas import Experiment
from ripple.serving.publications.arrow_file import map_batch, write_batch
from ripple.serving.schemas import ExperimentArm

FILE = "experiments.arrow"
"""The name of the file in a publication."""
SOURCE = "experiments.json"
"""The name of the file of which it is made."""


@dataclass(frozen=True)
class Experiments:
    """The file of a publication, memory-mapped.

    Attributes:
        described: a list of `Experiment` in JSON.
    """

    described: bytes
    texts: pa.LargeBinaryArray

    @classmethod
    def load(cls, path: Path) -> Experiments:
        """Map the file *path*, which `convert_experiments` wrote."""
        batch = map_batch(path)
        return cls(batch.schema.metadata[b"experiments"], batch.column("text"))

    def of_row(self, row: int) -> bytes:
        """A list of `ExperimentArm` in JSON, of the customer in a row of the snapshot; empty if none."""
        text: bytes = self.texts[row].as_py()
        return text


def parse(content: bytes | None) -> list[Any]:
    """The list in *content*; an empty one if there is none.

    Raises:
        ValueError: it is not what was written.
    """
    return msgspec.json.decode(content, type=list) if content else []


def write_experiments(
    path: Path, experiments: Sequence[Mapping[str, Any]], arms: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    """Write *experiments*, and the *arms* of running ones by customer_id, for a publication.

    Args:
        path: the file.
        experiments: the fields of an `Experiment` each.
        arms: the fields of an `ExperimentArm` each.

    Raises:
        ValueError: they are not such fields.
    """
    content = {
        "experiments": [Experiment.model_validate(one).model_dump() for one in experiments],
        "arms": {
            name: [ExperimentArm.model_validate(arm).model_dump() for arm in of_one]
            for name, of_one in arms.items()
        },
    }
    path.write_bytes(msgspec.json.encode(content))


def convert_experiments(path: Path, source: Path, ids: Sequence[bytes]) -> None:
    """Write what is in *source*, a file of `write_experiments`, for the customers *ids* of a snapshot."""
    content = msgspec.json.decode(source.read_bytes())
    texts = {name.encode(): msgspec.json.encode(arms) for name, arms in content["arms"].items()}
    column = pa.array((texts.get(one, b"") for one in ids), pa.large_binary())
    described = {"experiments": msgspec.json.encode(content["experiments"])}
    write_batch(path, pa.record_batch({"text": column}), described)
