"""Experiments as the home keeps them, beside what they measured: their designs, and what was read last.

The service is told of them, and the report shows them.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from ripple import atomic
from ripple.errors import InputError
from ripple.training.experiments.design import DESIGN, Design, first_problem, read_design
from ripple.training.experiments.readout import Readout
from ripple.training.measured_effects import FOLDER

DESIGNED, READOUT = "design", "readout.json"
"""The folder of a design, and the file of a read-out, in the folder of an experiment."""

Status = Literal["planned", "running", "ended"]


@dataclass(frozen=True)
class KeptExperiment:
    """An experiment, as it was known at some moment.

    Attributes:
        design, assignments, audience: see `read_design`.
        readout: what was read last; None where nothing had been read by then.
    """

    design: Design
    assignments: pd.DataFrame
    audience: pd.DataFrame
    readout: Readout | None

    def status(self, moment: datetime) -> Status:
        """Whether it was planned, running or over at a *moment*."""
        if moment < self.design.start:
            return "planned"
        return "running" if moment < self.design.end else "ended"


def validate_name(home: Path, name: str) -> None:
    """Raise an InputError where *home* keeps an experiment called *name*."""
    if (home / FOLDER / name / DESIGNED).exists():
        raise InputError(
            f"There is an experiment called {name} already, in {home / FOLDER / name}: its results would be "
            f"taken for those of this one. Choose another name, such as {name}-2; or, if nobody was treated "
            "by it, remove that folder."
        )


def keep_design(home: Path, folder: Path) -> None:
    """Keep the design in *folder* in *home*, if it is not there.

    Raises:
        InputError: *home* keeps another design of the same name.
    """
    design, *_ = read_design(folder)
    kept = home / FOLDER / design.name / DESIGNED
    if not kept.exists():
        with atomic.folder(kept) as building:
            shutil.copytree(folder, building, dirs_exist_ok=True, ignore=shutil.ignore_patterns("readout.*"))
    elif (kept / DESIGN).read_bytes() != (folder / DESIGN).read_bytes():
        validate_name(home, design.name)


def write_readout(path: Path, readout: Readout) -> None:
    """Write *readout* as JSON to *path*."""
    with atomic.file(path) as building:
        building.write_text(json.dumps(asdict(readout), indent=2, default=str) + "\n", encoding="utf-8")


def keep_readout(home: Path, readout: Readout) -> None:
    """Keep *readout* in *home*, in place of the one before."""
    write_readout(home / FOLDER / readout.experiment / READOUT, readout)


def read_experiments(home: Path, moment: datetime) -> list[KeptExperiment]:
    """The experiments that *home* keeps and that had been designed by a *moment*, by start and name.

    What was read of outcomes after that moment is not told.

    Raises:
        InputError: a file is not as it was written.
    """
    found = []
    for folder in sorted((home / FOLDER).glob(f"*/{DESIGNED}")):
        design, assignments, audience = read_design(folder)
        if design.as_of <= moment:
            readout = _readout(folder.parent / READOUT)
            known = readout is not None and readout.until <= moment
            found.append(KeptExperiment(design, assignments, audience, readout if known else None))
    return sorted(found, key=lambda one: (one.design.start, one.design.name))


def _readout(path: Path) -> Readout | None:
    if not path.is_file():
        return None
    try:
        return TypeAdapter(Readout).validate_json(path.read_bytes())
    except ValidationError as error:
        raise InputError(
            f"{path} is not what `ripple experiment read` writes: {first_problem(error)}. "
            "Read the experiment again."
        ) from error
