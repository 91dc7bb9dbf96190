"""Types of the fixtures that run the real command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Ripple = Callable[..., subprocess.CompletedProcess[str]]


@dataclass(frozen=True)
class TrainedWorld:
    """A dataset, the home of the run that was trained on it, and what `ripple train` printed."""

    data: Path
    home: Path
    printed: str
    progress: str
