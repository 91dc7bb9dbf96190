from datetime import UTC, datetime

from ripple.training.registry import history, model_versions, recording, tracking


def test_a_version_is_remembered_with_the_metrics_of_its_run(copied_store, trained):
    client = tracking.connect(copied_store)
    (first,) = history.past_versions(client)
    headline = trained.result.headline()
    assert (first.number, first.as_of) == ("1", trained.result.population.as_of)
    assert first.capture == headline["capture"]
    assert first.rule_capture == headline["best_baseline_capture"]
    assert first.predicted_share == headline["predicted_share"]
    made = history.made_at(client, model_versions.find(client))
    assert made.tzinfo == UTC
    assert made <= datetime.now(UTC)
    entry = client.get_model_version("ripple", "1")
    model_versions.register(client, recording.LoggedModel(entry.source, entry.run_id), trained.decision)
    assert [one.number for one in history.past_versions(client)] == ["1", "2"]


def test_a_version_whose_run_is_gone_is_left_out(copied_store, trained, monkeypatch):
    client = tracking.connect(copied_store)

    def gone(client, version):
        raise model_versions.VersionGoneError(client, version, "its run was deleted")

    monkeypatch.setattr(model_versions, "run_of", gone)
    assert history.past_versions(client) == []
