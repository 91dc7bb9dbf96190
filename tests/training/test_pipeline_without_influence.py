"""A world in which nobody influences anybody, from files to the registry."""

import pytest

from ripple import simulation
from ripple.errors import InputError
from ripple.features.validation.checks import load
from ripple.settings import load as load_settings
from ripple.training import pipeline
from ripple.training.registry import model_versions, tracking
from tests.support.small_settings import SMALL


def test_without_influence_nothing_is_learnt_and_nothing_registered(tmp_path):
    out = tmp_path / "nobody"
    simulation.write(simulation.simulate("none", 300, 11, 3), out, simulation.settings_toml(11) + SMALL)
    dataset, checks = load(out, load_settings(out).model_copy(update={"home": tmp_path / "home"}))
    with pytest.raises(InputError, match=r"Every label is zero.*credited with revenue of others"):
        pipeline.train(dataset, checks, "nobody")
    assert model_versions.champion(tracking.connect(dataset.settings)) is None
    assert not (tmp_path / "home" / "reports").exists()
