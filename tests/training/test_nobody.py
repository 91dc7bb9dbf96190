"""A world in which nobody influences anybody, from files to the registry."""

import pytest

import simulation
from features.checks import load
from settings import InputError
from settings import load as load_settings
from tests.training.conftest import SMALL
from training import registry, tracking, train
from training.progress import silent


def test_without_influence_nothing_is_learnt_and_nothing_registered(tmp_path):
    out = tmp_path / "nobody"
    simulation.write(simulation.simulate("none", 300, 11, 3), out, simulation.settings_toml(11) + SMALL)
    dataset, checks = load(out, load_settings(out).model_copy(update={"home": tmp_path / "home"}))
    with pytest.raises(InputError, match=r"Every label is zero.*credited with revenue of others"):
        train.train(dataset, checks, "nobody", silent)
    assert registry.champion(tracking.connect(dataset.settings)) is None
    assert not (tmp_path / "home" / "reports").exists()
