"""Commands on registered versions: versions, report, compare, promote."""

from __future__ import annotations

import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ripple import atomic
from ripple.cli.application import app
from ripple.cli.arguments import StoreSettings
from ripple.cli.preflight import preflight
from ripple.errors import InputError
from ripple.extras import require
from ripple.settings import Settings
from ripple.settings import load as load_settings

if TYPE_CHECKING:
    from ripple.training.registry.model_versions import Version
    from ripple.training.registry.tracking import Store


def _csv(out: Path | None) -> Path | None:
    if out is not None and out.suffix != ".csv":
        raise InputError(f"--plays {out} must end in .csv.")
    if out is not None:
        preflight(file=out)
    return out


@app.command(epilog="Example: ripple versions")
def versions(settings: StoreSettings = None) -> None:
    """List the registered versions, the newest first: which is champion, and how each of them came out."""
    require("train")
    from ripple.training.registry import model_versions, tracking

    client = tracking.connect(load_settings(settings))
    rows = model_versions.overview(client)
    if not rows:
        sys.stderr.write(
            f"No version is registered yet as {client.registered_model} in {client.place}: "
            "`ripple train DATA` makes one.\n"
        )
        return
    widths = {name: max(map(len, (name, *(row[name] for row in rows)))) for name in rows[0]}
    for row in ({name: name for name in rows[0]}, *rows):
        print("  ".join(value.ljust(widths[name]) for name, value in row.items()).rstrip())


@app.command(epilog="Example: ripple report 3 --plays plays.csv (or two versions, 3 2, to compare them)")
def report(
    version: Annotated[
        str, typer.Argument(metavar="[A]", help="Version number, champion, challenger or newest.")
    ] = "champion",
    other: Annotated[
        str | None, typer.Argument(metavar="[B]", help="A version to compare it with, on one page.")
    ] = None,
    browse: Annotated[bool, typer.Option("--open", help="Open it in a browser, if there is one.")] = False,
    plays: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            callback=_csv,
            help="Write who gets which play, for a CRM, and nothing else.",
        ),
    ] = None,
    settings: StoreSettings = None,
) -> None:
    """Fetch the report of a version from MLflow, or compare two on a page, and print where it is.

    The report of a version begins with the status of the version.
    """
    require("train")
    from ripple.training.registry import model_versions, tracking

    chosen = load_settings(settings)
    if plays is None:
        preflight(chosen.home / "reports")
    client = tracking.connect(chosen)
    one = model_versions.find(client, version)
    if plays is not None:
        model_versions.export_plays(client, one, plays)
        print(plays)
        return
    if other is None:
        path = fetch_report(client, chosen, one)
        for sentence in model_versions.status(client, one):
            sys.stderr.write(f"{sentence}\n")
    else:
        path = _compared(client, chosen, one, model_versions.find(client, other))
    if browse:
        webbrowser.open(path.absolute().as_uri())
    print(path)


def fetch_report(client: Store, settings: Settings, chosen: Version) -> Path:
    """The path of the report of a version, as MLflow has it, with its present status on top."""
    from ripple.training.registry import history, model_versions
    from ripple.training.report.text.version_status import with_status, with_version

    sentences = model_versions.status(client, chosen)
    path = settings.home / "reports" / f"{client.registered_model}-v{chosen.number}.html"
    with tempfile.TemporaryDirectory() as folder, atomic.file(path) as building:
        page = model_versions.fetch(client, chosen, "report.html", Path(folder)).read_text(encoding="utf-8")
        page = with_version(page, chosen.number, history.made_at(client, chosen))
        building.write_text(with_status(page, sentences), encoding="utf-8")
    return path


def _compared(client: Store, settings: Settings, one: Version, other: Version) -> Path:
    """The path of the page about two versions, the later of them named first."""
    from ripple.training.registry.version_pair import versions
    from ripple.training.report.version_pair_page import render_versions

    pair = versions(client, one, other)
    path = (
        settings.home
        / "reports"
        / f"{client.registered_model}-v{pair.later.number}-v{pair.earlier.number}.html"
    )
    with atomic.file(path) as building:
        building.write_text(render_versions(pair), encoding="utf-8")
    return path


@app.command(epilog='Example: ripple promote 3 --because "its label is the corrected one"')
def promote(
    version: Annotated[
        str, typer.Argument(metavar="[VERSION]", help="Version number; the challenger if left out.")
    ] = "challenger",
    because: Annotated[
        str, typer.Option(metavar="REASON", help="Needed where the gate did not pass it; kept with it.")
    ] = "",
    settings: StoreSettings = None,
) -> None:
    """Make a version the champion."""
    require("train")
    from ripple.training.registry import model_versions, preflight

    client = preflight.open_for_writing(load_settings(settings))
    promoted = model_versions.promote(client, version, because)
    for sentence in model_versions.status(client, promoted)[:2]:
        print(sentence)


@app.command(epilog="Example: ripple compare 3 2")
def compare(
    version: Annotated[str, typer.Argument(metavar="A", help="Version number, champion or challenger.")],
    other: Annotated[str, typer.Argument(metavar="B", help="The version to compare it with.")],
    settings: StoreSettings = None,
) -> None:
    """Compare how well two versions predict at the cutoffs that both were evaluated at."""
    require("train")
    from ripple.training.registry import model_versions, tracking
    from ripple.training.report.text.comparison_text import comparison_text

    client = tracking.connect(load_settings(settings))
    print(
        comparison_text(
            *model_versions.compared(
                client, model_versions.find(client, version), model_versions.find(client, other)
            )
        )
    )
