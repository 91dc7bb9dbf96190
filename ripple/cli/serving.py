"""Commands that score and serve: score, publish, package, serve, key."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import secrets
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ripple.cli.application import app
from ripple.cli.arguments import AsOf, Data, Out, SettingsFile, StoreSettings
from ripple.cli.datasets import (
    features_as_of,
    fetched_version,
    open_checked,
    score_dataset,
    validate_interactions,
    validate_version,
    write_table,
)
from ripple.cli.preflight import preflight
from ripple.errors import InputError
from ripple.extras import require
from ripple.redaction import hidden
from ripple.settings import Settings
from ripple.settings import load as load_settings

if TYPE_CHECKING:
    from ripple.serving.publications.history import Rankings

logger = logging.getLogger(__name__)


@app.command(epilog="Example: ripple score /tmp/world --as-of 2026-01-01 --out scores.parquet")
def score(
    data: Data,
    as_of: AsOf,
    out: Out,
    model: Annotated[str, typer.Option(help="champion, or a version number.")] = "champion",
    reasons: Annotated[
        int, typer.Option(min=0, metavar="N", help="Also write the N strongest reasons of each score.")
    ] = 0,
    settings: SettingsFile = None,
) -> None:
    """Write scores, membership and rank of every customer as of a date."""
    require("train")
    from ripple.models.batch_scoring import with_reasons

    preflight(file=out)
    dataset, _ = open_checked(data, settings, keep=True, first=lambda chosen: validate_version(chosen, model))
    validate_interactions(dataset)
    features = features_as_of(dataset, as_of)
    with fetched_version(dataset.settings, model, "bundle") as (number, folder):
        bundle, features, scores = score_dataset(dataset, folder, number, features, as_of)
    if reasons:
        logger.info("finding the reasons")
        scores = with_reasons(bundle, scores, features, reasons)
    write_table(scores, out)


@app.command(epilog="Example: ripple publish /tmp/world --as-of 2026-01-01")
def publish(
    data: Data,
    as_of: AsOf,
    to: Annotated[
        str,
        typer.Option(metavar="STORE", help="Folder or redis://…; the folder store in .ripple if left out."),
    ] = "",
    model: Annotated[str, typer.Option(help="champion, or a version number.")] = "champion",
    settings: SettingsFile = None,
) -> None:
    """Compute features, scores and reasons of every customer as of a date, and publish them to the service.

    Services that follow the store take them within a second, without losing a request.
    """
    require("train", "serve")
    from ripple.models.batch_scoring import write_snapshot
    from ripple.serving.errors import StoreUnavailable
    from ripple.serving.publications.experiments import SOURCE as EXPERIMENTS
    from ripple.serving.publications.experiments import write_experiments
    from ripple.serving.publications.influence import SOURCE, write_influence
    from ripple.serving.publications.plays import SOURCE as PLAYS
    from ripple.serving.publications.publication import write_publication
    from ripple.serving.publications.stores import open_store
    from ripple.training.attribution.credited_pairs import credited_pairs
    from ripple.training.examples.examples import attributes
    from ripple.training.published_experiments import published_experiments

    def validate(chosen: Settings) -> None:
        preflight(store=to or str(chosen.home / "store"))
        validate_version(chosen, model)

    dataset, _ = open_checked(data, settings, keep=True, first=validate)
    validate_interactions(dataset)
    place = to or str(dataset.settings.home / "store")
    store = open_store(place)
    features = features_as_of(dataset, as_of)
    with fetched_version(dataset.settings, model, "bundle", optional=(PLAYS,)) as (number, folder):
        _, features, scores = score_dataset(dataset, folder, number, features, as_of)
        kinds = attributes(dataset, as_of).reindex(features.index)
        write_snapshot(folder / "snapshot.parquet", scores, features, as_of, kinds)
        start = as_of - timedelta(days=dataset.settings.horizon_days)
        logger.info(f"finding who influenced whom from {start:%Y-%m-%d} on")
        past, ids = dataset.tables.until(as_of), features.index.tolist()
        pairs = credited_pairs(past, start, as_of, dataset.settings, ids)
        write_influence(folder / SOURCE, pairs, start, as_of)
        experiments, arms = published_experiments(dataset.settings.home, as_of, dataset)
        if experiments:
            write_experiments(folder / EXPERIMENTS, experiments, arms)
        publication = folder / "publication"
        publication.mkdir()
        name = write_publication(publication, folder, number, _rankings(place))
        logger.info(f"publishing to {hidden(place)}")
        try:
            store.publish(publication, name)
        except StoreUnavailable as error:
            raise InputError(f"Nothing was published to {hidden(place)}: {error}") from error
    plural = "s" if len(experiments) > 1 else ""
    tested = f" and {len(experiments):,} experiment{plural}" if experiments else ""
    print(f"{name}: {len(features):,} customers{tested} as of {as_of:%Y-%m-%d}, published to {hidden(place)}")


@app.command(epilog="Example: ripple package")
def package(settings: StoreSettings = None) -> None:
    """Build a Bento from the champion and print its tag."""
    require("train", "serve")
    print(_package(load_settings(settings)))


@app.command(epilog="Example: ripple serve --port 3000")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 3000,
    store: Annotated[
        str,
        typer.Option(metavar="STORE", help="Follow what `ripple publish` puts there: a folder or redis://…"),
    ] = "",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that answer.", show_default="1")
    ] = None,
    settings: StoreSettings = None,
) -> None:
    """Package the champion if need be and serve it over HTTP."""
    require("train", "serve")
    from ripple.serving.package import serve_in_place, set_options

    try:
        options = set_options(host, store, workers)
    except ValueError as error:
        raise InputError(str(error)) from error
    preflight(*([options.log] if options.log else []), address=(host, port))
    tag = _package(load_settings(settings))
    logger.info(f"serving {tag} on http://{host}:{port} (API page at /, Ctrl-C ends it)")
    serve_in_place(tag, port)


@app.command(epilog="Example: ripple key --name crm --scopes read+export --rate 50")
def key(
    name: Annotated[str, typer.Option(help="Who holds it, for the audit log.")] = "",
    scopes: Annotated[
        str, typer.Option(help="What it opens, such as read+export, of score, read, export and metrics.")
    ] = "",
    rate: Annotated[str, typer.Option(metavar="N", help="Requests a second that it may send.")] = "",
) -> None:
    """Make an API key, and the hash by which the service knows it."""
    secret = secrets.token_urlsafe(32)
    entry = ":".join((hashlib.sha256(secret.encode()).hexdigest(), name, scopes, rate)).rstrip(":")
    if name or scopes or rate:
        _validate_key(entry, f"--name {name!r} --scopes {scopes!r} --rate {rate!r}")
    print(f"key:   {secret}")
    print(f"hash:  {entry}")
    sys.stderr.write(
        "Give the key to an application; it is kept nowhere. Add the hash, with what follows it, to "
        "RIPPLE_SERVE_KEYS, in which any number may stand, separated by spaces.\n"
    )


def _validate_key(entry: str, given: str) -> None:
    require("serve")
    from ripple.serving.options import Options

    try:
        Options.validate_key(entry)
    except ValueError as error:
        raise InputError(
            f"{given} make no key: a name has letters, digits, dots, dashes and underscores; scopes are "
            "joined by +; a rate is a number above 0. Example: --name crm --scopes read+export --rate 50"
        ) from error


def _rankings(place: str) -> Rankings | None:
    """The values and ranks that a store keeps, for the next publication to take along."""
    from ripple.serving.errors import StoreUnavailable
    from ripple.serving.publications.publication import PublicationError
    from ripple.serving.publications.stores import current_rankings

    try:
        return asyncio.run(current_rankings(place))
    except (PublicationError, StoreUnavailable) as error:
        logger.warning(
            f"the history of scores begins anew, as the current publication is unreadable: {error}"
        )
        return None


def _package(settings: Settings) -> str:
    # BentoML reads this when it is imported, wherever that is
    os.environ.setdefault("BENTOML_HOME", str(settings.home.absolute() / "bentoml"))
    import pyarrow.parquet as pq

    from ripple.serving.package import package
    from ripple.serving.publications.experiments import SOURCE, write_experiments
    from ripple.serving.publications.plays import SOURCE as PLAYS
    from ripple.training.published_experiments import published_experiments

    preflight(Path(os.environ["BENTOML_HOME"]))
    artifacts = ("bundle", "snapshot.parquet")
    with fetched_version(settings, "champion", *artifacts, optional=(PLAYS,)) as (number, folder):
        logger.info(f"packaging ripple {number}")
        as_of = (pq.read_schema(folder / "snapshot.parquet").metadata or {})[b"as_of"].decode()
        experiments, arms = published_experiments(settings.home, datetime.fromisoformat(as_of))
        if experiments:
            write_experiments(folder / SOURCE, experiments, arms)
        try:
            return str(package(folder, number))
        except RuntimeError as error:
            raise InputError(str(error)) from error
