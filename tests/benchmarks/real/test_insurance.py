"""The label beside a small experiment, simulated: arms, resamples, and what is written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks import harness
from benchmarks.real import insurance
from examples.insurance import effects
from examples.insurance.convert import TOLD, read, tables
from tests.support.insurance import VILLAGES


def test_an_arm_is_the_first_round_and_who_was_told_the_same(households: pd.DataFrame) -> None:
    first = households["delay"] == 0
    arms = [insurance.arm(households, told) for told in TOLD]
    assert sum(len(arm) - first.sum() for arm in arms) == (~first).sum()
    for told, arm in zip(TOLD, arms, strict=True):
        assert set(arm.loc[arm["delay"] == 1, "told"]) == {told}
        assert (arm["delay"] == 0).sum() == first.sum()
    assert sum(map(insurance.purchases, arms)) == insurance.purchases(households)


def test_resamples_draw_whole_villages_with_the_nominations_inside_them(
    source: Path, households: pd.DataFrame
) -> None:
    named = read(source)[1]
    resample, nominations = insurance.resampled(households, named, seed=3)
    assert resample["id"].is_unique
    assert resample["village"].nunique() < VILLAGES  # with this seed a village is drawn twice
    copies = resample["id"].str.split("-", expand=True)
    sizes = households["village"].value_counts()
    for _, copy in resample.groupby(copies[0]):
        assert len(copy) == sizes[copy["village"].iloc[0]]
    edges = tables(resample, nominations)["interactions"]
    known = tables(households, named)["interactions"]
    pairs = set(zip(known["source_id"], known["target_id"], strict=True))
    ends = edges[["source_id", "target_id"]].map(lambda id_: id_.split("-"))
    assert len(edges) > 0
    for source_id, target_id in ends.itertuples(index=False):
        assert source_id[0] == target_id[0]
        assert (source_id[1], target_id[1]) in pairs


def test_the_label_is_less_where_purchases_could_still_come(
    source: Path, households: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(insurance, "SEEDS", 1)
    named = read(source)[1]
    (session,) = insurance.label_shares(households, named, "session")
    (later,) = insurance.label_shares(households, named, "session", insurance.LATER)
    assert 0 < later < session < 1


def test_a_section_has_a_line_for_each_arm_and_each_way_to_be_in_sight(households: pd.DataFrame) -> None:
    second = households[households["delay"] == 1]
    experiment = insurance.experiment_shares(second)
    row: dict[str, object] = {"purchases": 1252, "session": 0.0835, "low": 0.05, "high": 0.123}
    row |= {"until": 0.09, "throughout": 0.012, "later": 0.031, "decayed": 0.428}
    for name, estimate in experiment.items():
        row |= {
            name: estimate.value,
            f"{name}_low": estimate.interval[0],
            f"{name}_high": estimate.interval[1],
        }
    rows = [{"told": told} | row for told in insurance.ARMS]
    lines = insurance.section(rows, dict(effects.PUBLISHED)).splitlines()
    assert "| own intensive session | 0.1408 (0.0260), n 2,137 | 0.1408 (0.0260), n 2,137 |" in lines
    (anything,) = (line for line in lines if line.startswith("| anything |"))
    cells = [cell.strip() for cell in anything.split("|")[1:-1]]
    assert cells[1:4] == ["1,252", "8.3 % (5.0 to 12.3)", "42.8 %"]
    assert len(cells) == len(insurance.SHARES)
    low, high = experiment["sessions"].interval
    assert cells[4] == f"{100 * experiment['sessions'].value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"
    (throughout,) = (line for line in lines if line.startswith("| ") and "throughout" in line)
    assert throughout.count("1.2 %") == len(insurance.ARMS)


def test_a_section_of_the_page_is_replaced_and_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "real.md"
    page.write_text("# Real data\n", encoding="utf-8")
    monkeypatch.setattr(harness, "REAL_DATA", page)
    harness.write_section("one", "## One\n")
    harness.write_section("two", "## Two\n")
    once = page.read_text(encoding="utf-8")
    assert once.splitlines()[0] == "# Real data"
    assert once.index("## One") < once.index("## Two")
    harness.write_section("one", "## One\n")
    assert page.read_text(encoding="utf-8") == once
    harness.write_section("one", "## Another\n")
    assert page.read_text(encoding="utf-8") == once.replace("## One", "## Another")
