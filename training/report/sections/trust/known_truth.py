"""The accuracy of the method in simulated worlds, where the truth is known; the same for every run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ripple.training.report.plots import reason_plots
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell

FIGURES = Path(__file__).with_suffix(".json")
"""The file that `make docs` writes from the results of `make truth`."""
NOBODY = "none"
WORLDS = {
    NOBODY: "nobody influences anybody",
    "weak": "weak influence among very similar customers",
    "default": "default",
    "strong": "strong influence",
    "misspecified": "broken assumptions",
    "referral": "mostly referrals",
}
"""The description of each world, by its name in `simulation`."""
NO_FORECAST = "not measured in this world"
NO_TRUTH = "nobody has any true network value"


def known_truth_section() -> dict[str, Any]:
    """One row per world: capture of the label, of the forecast and of the best simple rule."""
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    worlds = figures["worlds"]
    with_forecast = [world for world in worlds if world["forecast"] is not None]
    model, rule = (np.array([world[name] for world in with_forecast]) for name in ("forecast", "rule"))
    falsely_credited = next(world["influence"] for world in worlds if world["world"] == NOBODY)
    return {
        "finding": (
            f"Ripple’s top {words.exact_percent(figures['top_share'])} captured {_range(model)} of the true "
            f"expected value in {words.plural(len(with_forecast), 'simulated world')}, the best simple rule "
            f"{_range(rule)}; where nobody influences anybody, {words.percent(falsely_credited, 1)} of "
            "revenue was credited to influence"
        ),
        "customers": figures["customers"],
        "seeds": figures["seeds"],
        "plot": reason_plots.pairs(
            [WORLDS[world["world"]] for world in with_forecast],
            model,
            rule,
            ("Ripple", "best simple rule"),
            "Captured share",
        ),
        "rows": [_row(world) for world in worlds],
    }


def _range(shares: np.ndarray) -> str:
    return f"{words.percent(shares.min())} to {words.percent(shares.max())}"


def _row(world: dict[str, Any]) -> tuple[str, list[Cell], str]:
    def share(name: str, why: str, digits: int = 0) -> Cell:
        value = float("nan") if world[name] is None else world[name]
        return words.cell(value, words.percent(value, digits), why)

    total = float("nan") if world["total"] is None else world["total"]
    return (
        WORLDS[world["world"]],
        [
            share("label", NO_TRUTH),
            words.cell(total, words.decimal(total), NO_TRUTH),
            share("influence", NO_TRUTH, 1),
            share("truth", NO_TRUTH, 1),
            share("forecast", NO_FORECAST),
            share("rule", NO_FORECAST),
        ],
        world["best_rule"] or "",
    )
