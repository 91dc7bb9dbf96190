"""The registered model: its versions, and which of them is champion or challenger.

`champion` is what is served. `challenger` is the version registered last, unless it is champion. Why a
version stands where it does is kept in its tags.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.entities import Run, RunData
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from ripple import atomic
from ripple.errors import InputError
from ripple.models.batch_scoring import read_snapshot
from ripple.models.bundle import Bundle
from ripple.training.evaluation.comparison import Comparison, Incomparable, compare
from ripple.training.evaluation.membership_changes import ScoredVersion
from ripple.training.insights import plays
from ripple.training.registry.gate import Decision
from ripple.training.registry.recording import PREDICTIONS, LoggedModel
from ripple.training.registry.tracking import LONGEST_TAG, Store, download

CHAMPION, CHALLENGER, NEWEST = "champion", "challenger", "newest"
PASSED, FAILED = "passed", "failed"
DESCRIPTION = (
    "Scores every customer: the network value expected over the horizon, which is revenue of others that "
    "would not come without them, with an interval, and the probability of belonging to the top. Input is a "
    "row of features per customer.\n\n`champion` is the version that is served, `challenger` the one "
    "registered last unless it is champion; the gate decides, and its reasons are tags of each version."
)
"""The description of the registered model, unless somebody has given it one."""
BY_GATE, BY_HAND, FORCED = "by the gate", "by hand", "against the gate"


@dataclass(frozen=True)
class Version:
    """A registered model version and the run that made it."""

    number: str
    run_id: str


class VersionGoneError(InputError):
    """A version is registered, but its run or the files of its run are no more."""

    def __init__(self, client: Store, version: Version, lost: str) -> None:
        role = next(
            (f", the {role}," for role in (CHAMPION, CHALLENGER) if _alias(client, role) == version), ""
        )
        super().__init__(
            f"Version {version.number}{role} of {client.registered_model} is gone from the MLflow store "
            f"{client.place}: {lost}. `ripple versions` lists those that are left: name one, promote one, "
            "or make one by `ripple train DATA`."
        )
        self.lost = lost


def register(client: Store, logged: LoggedModel, decision: Decision) -> Version:
    """Register the logged model as the next version, with the decision of the gate as tags."""
    registered = mlflow.register_model(logged.model_uri, client.registered_model, tags=_tags(decision))
    version = Version(str(registered.version), logged.run_id)
    client.update_model_version(client.registered_model, version.number, logged.description)
    if not client.get_registered_model(client.registered_model).description:
        client.update_registered_model(client.registered_model, DESCRIPTION)
    return version


def _tags(decision: Decision) -> dict[str, str]:
    tags = {
        "gate": PASSED if decision.passed else FAILED,
        "gate.reasons": " ".join(decision.reasons)[:LONGEST_TAG],
    }
    if decision.champion is not None:
        tags["gate.champion"] = decision.champion
    return tags | {
        f"gate.{check.name.replace(' ', '_')}": f"{check.value:.4g}"
        for check in decision.checks
        if check.value is not None
    }


def set_challenger(client: Store, version: Version) -> None:
    """Give *version* the alias `challenger`."""
    client.set_registered_model_alias(client.registered_model, CHALLENGER, version.number)


def set_champion(client: Store, version: Version, how: str = BY_GATE, because: str = "") -> None:
    """Give *version* the alias `champion`, and record in its tags how, when, in whose place and why."""
    before = champion(client)
    tags = {
        "promoted": how,
        "promoted.at": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "promoted.because": because[:LONGEST_TAG],
        "promoted.instead_of": before.number if before and before != version else "",
    }
    for name, value in tags.items():
        client.set_model_version_tag(client.registered_model, version.number, name, value)
    client.set_registered_model_alias(client.registered_model, CHAMPION, version.number)
    if _alias(client, CHALLENGER) == version:
        client.delete_registered_model_alias(client.registered_model, CHALLENGER)


def promote(client: Store, name: str = CHALLENGER, because: str = "") -> Version:
    """Make a version champion: one that passed the gate against the present champion, or *because* of that.

    Raises:
        InputError: there is no such version, or the gate speaks against it and no reason is given.
    """
    version, before = find(client, name), champion(client)
    if before == version:
        raise InputError(f"Version {version.number} is champion already.")
    tags = client.get_model_version(client.registered_model, version.number).tags
    against = _against(tags, before)
    if against and not because.strip():
        raise InputError(
            f"{against} To promote it all the same, give the reason, which is kept with the version: "
            f'ripple promote {version.number} --because "…"'
        )
    # one that passed against an earlier champion is chosen by hand, though the gate says nothing against it
    set_champion(client, version, BY_HAND if tags.get("gate") == PASSED else FORCED, because.strip())
    return version


def _against(tags: dict[str, str], before: Version | None) -> str:
    """Why the gate speaks against the version with these tags; empty if it passed against *before*."""
    if tags.get("gate") == FAILED:
        return f"The gate did not pass it: {tags['gate.reasons']}"
    if tags.get("gate") != PASSED:
        return "It was registered without the gate."
    compared_with = tags.get("gate.champion")
    if compared_with != (before.number if before else None):
        return (
            f"The gate passed it against {f'version {compared_with}' if compared_with else 'no champion'}, "
            f"but the champion now is version {before.number if before else 'none'}."
        )
    return ""


def settle(client: Store, version: Version) -> None:
    """Give a version the role that the gate decided on, if a training was killed before it did so.

    One that was champion before is left alone: it has been replaced.
    """
    tags = client.get_model_version(client.registered_model, version.number).tags
    before = champion(client)
    if before == version or "promoted" in tags:
        return
    if not _against(tags, before):
        set_champion(client, version)
    elif version == newest_first(client)[0]:
        set_challenger(client, version)


def newest_first(client: Store) -> list[Version]:
    """Every registered version."""
    return [Version(str(entry.version), str(entry.run_id)) for entry in _entries(client)]


def _entries(client: Store) -> list[ModelVersion]:
    """MLflow's entries of all registered versions, the newest first."""
    entries = client.search_model_versions(f"name = '{client.registered_model}'")
    return sorted(entries, key=lambda entry: -int(entry.version))


def find(client: Store, name: str = CHAMPION) -> Version:
    """The version of that number, that alias, or the newest.

    Raises:
        InputError: there is none; the message says which there are.
    """
    numbers = sorted(int(version.number) for version in newest_first(client))
    number = str(numbers[-1]) if name == NEWEST and numbers else name
    version = (
        _version(lambda: client.get_model_version(client.registered_model, number))
        if number.isdigit()
        else _alias(client, number)
    )
    if version is None:
        known = (
            f"there are {', '.join(map(str, numbers))}"
            if numbers
            else f"none is registered yet as {client.registered_model} in {client.place}"
        )
        raise InputError(f"No version '{name}' of the model: {known}. `ripple train DATA` makes one.")
    return version


def run_of(client: Store, version: Version) -> Run:
    """The run that made the version.

    Raises:
        VersionGoneError: it has been deleted for good.
    """
    try:
        return client.get_run(version.run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise VersionGoneError(client, version, f"its run {version.run_id} was deleted") from error


def artifacts(client: Store, version: Version) -> set[str]:
    """The names of the files and folders that the version's run holds.

    Raises:
        VersionGoneError: the run has been deleted for good, or holds no model.
    """
    run = run_of(client, version)
    names = {artifact.path for artifact in client.list_artifacts(version.run_id)}
    if "bundle" not in names:
        raise VersionGoneError(client, version, f"{run.info.artifact_uri} holds no bundle")
    return names


def fetch(client: Store, version: Version, artifact: str, into: Path) -> Path:
    """Copy one artifact of the version's run into the folder *into*; returns its path there.

    Raises:
        VersionGoneError: the run or the artifact is no more.
    """
    if artifact not in artifacts(client, version):
        lost = f"its run {version.run_id} holds no {artifact}"
        raise VersionGoneError(client, version, lost)
    return download(version.run_id, artifact, into)


def overview(client: Store) -> list[dict[str, str]]:
    """A row of texts for every registered version, the newest first; empty where nothing is known."""
    roles = {_alias(client, role): role for role in (CHALLENGER, CHAMPION)}
    rows = []
    for entry in _entries(client):
        version, tags = Version(str(entry.version), str(entry.run_id)), entry.tags
        try:
            artifacts(client, version)
            run, note = client.get_run(version.run_id).data, ""
        except VersionGoneError as error:
            run, note = RunData(), f"gone: {error.lost}"
        rows.append(
            {
                "version": version.number,
                "role": roles.get(version, ""),
                "trained until": run.params.get("data.end", "")[:10],
                "capture": f"{run.metrics['capture']:.2f}" if "capture" in run.metrics else "",
                "gate": tags.get("gate", ""),
                "promoted": f"{tags['promoted']}, {tags['promoted.at']}" if "promoted" in tags else "",
                "note": note,
            }
        )
    return rows


def champion(client: Store) -> Version | None:
    """The version that is served; None before there is one."""
    return _alias(client, CHAMPION)


def _alias(client: Store, alias: str) -> Version | None:
    return _version(lambda: client.get_model_version_by_alias(client.registered_model, alias))


def _version(fetch: Any) -> Version | None:
    try:
        entry = fetch()
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise
    return Version(str(entry.version), str(entry.run_id))


def predictions(client: Store, version: Version) -> pd.DataFrame | None:
    """The version's out-of-sample predictions; None if its run holds none."""
    if PREDICTIONS not in artifacts(client, version):
        return None
    with tempfile.TemporaryDirectory() as folder:
        return pd.read_parquet(download(version.run_id, PREDICTIONS, Path(folder)))


def trained_until(client: Store, version: Version) -> datetime | None:
    """The end of the data that the version was trained on, UTC; None where its run does not hold it."""
    end = run_of(client, version).data.params.get("data.end")
    return datetime.fromisoformat(end) if end else None


def scored(client: Store, version: Version) -> ScoredVersion:
    """The version, with the features and scores of all customers at the end of the data it was trained on."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Bundle.load(fetch(client, version, "bundle", Path(folder)))
        as_of, features, scores = read_snapshot(fetch(client, version, "snapshot.parquet", Path(folder)))
    return ScoredVersion(version.number, as_of, bundle, features, scores)


def export_plays(client: Store, version: Version, out: Path) -> None:
    """Write the list of who gets which play, as the version's run keeps it, to *out*: whole or not at all.

    Raises:
        InputError: the run keeps none.
    """
    if plays.FILE not in artifacts(client, version):
        raise InputError(
            f"The run of version {version.number} keeps no {plays.FILE}: it is older than plays are. "
            "`ripple train DATA` makes a version that does."
        )
    with tempfile.TemporaryDirectory() as folder, atomic.file(out) as building:
        shutil.copyfile(download(version.run_id, plays.FILE, Path(folder)), building)


def compared(client: Store, one: Version, other: Version) -> tuple[Comparison, str, str]:
    """The later of two versions compared with the earlier, and their names.

    Raises:
        InputError: the two are one, were not evaluated on the same target, or one of them is gone.
    """
    if one == other:
        raise InputError(f"Both are version {one.number}: name two versions.")
    later, earlier = sorted((one, other), key=lambda version: -int(version.number))
    parameters = run_of(client, later).data.params
    own, rival = predictions(client, later), predictions(client, earlier)
    try:
        if own is None or rival is None:
            raise Incomparable("One of them holds no out-of-sample predictions: train it again.")
        comparison = compare(own, rival, float(parameters["top_share"]), int(parameters["seed"]))
    except Incomparable as error:
        raise InputError(
            f"Versions {later.number} and {earlier.number} cannot be compared. {error}"
        ) from error
    return (
        comparison,
        f"{client.registered_model} {later.number}",
        f"{client.registered_model} {earlier.number}",
    )


def role(client: Store, version: Version) -> str:
    """The alias of a version, or that it has none."""
    aliases = (name for name in (CHAMPION, CHALLENGER) if _alias(client, name) == version)
    return next(aliases, f"neither {CHAMPION} nor {CHALLENGER}")


def status(client: Store, version: Version) -> list[str]:
    """The role of a version and why it has it, a sentence each."""
    tags = client.get_model_version(client.registered_model, version.number).tags
    sentences = [f"Version {version.number} is {role(client, version)}."]
    if "promoted" in tags:
        instead, because = tags["promoted.instead_of"], tags["promoted.because"]
        sentences.append(
            f"It was promoted {tags['promoted']} on {tags['promoted.at']}"
            f"{f' in place of version {instead}' if instead else ''}"
            f"{f', because: {because}' if because else ''}."
        )
    if "gate" in tags:
        sentences.append(f"Gate: {tags['gate']}. {tags['gate.reasons']}")
    if "monitor" in tags:
        sentences.append(
            f"Monitored by data until {tags['monitor.until']}: {tags['monitor']}. {tags['monitor.reasons']}"
        )
    return sentences
