"""Refuses to build from a copy of the sources that lost its links, which would be an empty package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOMS = ("features", "models", "serving", "simulation", "training")


class LinkedRooms(BuildHookInterface[Any]):
    """Checks that ripple/ leads to the code of every room."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raise a RuntimeError where a link has become a file."""
        lost = [room for room in ROOMS if not (Path(self.root) / "ripple" / room).is_dir()]
        if lost:
            raise RuntimeError(
                f"ripple/{lost[0]} is no folder: this copy of the sources lost its symbolic links, as a zip "
                "archive does. Clone it with git -c core.symlinks=true."
            )
