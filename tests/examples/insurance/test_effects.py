"""Effects of a small experiment equal least squares with clustered errors, computed by matrices."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from examples.insurance import effects
from examples.insurance.effects import BOUGHT, FIRST_ROUND, INTENSIVE
from tests.support.insurance import write_source

OWN = ["intensive", "male", "age", "agpop", "ricearea_2010", "literacy"]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("insurance")
    write_source(folder)
    return folder


@pytest.fixture(scope="module")
def households(source: Path) -> pd.DataFrame:
    return effects.households_with_friends(source)


def _least_squares(rows: pd.DataFrame, columns: list[str], dummies: list[str]) -> tuple[float, float, int]:
    """The first coefficient, its error clustered by natural village as Stata has it, and the rows used."""
    rows = rows.dropna(subset=[*columns, *dummies])
    coded = pd.get_dummies(rows[dummies].astype(str), drop_first=True).astype(float)
    design = np.column_stack([rows[columns], coded, np.ones(len(rows))]).astype(float)
    taken = rows["takeup_survey"].to_numpy(float)
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ taken
    scores = design * (taken - design @ coefficients)[:, None]
    sums = pd.DataFrame(scores).groupby(rows["address"].to_numpy()).sum().to_numpy()
    size, parameters, clusters = *design.shape, len(sums)
    correction = clusters / (clusters - 1) * (size - 1) / (size - parameters)
    covariance = correction * inverse @ sums.T @ sums @ inverse
    return float(coefficients[0]), float(np.sqrt(covariance[0, 0])), size


def test_shares_of_friends_count_everybody_who_was_named(source: Path, households: pd.DataFrame) -> None:
    survey, network = write_source(source)
    named = network[network["network_id"].notna()]
    status = survey.set_index("id")
    for row in households.sample(20, random_state=0).itertuples():
        friends = named.loc[named["id"] == int(row.id), "network_id"].astype(int).tolist()
        inside = status.loc[[friend for friend in friends if friend in status.index]]
        first = inside[inside["delay"] == 0]
        assert row.friends == len(friends)
        assert getattr(row, FIRST_ROUND) == pytest.approx(len(first) / len(friends))
        assert getattr(row, INTENSIVE) == pytest.approx(first["intensive"].sum() / len(friends))
        assert getattr(row, BOUGHT) == pytest.approx(first["takeup_survey"].sum() / len(friends))


def test_effects_and_errors_are_those_of_least_squares(households: pd.DataFrame) -> None:
    first = households[households["delay"] == 0]
    direct = effects.direct_effect(households)
    assert (direct.value, direct.error, direct.households) == pytest.approx(
        _least_squares(first, OWN, ["village"])
    )
    told_nothing = households[(households["delay"] == 1) & (households["info_none"] == 1)]
    peer = effects.peer_effect(households)
    expected = _least_squares(
        told_nothing, [INTENSIVE, *OWN, "risk_averse", "disaster_prob"], ["village", "friends"]
    )
    assert (peer.value, peer.error, peer.households) == pytest.approx(expected)


@pytest.mark.parametrize("fixed", [effects.VILLAGE, effects.NATURAL_VILLAGE])
def test_a_share_is_the_effect_times_exposures_over_purchases(households: pd.DataFrame, fixed: str) -> None:
    second = households[households["delay"] == 1]
    share = effects.share_of_purchases(second, BOUGHT, f"{INTENSIVE} + {FIRST_ROUND}", fixed)
    columns = [BOUGHT, INTENSIVE, FIRST_ROUND, *OWN, "risk_averse", "disaster_prob"]
    value, error, size = _least_squares(second, columns, [fixed, "friends"])
    multiple = second[BOUGHT].fillna(0).sum() / second["takeup_survey"].sum()
    assert (share.value, share.error, share.households) == pytest.approx(
        (value * multiple, error * multiple, size)
    )
    low, high = share.interval
    assert high - low == pytest.approx(2 * 1.96 * share.error, rel=1e-4)
    assert (low + high) / 2 == pytest.approx(share.value)


def test_the_command_prints_each_effect_beside_the_published_one(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["effects", str(source)])
    assert effects.main() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == list(effects.PUBLISHED)
    assert "published 0.1408 (0.0260, 2,137)" in lines[0]


def test_an_incomplete_source_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["effects", str(tmp_path)])
    assert effects.main() == 2
    assert "0422survey.dta" in capsys.readouterr().err
