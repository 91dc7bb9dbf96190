from dataclasses import FrozenInstanceError

import pytest

from simulation.worlds import WORLDS, World


def test_each_world_is_a_frozen_set_of_parameters():
    assert "default" in WORLDS
    for world in WORLDS.values():
        assert isinstance(world, World)
        with pytest.raises(FrozenInstanceError):
            world.influence = 1.0


def test_worlds_cannot_be_changed_from_outside():
    with pytest.raises(TypeError):
        WORLDS["default"] = WORLDS["default"]
