"""Drift of features and scores since the data that the model was trained on."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ripple.models.reasons import in_words, value_in_words
from ripple.training.evaluation.drift import SCORES, SHIFTED, STABLE
from ripple.training.report.plots import trust_plots
from ripple.training.report.text import words
from ripple.training.report.text.words import Cell
from ripple.training.result import TrainingResult

MAX_FEATURES_DRAWN = 12
NAMES = {"network_value": "expected network value", "top_probability": "probability of the top"}
UNDEFINED = "undefined for everybody"


def drift_section(result: TrainingResult) -> dict[str, Any]:
    """One row per score and feature, the largest drift first; without rows where none was measured."""
    table = result.population.drift
    if table.empty:
        return {"rows": [], "plot": "", "finding": "Not measured: this run keeps no numbers on drift"}
    features = table.drop(index=SCORES).sort_values("psi", ascending=False, kind="stable")
    scores = table.loc[SCORES]
    ordered = pd.concat([scores, features])
    shown = pd.concat([scores, features.head(MAX_FEATURES_DRAWN)])
    shifted = int((features["psi"] > SHIFTED).sum())
    value = scores.iloc[0]
    return {
        "finding": (
            f"{shifted} of {words.plural(len(features), 'feature')} have shifted since training (PSI above "
            f"{SHIFTED:g}); the scores {_verb(value)} (PSI {words.decimal(value['psi'])}; random samples "
            f"alone differ by up to {_at_least_a_hundredth(value['by_chance'])})"
        ),
        "plot": trust_plots.drift([_label(str(name)) for name in shown.index], shown["psi"].to_numpy()),
        "rows": [_row(str(name), row, result) for name, row in ordered.iterrows()],
        "histograms": [
            (_label(name), trust_plots.then_and_now(histogram, _label(name), _unit(name, result)))
            for name, histogram in result.population.histograms.items()
        ],
        "cutoffs": len(result.data.schedule.training_for(result.population.as_of)),
    }


def _verb(row: pd.Series) -> str:
    verbs = {"stable": "are stable", "moved": "have moved", "shifted": "have shifted", "chance": "are stable"}
    return verbs[_state(row)]


def _state(row: pd.Series) -> str:
    if row["psi"] <= row["by_chance"]:
        return "chance"
    return "stable" if row["psi"] < STABLE else "moved" if row["psi"] <= SHIFTED else "shifted"


def _at_least_a_hundredth(number: float) -> str:
    return "0.01" if number < 0.01 else words.decimal(number)


def _label(name: str) -> str:
    return NAMES.get(name, words.feature_words(name))


def _unit(name: str, result: TrainingResult) -> str:
    spec = result.population.bundle.spec
    unit = next(feature.unit for feature in spec.features if feature.name == name)
    return spec.currency if unit == "currency" else unit


def _row(name: str, row: pd.Series, result: TrainingResult) -> tuple[str, list[Cell], str]:
    spec = result.population.bundle.spec

    def median(which: str) -> Cell:
        value = float(row[f"median_{which}"])
        text = (
            words.percent(value, 2)
            if name == "top_probability"
            else in_words(value, "currency", spec.currency)
            if name in NAMES
            else value_in_words(spec, name, value)
        )
        return words.cell(value, text, UNDEFINED)

    texts = {"chance": "no more than chance", "stable": "stable", "moved": "moved", "shifted": "shifted"}
    cells = [
        Cell(words.decimal(row["psi"]), float(row["psi"])),
        median("then"),
        median("now"),
        *(
            Cell(words.percent(row[f"undefined_{when}"]), float(row[f"undefined_{when}"]))
            for when in ("then", "now")
        ),
    ]
    return _label(name), cells, texts[_state(row)]
