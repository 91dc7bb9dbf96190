"""Real data, where they are at hand: a randomised experiment on a network, converted and reproduced."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from examples.insurance import effects
from examples.insurance.convert import SURVEY, WINDOW, convert
from ripple import settings
from ripple.features.validation import checks
from ripple.training.attribution import decayed_credit, network_value
from tests.support.checkout import ROOT

SOURCE = Path(os.environ.get("INSURANCE_DATA", ROOT.parent / "shared" / "data" / "cai"))

pytestmark = pytest.mark.skipif(
    not (SOURCE / SURVEY).is_file(),
    reason=f"no village insurance at {SOURCE}: set INSURANCE_DATA to the folder that holds {SURVEY}",
)


def test_the_published_effects_are_reproduced() -> None:
    reproduced = effects.reproduced(effects.households_with_friends(SOURCE))
    for name, published in effects.PUBLISHED.items():
        assert reproduced[name].value == pytest.approx(published.value, abs=5e-5)
        assert reproduced[name].error == pytest.approx(published.error, abs=5e-5)
        assert reproduced[name].households == published.households


def test_without_the_number_of_friends_the_peer_effect_is_a_little_lower() -> None:
    """A control of the published regression that is easily left out."""
    households = effects.households_with_friends(SOURCE)
    told_nothing = households[(households["delay"] == 1) & (households["info_none"] == 1)]
    controls = effects.CONTROLS.replace(" + C(friends)", "")
    fitted = effects.regress(told_nothing, f"{effects.INTENSIVE} + {controls}")
    assert fitted.params[effects.INTENSIVE] == pytest.approx(0.2863, abs=5e-5)


def test_the_label_credits_a_fraction_of_what_time_decayed_credit_does(tmp_path: Path) -> None:
    counts = convert(SOURCE, tmp_path / "data")
    assert counts["orders.parquet"] == 2184
    assert counts["interactions.parquet"] == 16997
    dataset, _ = checks.load(tmp_path / "data", settings.load(tmp_path / "data"))
    survey = pd.read_stata(SOURCE / SURVEY)
    purchases = survey.loc[survey["delay"] == 1, "takeup_survey"].sum()
    label = network_value(dataset.tables, *WINDOW, dataset.settings).to_pandas()["influence_value"].sum()
    decayed = decayed_credit(dataset.tables, *WINDOW, dataset.settings).to_pandas()["influence_value"].sum()
    assert purchases == 1252
    assert decayed / purchases == pytest.approx(0.428, abs=5e-4)
    assert 0.03 < label / purchases < 0.13  # friends' sessions in the experiment: 5 to 13 %
