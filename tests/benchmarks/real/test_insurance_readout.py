"""The read-out on a small experiment of the same form, simulated."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.real.insurance_readout import audience_effect, audiences, own_effect, section
from examples.insurance import effects
from examples.insurance.convert import read
from ripple.training.experiments import estimation


def test_the_read_out_finds_the_effect_of_the_regression_of_the_study(
    households: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    # these households are too few for as many covariates as the study has
    monkeypatch.setattr(estimation, "UNITS_PER_COVARIATE", 5)
    by_formula, found = effects.direct_effect(households), own_effect(households, as_published=True)
    assert found.effect == pytest.approx(by_formula.value)
    assert found.error == pytest.approx(by_formula.error)
    assert found.treated + found.held == by_formula.households


def test_everybody_of_the_second_round_is_in_one_audience_at_most(
    source: Path, households: pd.DataFrame
) -> None:
    named = read(source)[1]
    owners = audiences(households, named)
    assert (owners["delay"] == 0).all()
    assert (owners["bought"] <= owners["members"]).all()
    second = households[households["delay"] == 1]
    first = set(households.loc[households["delay"] == 0, "id"])
    with_friend = named[named["network_id"].isin(first) & named["id"].isin(second["id"])]["id"].nunique()
    assert owners["members"].sum() == with_friend
    assert audience_effect(owners).treated == (owners["intensive"] == 1).sum()


def test_the_section_tells_all_effects(source: Path, households: pd.DataFrame) -> None:
    text = section(source)
    for as_published in (True, False):
        assert f"| {own_effect(households, as_published).effect:.4f} |" in text
