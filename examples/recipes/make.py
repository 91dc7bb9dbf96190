"""Write the files of all recipes, or of those that are named.

    python -m examples.recipes.make [NAME ...]

The same files come out every time. `ripple.toml` beside them is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from examples.recipes import billing, communities, events, sales
from examples.recipes.world import World

HERE = Path(__file__).parent
RECIPES: dict[str, Callable[[World, Path], None]] = {
    "stripe": billing.write_stripe,
    "shopify": sales.write_shopify,
    "salesforce": sales.write_salesforce,
    "rewardful": billing.write_rewardful,
    "segment": events.write_segment,
    "amplitude": events.write_amplitude,
    "ga4": events.write_ga4,
    "discourse": communities.write_discourse,
    "github": communities.write_github,
    "workspace": communities.write_workspace,
}
"""Name of a recipe, and of its folder → what writes its files."""


def main(names: list[str], out: Path = HERE) -> None:
    """Write the recipes *names*, or all of them, each to a folder in *out*."""
    world = World()
    for name in names or RECIPES:
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        RECIPES[name](world, folder)
        size = sum(file.stat().st_size for file in folder.rglob("*.*"))
        print(f"{name:<12}{size / 1000:>6.0f} KB")


if __name__ == "__main__":
    main(sys.argv[1:])
