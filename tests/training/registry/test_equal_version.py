"""A version stands for a training of the same identity as long as it is whole."""

import shutil

import pytest

from ripple.training.registry import model_versions, preflight, recording
from ripple.training.registry.equal_version import equal_version
from ripple.training.registry.gate import Check, Decision
from tests.support.runs.results import altered

PASSED = Decision(None, None, (Check("capture", True, 0.01, -0.05, "It captures as much."),))


@pytest.fixture
def store(copied_store):
    return preflight.open_for_writing(copied_store)


@pytest.fixture
def registered(store, result, copied_store):
    """Registers the result as a version of the identity "same"."""
    settings = result.settings.model_copy(update={"home": copied_store.home})
    same = altered(result, settings=settings, identity="same")

    def register():
        return model_versions.register(store, recording.log(same, PASSED, "<html></html>", "# card"), PASSED)

    return register


def test_the_newest_whole_version_of_the_same_identity_is_found(store, registered, result):
    assert equal_version(store, "same") is None
    first, second = registered(), registered()
    assert equal_version(store, "same") == second != first
    assert equal_version(store, "another") is None
    assert equal_version(store, result.data.identity).number == "1"


def test_a_deleted_version_or_run_does_not_count(store, registered):
    first, second = registered(), registered()
    store.delete_model_version("ripple", second.number)
    assert equal_version(store, "same") == first
    store.delete_run(first.run_id)
    assert equal_version(store, "same") is None
    store.restore_run(first.run_id)
    assert equal_version(store, "same") == first


@pytest.mark.parametrize("lost", ["bundle", "report.html"])
def test_a_version_whose_files_are_gone_does_not_count(store, registered, copied_store, lost):
    version = registered()
    place = copied_store.home / "artifacts" / version.run_id / "artifacts" / lost
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert equal_version(store, "same") is None


def test_a_run_that_did_not_end_well_does_not_count(store, registered):
    version = registered()
    for status in ("RUNNING", "KILLED", "FAILED"):
        store.update_run(version.run_id, status)
        assert equal_version(store, "same") is None
    store.update_run(version.run_id, "FINISHED")
    assert equal_version(store, "same") == version


def test_a_run_that_was_never_registered_does_not_count(store, result):
    recording.log(altered(result, identity="same"), PASSED, "<html></html>", "# card")
    assert equal_version(store, "same") is None


def test_an_experiment_that_is_not_there_holds_none(store):
    store.experiment = "nowhere"
    assert equal_version(store, "same") is None
