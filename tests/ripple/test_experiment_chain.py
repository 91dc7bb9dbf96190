"""An experiment from the first model to the service, by the commands that docs/experiments.md shows."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Coroutine, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from ripple.serving.publications.publication import load_publication
from ripple.serving.scorer import Scorer
from ripple.training.kept_experiments import read_experiments
from ripple.training.measured_effects import read as read_effects
from tests.support.checkout import ROOT
from tests.support.servers.processes import Ripple
from tests.support.small_settings import LENIENT

SMALLER = {
    "--customers 6000 --months 36 --seed 7": "--customers 900 --months 28 --seed 5",
    # fewer customers need a larger effect, and the play with most of them
    "--play rescue,advocate": "--play connect",
    "--factor spend=4": "--factor spend=6",
}
"""What the guide shows, and what stands for it in a small world."""


def _commands() -> Iterator[str]:
    page = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    section = page[page.index("## Try it first") : page.index("## What it says")]
    (block,) = (token.content for token in MarkdownIt().parse(section) if token.type == "fence")
    for shown, smaller in SMALLER.items():
        assert shown in block, shown
        block = block.replace(shown, smaller)
    yield from block.splitlines()


@pytest.fixture(scope="module")
def chain(ripple: Ripple, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder in which the commands ran, and what each of them printed, by its first words."""
    folder, printed = tmp_path_factory.mktemp("chain"), {}
    for command in _commands():
        _, *words = shlex.split(command)
        paths = {"before", "after", "september"}
        done = ripple(*(folder / word if word in paths else word for word in words), home=folder / "home")
        assert done.returncode == 0, done.stderr
        printed[" ".join(words[:2])] = done.stdout
        if words[0] == "simulate":
            with (folder / words[1] / "ripple.toml").open("a", encoding="utf-8") as settings:
                settings.write(LENIENT)
    return folder, printed


def test_the_readout_finds_the_true_effect(chain: tuple[Path, dict[str, str]]) -> None:
    folder, printed = chain
    true = re.search(r"per treated customer: ([\d,.]+) USD of own revenue", printed["simulate after"])
    assert true
    readout = json.loads((folder / "september" / "readout.json").read_text(encoding="utf-8"))
    own = [one for play in readout["plays"] for one in play["outcomes"] if one["outcome"] == "own_revenue"]
    # per play the truth is another, and the mean over treated customers lies between
    treated = sum(one["effect"]["treated"] for one in own)
    means = {
        bound: sum(one["effect"][bound] * one["effect"]["treated"] for one in own) / treated
        for bound in ("low", "high")
    }
    assert means["low"] < float(true[1].replace(",", "")) < means["high"]
    assert "worked" in {one["conclusion"] for one in own}
    # the world before the start is the same, and everybody was treated as planned
    checks = {check["name"]: check for check in readout["checks"]}
    assert checks["data as designed"]["passed"], checks["data as designed"]["finding"]
    assert checks["treated as planned"]["finding"].startswith("100%")


def test_the_next_training_takes_what_was_measured_and_its_report_shows_it(
    chain: tuple[Path, dict[str, str]],
) -> None:
    folder, _ = chain
    measured = read_effects(folder / "home")
    assert measured
    report = max((folder / "home" / "reports").glob("*.html"), key=lambda path: path.stat().st_mtime)
    page = report.read_text(encoding="utf-8").replace("\u00a0", " ")
    section = page[page.index('<section id="experiments"') :]
    (kept,) = read_experiments(folder / "home", datetime(2026, 1, 1))
    assert kept.readout is not None
    for effect in measured.values():
        assert f"measured by {effect.experiment} until" in section
    assert "Experiment september" in section
    assert "Who was treated when" in section
    for play in kept.readout.plays:
        assert f">{play.play}</h4>" in section
    # customers who were contacted lately get no play again before they have rested
    assert "rest: contacted in the last" in section


def test_the_service_tells_the_arms_while_the_experiment_runs(
    chain: tuple[Path, dict[str, str]],
) -> None:
    folder, printed = chain
    assert "and 1 experiment as of 2025-10-01" in printed["publish after"]
    (publication,) = (folder / "home" / "store" / "publications").iterdir()
    scorer = Scorer(load_publication(publication, publication.name))
    (told,) = scorer.experiments()["experiments"]
    # what was read later was not known on that day
    assert (told["name"], told["status"], told["read_until"]) == ("september", "running", None)
    assignments = pd.read_csv(folder / "september" / "assignments.csv", dtype={"customer_id": str})
    rows = scorer.publication.customers
    for row in assignments.head(40).itertuples():
        lookup = _run(rows.find([str(row.customer_id)]))
        (arm,) = msgspec.json.decode(_run(rows.arms(str(row.customer_id), lookup.ranks[0])))
        assert (arm["arm"], arm["play"]) == (row.arm, row.play)


def _run(lookup: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(lookup)
