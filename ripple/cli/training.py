"""Commands that train, and that evaluate what was trained: train, monitor."""

from __future__ import annotations

import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import ripple
from ripple.cli.application import app
from ripple.cli.arguments import FORMATS, Data, SettingsFile
from ripple.cli.datasets import network_value_needs, open_checked, validate_interactions
from ripple.cli.progress import tell_end
from ripple.errors import InputError
from ripple.extras import require
from ripple.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from ripple.features.dataset import Dataset
    from ripple.features.validation.findings import Report
    from ripple.training.pipeline import TrainedVersion

RETRAIN = 3
"""Exit code of `ripple monitor` where it calls for training; a traceback ends with 1, bad input with 2."""


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
    again: Annotated[
        bool,
        typer.Option(
            "--again", help="Train even if a version of the same data, settings and code is registered."
        ),
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Train both models, record the run in MLflow, register a version, write its report.

    The version becomes champion if it passes the gate, else challenger; see docs/models.md. Where one of the
    same data, settings and code is registered already, nothing is trained. Without a table interactions, or
    where no purchase is credited to others although there is usage, only direct value and lifetime value are
    predicted, and no version is registered.
    """
    started = datetime.now(UTC)
    require("train", *(("tune",) if tune else ()))
    from ripple.training.registry import preflight

    dataset, checked = open_checked(data, settings, keep=True, first=preflight.open_for_writing)
    if until is not None:
        dataset = dataset.limited_to(until)
    name = name or dataset.name
    if "interactions" not in dataset.tables:
        if tune:
            raise InputError(f"--tune: parameters are chosen by network value. {network_value_needs()}")
        _train_without_network_value(dataset, checked, name, network_value_needs())
        return
    from ripple.training.examples.provenance import provenance_of

    provenance = provenance_of(dataset, checked, tune)
    if not again and _is_registered(dataset.settings, provenance.identity):
        return
    from ripple.training.examples.feasibility import NO_CREDIT
    from ripple.training.examples.preconditions import NoCreditError
    from ripple.training.pipeline import train as run

    try:
        trained = run(dataset, checked, name, tune, provenance, started)
    except NoCreditError:
        if "usage" not in dataset.tables:
            raise
        _train_without_network_value(dataset, checked, name, NO_CREDIT)
        return
    tell_end()
    result, decision = trained.result, trained.decision
    headline = result.headline()
    share = f"{result.settings.top_share:.0%}"
    print(f"version:  {_registered(trained)}")
    print(f"gate:     {decision.title}.")
    for reason in decision.summary:
        print(f"          {reason}")
    for warning in decision.warnings:
        print(f"warning:  {warning}")
    print(
        f"capture:  {headline['capture']:.2f} of the value held by the true top {share}, "
        f"against {headline['best_baseline_capture']:.2f} by the best simple rule "
        f"({result.evaluation.backtest.best_baseline})"
    )
    print(
        f"lead:     {headline['lead']:+.2f} (95 % interval {headline['lead_low']:+.2f} to "
        f"{headline['lead_high']:+.2f})"
    )
    print(
        f"top {share}:   {headline['top_customers']:,.0f} of {headline['customers']:,.0f} customers hold "
        f"{headline['top_value_share']:.0%} of the expected network value"
    )
    if search := result.evaluation.search:
        print(f"tuning:   {search.text}")
    if tested := result.label.robustness:
        credited = headline["referral_share"] + headline["influence_share"]
        print(
            f"credited: {credited:.1%} of revenue to other customers than the buyers, up to "
            f"{headline['chance_share']:.0%} of it by chance"
            if tested.has_influence
            else f"credited: {tested.revenue_share:.1%} of revenue to influence. {tested.absence}"
        )
    print(f"report:   {trained.report}")
    if trained.version:
        _print_next(trained.version, trained.champion)


def _print_next(version: str, is_champion: bool) -> None:
    if is_champion:
        print(f"next:     {_serve_command()}")
    else:
        print(f'next:     ripple promote {version} --because "…", if the report convinces you')


def _is_registered(settings: Settings, identity: str) -> bool:
    """Whether a version of this *identity* is registered; if so, it is printed with its report.

    A role that a killed training did not get to give it is given now.
    """
    from ripple.cli.versions import fetch_report
    from ripple.training.registry import model_versions, tracking
    from ripple.training.registry.equal_version import equal_version

    client = tracking.connect(settings)
    equal = equal_version(client, identity)
    if equal is None:
        return False
    model_versions.settle(client, equal)
    run = model_versions.run_of(client, equal)
    print(f"version:  {client.registered_model} {equal.number} ({model_versions.role(client, equal)})")
    print(
        f"          The run '{run.info.run_name}' had the same data, settings, code and libraries: nothing "
        "was trained. --again trains all the same."
    )
    # MLflow keeps no metric that is undefined
    capture, rule = (run.data.metrics.get(name, math.nan) for name in ("capture", "best_baseline_capture"))
    print(
        f"capture:  {capture:.2f} of the value held by the true top {settings.top_share:.0%}, against "
        f"{rule:.2f} by the best simple rule"
    )
    print(f"report:   {fetch_report(client, settings, equal)}")
    _print_next(equal.number, model_versions.champion(client) == equal)
    return True


def _train_without_network_value(dataset: Dataset, checked: Report, name: str, why: str) -> None:
    print(f"network:  not predicted. {why}")
    sys.stdout.flush()
    from ripple.training.orders_alone.pipeline import train as run

    trained = run(dataset, checked, name)
    tell_end()
    result, headline = trained.result, trained.result.headline()
    currency, settings, top = result.settings.currency, result.settings, f"{result.value.direct.share:.0%}"
    print(
        f"spend:    {headline['direct_value']:,.0f} {currency} expected from {headline['customers']:,.0f} "
        f"customers over {settings.horizon_days} days"
    )
    print(
        f"lifetime: {headline['lifetime_value']:,.0f} {currency} over {settings.lifetime.horizon_days:,} "
        f"days, discounted at {settings.lifetime.discount_rate:.0%} a year"
    )
    print(
        f"capture:  {headline['direct_capture']:.2f} of what the true top {top} spent, against "
        f"{headline['last_period_capture']:.2f} by spend in the previous period"
    )
    if label := result.feature_adoptions:
        print(
            f"features: {label.share:.1%} of {label.first_uses:,} first uses would not have come without "
            f"another customer, up to {label.placebo_share:.0%} of that by chance; the table says whom"
        )
    print("version:  none was registered, as a version predicts network value; the champion stays as it was")
    print(f"table:    {trained.customers}")
    print(f"report:   {trained.report}")


def _serve_command() -> str:
    """How to serve from here: in a checkout the console script is not on the path, but make is."""
    checkout = Path(ripple.__file__).parents[1]
    return "make serve" if Path.cwd() == checkout and (checkout / "Makefile").is_file() else "ripple serve"


def _registered(trained: TrainedVersion) -> str:
    if trained.version is None:
        return "none was registered, and the champion stays as it was"
    name, role = trained.result.settings.registered_model, "champion" if trained.champion else "challenger"
    return f"{name} {trained.version} ({role})"


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
            help="Also evaluate what the service answered; RIPPLE_SERVE_LOG_SALT as in the service.",
        ),
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Evaluate a version on values realised since its training; exit with 3 if it should be retrained.

    The evaluation is recorded in MLflow, with the version and its run.
    """
    require("train")
    from ripple.training.registry import model_versions, preflight, tracking

    def validate(chosen: Settings) -> None:
        client = preflight.open_for_writing(chosen)
        model_versions.artifacts(client, model_versions.find(client, model))

    dataset, _ = open_checked(data, settings, keep=True, first=validate)
    validate_interactions(dataset)
    from ripple.training.monitoring import monitor as run
    from ripple.training.monitoring import record_monitoring
    from ripple.training.report.text.monitoring_text import monitoring_text

    client = tracking.connect(dataset.settings)
    version = model_versions.find(client, model)
    given = _logged(log, dataset) if log is not None else None
    run_data = model_versions.run_of(client, version).data
    monitored = run(dataset, model_versions.scored(client, version), run_data.params, run_data.metrics, given)
    record_monitoring(client, version, monitored)
    print(monitoring_text(monitored))
    if monitored.verdict == "retrain":
        sys.exit(RETRAIN)


def _logged(folder: Path, dataset: Dataset) -> pd.DataFrame:
    """The scores that the service gave for customers of *dataset*, by the log in *folder*."""
    from ripple.serving.options import PREFIX, Options
    from ripple.serving.prediction_log import read_log
    from ripple.training.examples.examples import frame

    try:
        salt = Options.load().log_salt
        if salt is None:
            raise InputError(f"--log {folder}: set {PREFIX}LOG_SALT to the salt with which it was written.")
        customers = frame(dataset.tables["customers"].select("customer_id")).index
        log = read_log(folder, salt.get_secret_value().encode(), customers)
    except (ValueError, FileNotFoundError) as error:
        raise InputError(str(error)) from error
    if log.empty:
        raise InputError(
            f"--log {folder}: none of its customers is one of {dataset.place}. Is {PREFIX}LOG_SALT the salt "
            "with which it was written?"
        )
    return log
