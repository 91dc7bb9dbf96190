"""What experiments measured of plays, as training takes it in place of the assumption `plays.effect`.

The read-out of an experiment leaves a file in ``experiments/NAME`` of the home; the next training reads all
of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from ripple import atomic
from ripple.errors import InputError

FOLDER, FILE = "experiments", "effects.json"
"""The folder of the home with a folder for each experiment, and the file in it."""


@dataclass(frozen=True)
class MeasuredEffect:
    """The share of the value at stake that a play won or saved, by an experiment.

    Attributes:
        play: the name of the play.
        experiment: the name of the experiment.
        effect: the effect on the revenue of treated customers and of those they reach, divided by what both
            were expected to bring.
        low, high: its bounds, which hold with 95 %.
        until: the end of the outcomes.
        customers: the number of treated customers.
    """

    play: str
    experiment: str
    effect: float
    low: float
    high: float
    until: datetime
    customers: int


def write(home: Path, experiment: str, effects: Iterable[MeasuredEffect]) -> Path:
    """Keep the *effects* of an experiment in *home*, in place of those it had before."""
    path = home / FOLDER / experiment / FILE
    rows = [asdict(effect) | {"until": effect.until.isoformat()} for effect in effects]
    with atomic.file(path) as building:
        building.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return path


def read(home: Path, until: datetime | None = None) -> dict[str, MeasuredEffect]:
    """By play, the effect of the experiment that ended last in *home*, by *until* if that is given.

    Raises:
        InputError: a file is not what a read-out writes.
    """
    latest: dict[str, MeasuredEffect] = {}
    for path in sorted((home / FOLDER).glob(f"*/{FILE}")):
        try:
            rows = json.loads(path.read_text(encoding="utf-8"))
            effects = [
                MeasuredEffect(**row | {"until": datetime.fromisoformat(row["until"])}) for row in rows
            ]
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{path} is not what `ripple experiment read` writes: {error}. Read the experiment again, or "
                "remove its folder."
            ) from error
        for effect in effects:
            before = latest.get(effect.play)
            if (until is None or effect.until <= until) and (before is None or before.until <= effect.until):
                latest[effect.play] = effect
    return latest
