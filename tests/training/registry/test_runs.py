import fcntl
import os
from datetime import UTC, datetime

import mlflow
import pytest

from ripple.settings import Settings
from ripple.training.registry import runs, tracking


@pytest.fixture
def home(copied_store):
    return copied_store.home


@pytest.fixture
def client(copied_store):
    return tracking.connect(copied_store)


def status(client, started):
    return client.get_run(started.info.run_id).info.status


def locks(home):
    return [folder.name for folder in (home / runs.LOCKS).iterdir()]


@pytest.fixture
def holder(client, home):
    """A run whose lock is held as another process would, by a handle of its own."""
    experiment = client.get_experiment_by_name("ripple").experiment_id
    started = client.create_run(experiment, run_name="elsewhere")
    folder = home / runs.LOCKS / started.info.run_id
    folder.mkdir(parents=True)
    handle = os.open(folder / ".lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(handle, fcntl.LOCK_EX)
    yield started, handle
    os.close(handle)


@pytest.mark.parametrize(
    ("stopped", "ends"), [(KeyboardInterrupt(), "KILLED"), (SystemExit(143), "KILLED"), (OSError(), "FAILED")]
)
def test_a_run_that_is_stopped_says_how_it_ended(client, home, stopped, ends):
    started = []

    def train():
        with runs.locked("parent", home) as parent, runs.run("child", nested=True) as child:
            assert locks(home) == [parent.info.run_id]
            started.extend((parent, child))
            raise stopped

    with pytest.raises(type(stopped)):
        train()
    assert [status(client, one) for one in started] == [ends, ends]
    assert mlflow.active_run() is None
    assert locks(home) == []


def test_a_run_that_ends_well_is_finished(client, home):
    with runs.locked("parent", home) as parent, runs.run("child", nested=True) as child:
        pass
    assert status(client, parent) == status(client, child) == "FINISHED"
    assert locks(home) == runs.end_abandoned(client, home) == []


def test_what_a_process_works_on_is_left_alone_until_it_is_no_more(client, home, holder):
    started, handle = holder
    assert runs.end_abandoned(client, home) == []
    assert status(client, started) == "RUNNING"
    fcntl.flock(handle, fcntl.LOCK_UN)
    assert runs.end_abandoned(client, home) == ["elsewhere"]
    assert status(client, started) == "KILLED"
    assert runs.end_abandoned(client, home) == []


def test_a_run_of_another_store_waits_for_that_store(client, home, holder, tmp_path_factory):
    started, handle = holder
    fcntl.flock(handle, fcntl.LOCK_UN)
    other = tracking.connect(Settings(home=tmp_path_factory.mktemp("other")))
    assert runs.end_abandoned(other, home) == []
    assert runs.end_abandoned(client, home) == ["elsewhere"]
    assert status(client, started) == "KILLED"


def test_a_name_that_repeats_the_dataset_is_told_apart_by_its_time():
    began = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert runs.full_name("shop", "shop", began) == "shop 2026-01-02 03:04:05"
    assert runs.full_name("december", "shop", began) == "december"
