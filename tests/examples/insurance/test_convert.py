"""Households become customers at risk at their own session, and nominations of friends become contacts."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from examples.insurance import convert
from examples.insurance.convert import InSight
from ripple import settings
from ripple.features.tables.contract import CONTRACT
from ripple.features.validation import checks
from ripple.training.attribution.adoptions import read_history
from tests.support.insurance import write_source


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    write_source(folder)
    return folder


def test_every_household_purchase_and_nomination_inside_the_survey_is_converted(
    source: Path, tmp_path: Path
) -> None:
    survey, network = (pd.read_stata(source / name) for name in (convert.SURVEY, convert.NETWORK))
    out = tmp_path / "out"
    counts = convert.convert(source, out)
    tables = {file.stem: pd.read_parquet(file) for file in out.glob("*.parquet")}
    assert {f"{name}.parquet": len(table) for name, table in tables.items()} == counts
    assert set(tables) <= set(CONTRACT)
    assert set(tables["customers"]["customer_id"]) == set(survey["id"].astype(str))
    assert tables["orders"]["revenue"].sum() == survey["takeup_survey"].sum()
    inside = network[network["network_id"].isin(survey["id"])]
    pairs = set(zip(inside["network_id"].astype(int).astype(str), inside["id"].astype(str), strict=True))
    edges = tables["interactions"]
    assert set(zip(edges["source_id"], edges["target_id"], strict=True)) == pairs
    assert len(edges) == len(pairs)
    told = tables["customers"].set_index("customer_id")["told"]
    listed = survey.loc[survey["info_takeup_list"] == 1, "id"].astype(str)
    assert set(told[listed]) == {"who bought"}
    assert (told == "who bought").sum() == len(listed)


@pytest.mark.parametrize(
    ("in_sight", "at_risk"),
    [("session", ({0}, {1})), ("until", ({0, 1}, {1})), ("throughout", ({0, 1}, {0, 1}))],
)
def test_who_is_at_risk_in_each_round(
    in_sight: InSight, at_risk: tuple[set[int], set[int]], source: Path, tmp_path: Path
) -> None:
    """A customer is at risk from joining to `observed_until`, as the label reads them."""
    survey, _ = write_source(source)
    convert.convert(source, tmp_path / "out", in_sight)
    dataset, _ = checks.load(tmp_path / "out", settings.load(tmp_path / "out"))
    start, end = convert.WINDOW
    history = read_history(dataset.tables, start, end, dataset.settings.credit)
    ids = history.customer_ids.to_pandas()
    delay = survey.set_index(survey["id"].astype(str)).loc[ids, "delay"].to_numpy()
    for begin, expected in zip(convert.ROUNDS, at_risk, strict=True):
        day = (begin + convert.LENGTH - start) / pd.Timedelta(days=1)
        seen = (history.joined < day) & (history.observed_until >= day)
        assert set(delay[seen]) == expected
        assert seen.sum() == pd.Series(delay).isin(expected).sum()


def test_the_window_holds_the_second_round_alone() -> None:
    first, second = (begin + convert.LENGTH for begin in convert.ROUNDS)
    start, end = convert.WINDOW
    assert first < start < convert.ROUNDS[1] < second < end


@pytest.mark.parametrize("missing", [convert.SURVEY, convert.NETWORK])
def test_an_incomplete_source_is_rejected(
    missing: str,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (source / missing).unlink()
    monkeypatch.setattr(sys, "argv", ["convert", str(source), str(tmp_path / "out")])
    assert convert.main() == 2
    assert missing in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_existing_folder_is_not_overwritten(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["convert", str(source), str(source)])
    assert convert.main() == 2
    assert "exists already" in capsys.readouterr().err
    assert len(list(source.iterdir())) == 2


def test_the_command_writes_what_it_was_asked_for(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(sys, "argv", ["convert", str(source), str(out), "--in-sight", "throughout"])
    assert convert.main() == 0
    assert "customers.parquet" in capsys.readouterr().out
    assert pd.read_parquet(out / "customers.parquet")["joined_at"].nunique() == 1
