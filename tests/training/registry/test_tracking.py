import os

import mlflow
import pytest

from ripple.errors import InputError
from ripple.settings import Settings
from ripple.training.registry import model_versions, tracking


@pytest.fixture
def client(opened, trained):
    return tracking.connect(opened[0].settings)


def test_every_home_has_its_own_store(opened, copied_store, client):
    first = f"sqlite:///{opened[0].settings.home / 'mlflow.db'}"
    assert client.tracking_uri == first
    assert tracking.connect(copied_store).tracking_uri == f"sqlite:///{copied_store.home / 'mlflow.db'}"
    assert tracking.connect(opened[0].settings).tracking_uri == first
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_a_tracking_uri_in_the_environment_wins(opened, copied_store, client, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{copied_store.home / 'mlflow.db'}")
    connected = tracking.connect(Settings(home=tmp_path / "unused"))
    assert connected.tracking_uri == os.environ["MLFLOW_TRACKING_URI"]
    assert mlflow.get_tracking_uri() == os.environ["MLFLOW_TRACKING_URI"]
    assert not (tmp_path / "unused").exists()
    assert model_versions.find(connected, "1").number == "1"


def test_a_home_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"RIPPLE_HOME = .*file cannot be made a folder"):
        tracking.connect(Settings(home=tmp_path / "file"))
