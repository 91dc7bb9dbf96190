"""Refuses to build from a copy of the sources that lost its links, which would be an empty package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGES = ("features", "models", "serving", "simulation", "training")


class LinkedPackages(BuildHookInterface[Any]):
    """Checks that ripple/ leads to the code of every package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raise a RuntimeError where a link has become a file."""
        lost = [package for package in PACKAGES if not (Path(self.root) / "ripple" / package).is_dir()]
        if lost:
            raise RuntimeError(
                f"ripple/{lost[0]} is no folder: this copy of the sources lost its symbolic links, as a zip "
                "archive does. Clone it with git -c core.symlinks=true."
            )
