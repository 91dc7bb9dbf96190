"""What has moved since the data that the model learnt from, features and scores."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ripple.models.reasons import in_words
from ripple.training.evaluation.drift import SCORES, SHIFTED, STABLE
from ripple.training.report.plots import trust_plots
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

DRAWN = 12
NAMES = {"network_value": "expected network value", "top_probability": "odds of the top"}
UNDEFINED = "undefined for everybody"


def drifted(result: TrainingResult) -> dict[str, Any]:
    """One row per score and feature, what moved most first; without rows where the run did not look."""
    found = result.drift
    if found.empty:
        return {"rows": [], "plot": "", "finding": "This run did not look for drift"}
    features = found.drop(index=SCORES).sort_values("psi", ascending=False, kind="stable")
    scores = found.loc[SCORES]
    ordered = pd.concat([scores, features])
    drawn = pd.concat([scores, features.head(DRAWN)])
    shifted = int((features["psi"] > SHIFTED).sum())
    value = scores.iloc[0]
    return {
        "finding": (
            f"{shifted} of {words.plural(len(features), 'feature')} have shifted since training (PSI above "
            f"{SHIFTED:g}); the scores themselves {_verb(value)} (PSI {words.decimal(value['psi'])}; chance "
            f"alone stays below {_small(value['by_chance'])})"
        ),
        "plot": trust_plots.drift([_named(str(name)) for name in drawn.index], drawn["psi"].to_numpy()),
        "rows": [_row(str(name), row, result) for name, row in ordered.iterrows()],
        "cutoffs": len(result.schedule.training_for(result.as_of)),
    }


def _verb(row: pd.Series) -> str:
    told = {"stable": "are stable", "moved": "have moved", "shifted": "have shifted", "chance": "are stable"}
    return told[_kind(row)]


def _kind(row: pd.Series) -> str:
    if row["psi"] <= row["by_chance"]:
        return "chance"
    return "stable" if row["psi"] < STABLE else "moved" if row["psi"] <= SHIFTED else "shifted"


def _small(number: float) -> str:
    return "0.01" if number < 0.01 else words.decimal(number)


def _named(name: str) -> str:
    return NAMES.get(name, words.spoken(name))


def _row(name: str, row: pd.Series, result: TrainingResult) -> tuple[str, list[Cell], str]:
    spec = result.bundle.spec
    units = {feature.name: feature.unit for feature in spec.features}
    units |= {"network_value": "currency", "top_probability": "share"}

    def median(which: str) -> Cell:
        value = float(row[f"median_{which}"])
        text = (
            words.percent(value, 2)
            if name in NAMES and units[name] == "share"
            else in_words(value, units[name], spec.currency)
        )
        return words.cell(value, text, UNDEFINED)

    told = {"chance": "no more than chance gives", "stable": "stable", "moved": "moved", "shifted": "shifted"}
    cells = [
        Cell(words.decimal(row["psi"]), float(row["psi"])),
        median("then"),
        median("now"),
        *(
            Cell(words.percent(row[f"undefined_{when}"]), float(row[f"undefined_{when}"]))
            for when in ("then", "now")
        ),
    ]
    return _named(name), cells, told[_kind(row)]
