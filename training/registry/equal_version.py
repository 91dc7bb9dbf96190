"""A version that training again on the same data, settings and code would only repeat."""

from __future__ import annotations

from ripple.training.registry import model_versions
from ripple.training.registry.model_versions import Version, VersionGoneError
from ripple.training.registry.recording import IDENTITY, PREDICTIONS
from ripple.training.registry.tracking import Store

NEEDED = {"bundle", "snapshot.parquet", PREDICTIONS, "report.html"}
"""The artifacts without which a version cannot stand for one that is trained now."""


def equal_version(client: Store, identity: str) -> Version | None:
    """The newest registered version whose run ended well, has this *identity* and still holds its files.

    A run that did not end, or that was deleted, does not count, nor does a version that was.
    """
    experiment = client.get_experiment_by_name(client.experiment)
    if experiment is None:
        return None
    finished = client.search_runs(
        [experiment.experiment_id], f"tags.`{IDENTITY}` = '{identity}' and attributes.status = 'FINISHED'"
    )
    run_ids = {run.info.run_id for run in finished}
    return next(
        (
            version
            for version in model_versions.newest_first(client)
            if version.run_id in run_ids and _is_whole(client, version)
        ),
        None,
    )


def _is_whole(client: Store, version: Version) -> bool:
    try:
        return model_versions.artifacts(client, version) >= NEEDED
    except VersionGoneError:
        return False
