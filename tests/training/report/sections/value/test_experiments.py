from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ripple.training.experiments.text import play_sentences
from ripple.training.insights.plays_log import PlaysLog
from ripple.training.kept_experiments import KeptExperiment, keep_design, keep_readout, read_experiments
from ripple.training.measured_effects import MeasuredEffect
from ripple.training.report import render
from ripple.training.report.sections.value.experiments import MAX_CONTACTS, experiments_section
from ripple.training.result import TrainingResult
from tests.support.small_experiment import END, small_readout, write_small_design

CONTACTS = MAX_CONTACTS + 4


@pytest.fixture(scope="module")
def logged(result: TrainingResult) -> TrainingResult:
    """The made-up run with a table of contacts, the last of whom rests."""
    days = [result.population.as_of - timedelta(days=10 * (CONTACTS - number)) for number in range(CONTACTS)]
    contacts = pd.DataFrame(
        {
            "customer_id": [f"c{number % 5}" for number in range(CONTACTS)],
            "play": ["advocate", *["rescue"] * (CONTACTS - 1)],
            "contacted_at": days,
        }
    )
    resting = pd.Series({f"c{(CONTACTS - 1) % 5}": result.population.as_of + timedelta(days=80)})
    return replace(result, insights=replace(result.insights, plays_log=PlaysLog(contacts, resting)))


@pytest.fixture
def kept(tmp_path: Path, result: TrainingResult) -> Any:
    """Keeps the small experiment with a read-out of so much of its time, or without."""

    def keep(fraction: float | None) -> list[KeptExperiment]:
        write_small_design(tmp_path / "july")
        keep_design(tmp_path / "home", tmp_path / "july")
        if fraction is not None:
            keep_readout(tmp_path / "home", small_readout(fraction=fraction))
        return read_experiments(tmp_path / "home", result.population.as_of)

    return keep


def _section(result: TrainingResult, kept: list[KeptExperiment]) -> dict[str, Any]:
    section = experiments_section(result, kept)
    assert section is not None
    return section


def test_there_is_no_section_without_an_experiment_or_a_log(
    result: TrainingResult, page: str, logged: TrainingResult
) -> None:
    assert experiments_section(result, []) is None
    assert "What our plays did" not in page
    assert 'id="experiments"' not in page
    assert 'id="experiments"' in render(logged)


def test_figures_are_those_of_the_readout(result: TrainingResult, kept: Any) -> None:
    assert result.population.as_of > END
    section = _section(result, kept(1.0))
    assert section["finding"] == (
        "1 of 1 tested play worked; rescue brought 60 EUR per treated customer (95 % interval 30 to 90 EUR)"
    )
    (experiment,) = section["experiments"]
    assert "ran from 1 July 2025 to 30 August 2025" in experiment["when"].replace("\u00a0", " ")
    assert "2 customers to treat and 2 held out" in experiment["when"].replace("\u00a0", " ")
    (play,), readout = experiment["plays"], small_readout()
    sentences = " ".join(play_sentences(readout.plays[0], readout))
    assert play["text"].lower() == sentences.lower()
    assert "60% of it came through others" in play["text"]
    rows = {
        name: (effect.text, bounds, conclusion) for name, _, effect, bounds, conclusion in play["outcomes"]
    }
    assert rows["the audience's revenue"] == ("36 EUR", "6 to 66 EUR", "worked")
    assert rows["customers still active"][:2] == ("+4.0 points", "−2.0 to +10.0 points")
    assert experiment["failed"] == ["treated as planned. 1 of the held-out arm were too (50%)."]
    assert (experiment["checks"], section["running"]) == (2, [])


def test_an_experiment_that_was_not_read_to_its_end_says_so(result: TrainingResult, kept: Any) -> None:
    section = _section(result, kept(None))
    assert section["finding"] == "0 of 1 experiment has been read"
    assert "has not been read" in section["experiments"][0]["when"]
    half = _section(result, kept(0.5))["experiments"][0]["when"]
    assert "after 50% of the time; intervals are wider" in half


def test_each_play_is_measured_or_a_guess(result: TrainingResult, kept: Any) -> None:
    book = result.insights.playbook
    first, second, *_ = map(str, book.plays["play"])
    effect = MeasuredEffect(first, "july", 0.15, 0.07, 0.22, datetime(2025, 8, 30), 40)
    measured = replace(
        result, insights=replace(result.insights, playbook=replace(book, measured={first: effect}))
    )
    taken = {name: (cell.text, text) for name, cell, text in _section(measured, kept(1.0))["taken"]}
    share, text = taken[first]
    assert share == "15\u00a0%"
    assert "measured by july" in text
    assert "7\u00a0% to 22\u00a0%" in text
    assert taken[second][1] == "a guess (plays.effect)"
    assert taken[second][0] == f"{result.settings.plays.effect:.0%}".replace("%", "\u00a0%")


def test_the_log_tells_who_was_treated_when_and_who_rests(logged: TrainingResult) -> None:
    section = _section(logged, [])
    assert "5 customers were contacted for a play" in section["finding"].replace("\u00a0", " ")
    log = section["log"]
    assert [(name, customers.sort, number.sort) for name, customers, number, *_ in log["plays"]] == [
        ("advocate", 1, 1),
        ("rescue", 5, CONTACTS - 1),
    ]
    assert (len(log["latest"]), log["more"], log["resting"]) == (MAX_CONTACTS, 4, 1)
    last, *others = log["latest"]
    assert last[:2] == (f"c{(CONTACTS - 1) % 5}", "rescue")
    assert last[3].startswith("until ")
    assert {rest for name, _, _, rest in others if name != last[0]} == {"over"}


def test_the_page_shows_the_picture_and_the_conclusions(logged: TrainingResult, kept: Any) -> None:
    page = render(logged, None, (), kept(1.0))
    begin = page.index('<section id="experiments"')
    section = page[begin : page.index("</section>", begin)]
    for text in (
        "Experiment july",
        "1 of 2 checks failed",
        "<svg",
        "pays for itself",
        "Who was treated when",
    ):
        assert text in section
    assert '<a href="#experiments">' in page


def test_a_log_without_a_contact_is_said_to_be_empty(result: TrainingResult) -> None:
    nobody = pd.DataFrame(columns=["customer_id", "play", "contacted_at"])
    empty = PlaysLog(nobody, pd.Series(dtype="datetime64[us]"))
    run = replace(result, insights=replace(result.insights, plays_log=empty))
    assert _section(run, [])["finding"] == "0 customers have been contacted for a play"
    assert "0\u00a0customers of plays_log rest" in render(run) or "0 customers of plays_log rest" in render(
        run
    )
