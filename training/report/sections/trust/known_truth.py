"""How right the method is where the truth is known: figures of simulated worlds, the same for every run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ripple.training.report.plots import reason_plots
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell

FIGURES = Path(__file__).with_suffix(".json")
"""Written by `make docs` from what `make truth` has measured."""
NOBODY = "none"
WORLDS = {
    NOBODY: "nobody influences anybody",
    "weak": "weak influence among the very alike",
    "default": "the default",
    "strong": "strong influence",
    "misspecified": "assumptions broken",
    "referral": "mostly referrals",
}
"""Name in `simulation` → what it is."""
NOT_FORESEEN = "not measured in this world"
NO_TRUTH = "nobody has any true value"


def known_truth() -> dict[str, Any]:
    """One row per world: capture by the label and by the forecast, and the best simple rule beside it."""
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    worlds = figures["worlds"]
    foreseen = [world for world in worlds if world["forecast"] is not None]
    own, rule = (np.array([world[name] for world in foreseen]) for name in ("forecast", "rule"))
    false = next(world["influence"] for world in worlds if world["world"] == NOBODY)
    return {
        "finding": (
            f"In {words.plural(len(foreseen), 'simulated world')} whose truth is known, Ripple’s top "
            f"{words.share_name(figures['top_share'])} held {_span(own)} of the value that was to be "
            "expected, "
            f"the best simple rule {_span(rule)}; where nobody influences anybody, "
            f"{words.percent(false, 1)} of revenue was credited to influence"
        ),
        "customers": figures["customers"],
        "seeds": figures["seeds"],
        "plot": reason_plots.pairs(
            [WORLDS[world["world"]] for world in foreseen], own, rule, ("Ripple", "best simple rule")
        ),
        "rows": [_row(world) for world in worlds],
    }


def _span(shares: np.ndarray) -> str:
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
            share("forecast", NOT_FORESEEN),
            share("rule", NOT_FORESEEN),
        ],
        world["best_rule"] or "",
    )
