"""The command line of Ripple: results to stdout, progress to stderr, 2 for bad input."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import signal
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TextIO, cast

import typer

from ripple import atomic
from ripple.errors import InputError
from ripple.redaction import hidden
from ripple.settings import Settings
from ripple.settings import load as load_settings

if TYPE_CHECKING:
    import pandas as pd
    from mlflow import MlflowClient

    from ripple.features.dataset import Dataset
    from ripple.features.validation.checks import Report
    from ripple.models.bundle import Bundle
    from ripple.training.pipeline import Trained
    from ripple.training.registry.model_versions import Version

# threads that wait for each other must not spin: on a busy machine that takes minutes instead of seconds
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


class Discreet:
    """A stream that lets no password of a URL through, whoever writes: Typer, a library or a traceback."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write *text* without the passwords."""
        return self._stream.write(hidden(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Find the customers who make other customers buy.",
)

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Folder of Parquet or CSV, a DuckDB file, or a PostgreSQL URL; see docs/data.md.",
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE.toml",
        dir_okay=False,
        help="Settings to use instead of the ripple.toml beside the data.",
    ),
]


def _writable(out: Path) -> Path:
    if out.suffix not in (".parquet", ".csv"):
        raise InputError(f"--out {out} must end in .parquet or .csv.")
    return out


Out = Annotated[
    Path,
    typer.Option("--out", metavar="FILE.parquet", callback=_writable, help="File to write; or FILE.csv."),
]
STARTED = time.monotonic()
RETRAIN = 3
"""Exit code of `ripple monitor` where it calls for training; a traceback ends with 1, bad input with 2."""
FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]
AsOf = Annotated[
    datetime,
    typer.Option("--as-of", formats=FORMATS, metavar="DATE", help="A date means its first moment, UTC."),
]


def main() -> None:
    """Run the command line; bad input is told in a few lines, without a traceback, and ends with 2."""
    sys.stderr = cast(TextIO, Discreet(sys.stderr))
    try:
        app()
    except InputError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(2)


@app.command(
    epilog="Example: ripple simulate /tmp/world --world default --customers 6000 --months 36 --seed 7"
)
def simulate(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="Folder to write; an earlier simulation is replaced.")
    ],
    world: Annotated[str, typer.Option(help="Named world.")] = "default",
    customers: Annotated[int, typer.Option(help="Number of customers.")] = 6000,
    months: Annotated[int, typer.Option(help="Months of history.")] = 36,
    seed: Annotated[int, typer.Option(help="Seed: the same one gives the same world.")] = 7,
) -> None:
    """Write a simulated dataset."""
    from ripple import simulation

    say = _say()
    say(f"simulating {customers:,} customers over {months} months in world '{world}'")
    try:
        tables = simulation.simulate(world, customers, months, seed)
        simulation.write(tables, out, simulation.settings_toml(months))
    except (ValueError, FileExistsError) as error:
        raise InputError(str(error)) from error
    for name, table in tables.items():
        print(f"{name:<13}{table.num_rows:>10,} rows")
    print(f"dataset: {out}")


@app.command(epilog="Example: ripple check /tmp/world")
def check(data: Data, settings: SettingsFile = None) -> None:
    """Check a dataset against the input contract; exit with 0 if it holds, else 2."""
    dataset, report = _open(data, settings)
    for name, rows in report.rows.items():
        print(f"{name:<13}{rows:>10,} rows")
    for name in report.absent:
        print(f"{name:<13}    absent: its features are left out")
    for finding in report.set_aside:
        print(f"set aside: {finding}")
    print(f"events from {report.start:%Y-%m-%d}; the data end on {dataset.settings.until:%Y-%m-%d %H:%M}")
    print("The dataset keeps the input contract.")


def _list(asked: bool) -> None:
    if asked:
        from ripple.features.catalog import text

        print(text(load_settings()))
        raise typer.Exit


Catalogue = Annotated[
    bool,
    typer.Option("--list", is_eager=True, callback=_list, help="List all features, and do nothing else."),
]


Engine = Annotated[
    Literal["duckdb", "spark"],
    typer.Option(help="What computes; Spark reads and writes folders of Parquet, see docs/spark.md."),
]


@app.command(epilog="Example: ripple features /tmp/world --as-of 2025-07-01 --out features.parquet")
def features(
    data: Data,
    as_of: AsOf,
    out: Out,
    settings: SettingsFile = None,
    engine: Engine = "duckdb",
    catalogue: Catalogue = False,
) -> None:
    """Write the features of every customer as of a date: only what was known before it."""
    dataset, _ = _open(data, settings, engine, keep=engine == "duckdb")
    _say()(f"features as of {as_of:%Y-%m-%d}")
    if engine == "duckdb":
        _write(_features(dataset, as_of), out)
    else:
        _write_parts(dataset, as_of, out)


@app.command(epilog="Example: ripple label /tmp/world --from 2025-01-01 --to 2025-06-30 --out label.parquet")
def label(
    data: Data,
    start: Annotated[datetime, typer.Option("--from", formats=FORMATS, metavar="DATE")],
    end: Annotated[datetime, typer.Option("--to", formats=FORMATS, metavar="DATE")],
    out: Out,
    settings: SettingsFile = None,
) -> None:
    """Write the network value of every customer over the window (from, to]."""
    from ripple.training.attribution import network_value
    from ripple.training.examples.examples import frame

    if end <= start:
        raise InputError(f"--to {end:%Y-%m-%d} is not after --from {start:%Y-%m-%d}.")
    dataset, _ = _open(data, settings)
    _refuse_beyond(end, dataset.settings, "--to")
    _say()(f"crediting revenue between {start:%Y-%m-%d} and {end:%Y-%m-%d}")
    _write(frame(network_value(dataset.tables, start, end, dataset.settings)), out)


@app.command(epilog="Example: ripple train /tmp/world --until 2025-12-01 --name december")
def train(
    data: Data,
    until: Annotated[
        datetime | None,
        typer.Option(
            formats=FORMATS,
            metavar="DATE",
            help="Use nothing that happened or became known after DATE.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the run in MLflow.")] = None,
    tune: Annotated[
        int, typer.Option(min=0, metavar="N", help="Try N choices of parameters first; needs the extra tune.")
    ] = 0,
    settings: SettingsFile = None,
) -> None:
    """Train both models, record the run in MLflow, register a version, write its report.

    The version becomes champion if it passes the gate, else challenger; see docs/models.md.
    """
    dataset, checked = _open(data, settings, keep=True)
    from ripple.training.pipeline import train as run

    if until is not None:
        dataset = dataset.limited_to(until)
    trained = run(dataset, checked, name or dataset.name, _say(), tune)
    result, decision = trained.result, trained.decision
    found = result.headline()
    share = f"{result.settings.top_share:.0%}"
    print(f"version:  {_registered(trained)}")
    print(f"gate:     {decision.title}.")
    for reason in decision.told:
        print(f"          {reason}")
    print(
        f"capture:  {found['capture']:.2f} of the value held by the true top {share}, "
        f"against {found['best_baseline_capture']:.2f} by the best simple rule "
        f"({result.backtest.best_baseline})"
    )
    print(
        f"lead:     {found['lead']:+.2f} (95 % interval {found['lead_low']:+.2f} to "
        f"{found['lead_high']:+.2f})"
    )
    print(
        f"top {share}:   {found['top_customers']:,.0f} of {found['customers']:,.0f} customers hold "
        f"{found['top_value_share']:.0%} of the expected network value"
    )
    if tested := result.robustness:
        credited = f"{tested.revenue_share:.1%} of revenue"
        print(
            f"credited: {credited} to influence, up to {tested.placebo_share:.0%} of it coincidence"
            if tested.has_influence
            else f"credited: no influence was found ({credited}, by chance)"
        )
    print(f"report:   {trained.report}")
    if trained.champion:
        print("next:     make serve")
    elif trained.version:
        print(f'next:     ripple promote {trained.version} --because "…", if the report convinces you')


def _registered(trained: Trained) -> str:
    if trained.version is None:
        return "none was registered, and the champion stays as it was"
    return f"ripple {trained.version} ({'champion' if trained.champion else 'challenger'})"


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
    from ripple.models.batch_scoring import with_reasons

    dataset, _ = _open(data, settings, keep=True)
    found = _features(dataset, as_of)
    with _version(dataset.settings, model, "bundle") as (number, folder):
        bundle, scores = _scores(dataset, folder, number, found, as_of)
    if reasons:
        _say()("finding the reasons")
        scores = with_reasons(bundle, scores, found, reasons)
    _write(scores, out)


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
    from ripple.models.batch_scoring import write_snapshot
    from ripple.serving.publications.publication import write_publication
    from ripple.serving.publications.stores import open_store
    from ripple.training.examples.examples import attributes

    dataset, _ = _open(data, settings, keep=True)
    place = to or str(dataset.settings.home / "store")
    try:
        store = open_store(place)
    except ValueError as error:
        raise InputError(f"--to: {error}") from error
    found = _features(dataset, as_of)
    with _version(dataset.settings, model, "bundle") as (number, folder):
        _, scores = _scores(dataset, folder, number, found, as_of)
        kinds = attributes(dataset).reindex(found.index)
        write_snapshot(folder / "snapshot.parquet", scores, found, as_of, kinds)
        publication = folder / "publication"
        publication.mkdir()
        name = write_publication(publication, folder, number)
        _say()(f"publishing to {hidden(place)}")
        store.publish(publication, name)
    print(f"{name}: {len(found):,} customers as of {as_of:%Y-%m-%d}, published to {hidden(place)}")


def _scores(
    dataset: Dataset, folder: Path, number: str, found: pd.DataFrame, as_of: datetime
) -> tuple[Bundle, pd.DataFrame]:
    from ripple.models.batch_scoring import score_population
    from ripple.models.bundle import Bundle, FeatureMismatch

    _say()(f"scoring {len(found):,} customers with version {number} as of {as_of:%Y-%m-%d}")
    bundle = Bundle.load(folder / "bundle")
    try:
        return bundle, score_population(bundle, found)
    except FeatureMismatch as error:
        raise InputError(f"{dataset.place} lacks what version {number} was trained on. {error}") from error


def _csv(out: Path | None) -> Path | None:
    if out is not None and out.suffix != ".csv":
        raise InputError(f"--plays {out} must end in .csv.")
    return out


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
) -> None:
    """Fetch the report of a version from MLflow, or compare two on a page, and print where it is.

    The report of a version tells first where the version stands.
    """
    from ripple.training.registry import model_versions, tracking

    settings = load_settings()
    client = tracking.connect(settings)
    found = model_versions.find(client, version)
    if plays is not None:
        model_versions.export_plays(client, found, plays)
        print(plays)
        return
    if other is None:
        path = _fetched(client, settings, found)
    else:
        path = _compared(client, settings, found, model_versions.find(client, other))
    if browse:
        webbrowser.open(path.absolute().as_uri())
    print(path)


def _fetched(client: MlflowClient, settings: Settings, found: Version) -> Path:
    """Where the report of a version is, as MLflow has it, with where the version stands now."""
    from ripple.training.registry import model_versions, tracking
    from ripple.training.report.text.version_status import with_standing

    said = model_versions.standing(client, found)
    path = settings.home / "reports" / f"ripple-v{found.number}.html"
    with tempfile.TemporaryDirectory() as folder, atomic.file(path) as building:
        page = tracking.download(found.run_id, "report.html", Path(folder)).read_text(encoding="utf-8")
        building.write_text(with_standing(page, said), encoding="utf-8")
    for sentence in said:
        sys.stderr.write(f"{sentence}\n")
    return path


def _compared(client: MlflowClient, settings: Settings, one: Version, other: Version) -> Path:
    """Where the page about two versions is, the later of them named first."""
    from ripple.training.registry.version_pair import versions
    from ripple.training.report.version_pair_page import render_versions

    found = versions(client, one, other)
    path = settings.home / "reports" / f"versions-{found.later.number}-{found.earlier.number}.html"
    with atomic.file(path) as building:
        building.write_text(render_versions(found), encoding="utf-8")
    return path


@app.command(epilog="Example: ripple monitor /tmp/world; [ $? -ne 3 ] || ripple train /tmp/world")
def monitor(
    data: Data,
    model: Annotated[str, typer.Option(help="champion, challenger, or a version number.")] = "champion",
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Also judge what the service answered; RIPPLE_SERVE_LOG_SALT as in the service.",
        ),
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Hold what a version foresaw against what came true; exit with 3 if it should be trained again.

    What is found is kept in MLflow, with the version and its run.
    """
    dataset, _ = _open(data, settings, keep=True)
    from ripple.training.monitoring import monitor as run
    from ripple.training.monitoring import record_monitoring
    from ripple.training.registry import model_versions, tracking
    from ripple.training.report.text.monitoring_text import text

    client = tracking.connect(dataset.settings)
    found = model_versions.find(client, model)
    given = _logged(log, dataset) if log is not None else None
    made = client.get_run(found.run_id).data
    monitored = run(dataset, model_versions.scored(client, found), made.params, made.metrics, _say(), given)
    record_monitoring(client, found, monitored)
    print(text(monitored))
    if monitored.verdict == "retrain":
        sys.exit(RETRAIN)


def _logged(folder: Path, dataset: Dataset) -> pd.DataFrame:
    """What the service has answered about customers of *dataset*, by the log in *folder*."""
    from ripple.serving.options import PREFIX, Options
    from ripple.serving.prediction_log import answers
    from ripple.training.examples.examples import frame

    try:
        salt = Options.load().log_salt
        if salt is None:
            raise InputError(f"--log {folder}: set {PREFIX}LOG_SALT to the salt with which it was written.")
        customers = frame(dataset.tables["customers"].select("customer_id")).index
        found = answers(folder, salt.get_secret_value().encode(), customers)
    except (ValueError, FileNotFoundError) as error:
        raise InputError(str(error)) from error
    if found.empty:
        raise InputError(
            f"--log {folder}: none of its customers is one of {dataset.place}. Is {PREFIX}LOG_SALT the salt "
            "with which it was written?"
        )
    return found


@app.command(epilog='Example: ripple promote 3 --because "its label is the corrected one"')
def promote(
    version: Annotated[
        str, typer.Argument(metavar="[VERSION]", help="Version number; the challenger if left out.")
    ] = "challenger",
    because: Annotated[
        str, typer.Option(metavar="REASON", help="Needed where the gate did not pass it; kept with it.")
    ] = "",
) -> None:
    """Make a version the champion."""
    from ripple.training.registry import model_versions, tracking

    client = tracking.connect(load_settings())
    promoted = model_versions.promote(client, version, because)
    for sentence in model_versions.standing(client, promoted)[:2]:
        print(sentence)


@app.command(epilog="Example: ripple compare 3 2")
def compare(
    version: Annotated[str, typer.Argument(metavar="A", help="Version number, champion or challenger.")],
    other: Annotated[str, typer.Argument(metavar="B", help="The version to compare it with.")],
) -> None:
    """Tell which of two versions foresees better at the cutoffs both were judged at, and how sure that is."""
    from ripple.training.registry import model_versions, tracking
    from ripple.training.report.text.comparison_text import text

    client = tracking.connect(load_settings())
    print(
        text(
            *model_versions.compared(
                client, model_versions.find(client, version), model_versions.find(client, other)
            )
        )
    )


@app.command(epilog="Example: ripple package")
def package() -> None:
    """Build a Bento from the champion and print its tag."""
    print(_package(load_settings()))


@app.command(epilog="Example: ripple serve --port 3000")
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 3000,
    store: Annotated[
        str,
        typer.Option(metavar="STORE", help="Follow what `ripple publish` puts there: a folder or redis://…"),
    ] = "",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that answer.", show_default="1")
    ] = None,
) -> None:
    """Package the champion if need be and serve it over HTTP."""
    from ripple.serving.package import choose
    from ripple.serving.package import serve as run

    try:
        choose(host, store, workers)
    except ValueError as error:
        raise InputError(str(error)) from error
    tag = _package(load_settings())
    _say()(f"serving {tag} on http://{host}:{port} (API page at /, Ctrl-C ends it)")
    sys.exit(run(tag, port))


@app.command(epilog="Example: ripple key")
def key() -> None:
    """Make an API key, and the hash by which the service knows it."""
    made = secrets.token_urlsafe(32)
    print(f"key:   {made}")
    print(f"hash:  {hashlib.sha256(made.encode()).hexdigest()}")
    sys.stderr.write(
        "Give the key to an application; it is kept nowhere. Add the hash to RIPPLE_SERVE_KEYS, in which any "
        "number may stand, separated by spaces.\n"
    )


def _open(
    data: str, settings: Path | None, engine: Literal["duckdb", "spark"] = "duckdb", keep: bool = False
) -> tuple[Dataset, Report]:
    """Open and check a dataset; with *keep*, what is found and computed is kept for later runs."""
    from ripple.features.tables.sources import find
    from ripple.features.validation.checks import load
    from ripple.locks import lock

    source, cache = find(data), None
    # as an exception, so that what is temporary is removed
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    chosen = load_settings(settings or source.folder)
    if keep:
        cache = chosen.home / "cache" / source.key
        if not lock(cache):
            cache = None
            _say()(f"another run works on {source}: what is computed now will not be kept for later runs")
    _say()(f"checking {source}")
    return load(data, chosen, engine, cache)


def _features(dataset: Dataset, as_of: datetime) -> pd.DataFrame:
    from ripple.training.examples.examples import features_at, frame

    _refuse_beyond(as_of, dataset.settings, "--as-of")
    found = frame(features_at(dataset, as_of))
    if found.empty:
        raise InputError(f"Nobody had joined before {as_of:%Y-%m-%d}: choose a later date.")
    return found


def _write_parts(dataset: Dataset, as_of: datetime, out: Path) -> None:
    """Have Spark write the features, as a folder of Parquet files."""
    from ripple.training.examples.examples import features_at

    _refuse_beyond(as_of, dataset.settings, "--as-of")
    if out.suffix != ".parquet":
        raise InputError(f"--out {out}: Spark writes Parquet.")
    if out.is_file():
        raise InputError(f"--out {out} is a file; Spark writes a folder: name another one.")
    found = features_at(dataset, as_of)
    with atomic.folder(out) as building:
        building.rmdir()  # Spark makes its folder itself
        found.to_parquet_dir(building)
    print(f"{out}: {len(found.columns) - 1} columns, as a folder of Parquet files")


def _refuse_beyond(moment: datetime, settings: Settings, flag: str) -> None:
    if settings.until is not None and moment > settings.until:
        raise InputError(
            f"{flag} {moment:%Y-%m-%d} is after the data end ({settings.until:%Y-%m-%d %H:%M}): "
            "what happened until then is not known yet."
        )


def _write(frame: pd.DataFrame, out: Path) -> None:
    with atomic.file(out) as building:
        if out.suffix == ".csv":
            frame.reset_index().to_csv(building, index=False)
        else:
            frame.reset_index().to_parquet(building, index=False)
    print(f"{out}: {len(frame):,} customers, {len(frame.columns)} columns")


@contextlib.contextmanager
def _version(settings: Settings, name: str, *artifacts: str) -> Iterator[tuple[str, Path]]:
    """A model version's number and a temporary folder with these of its artifacts."""
    from ripple.training.registry import model_versions, tracking

    found = model_versions.find(tracking.connect(settings), name)
    with tempfile.TemporaryDirectory() as folder:
        for artifact in artifacts:
            tracking.download(found.run_id, artifact, Path(folder))
        yield found.number, Path(folder)


def _package(settings: Settings) -> str:
    # BentoML reads this when it is imported, wherever that is
    os.environ.setdefault("BENTOML_HOME", str(settings.home.absolute() / "bentoml"))
    from ripple.serving.package import package

    with _version(settings, "champion", "bundle", "snapshot.parquet") as (number, folder):
        _say()(f"packaging ripple {number}")
        return str(package(folder, number))


def _say() -> Callable[[str], None]:
    """Tells progress on stderr, each line with the seconds since the start."""

    def say(line: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - STARTED:5.1f} s] {line}\n")
        sys.stderr.flush()

    return say


if __name__ == "__main__":
    main()
