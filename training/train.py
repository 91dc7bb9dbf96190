"""From a checked dataset to a registered, promoted model version and its report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import atomic
from features.checks import Report
from features.measures import sum_or_zero
from features.registry import features
from features.tables import Dataset
from models.bundle import Bundle, FeatureSpec, Spec
from models.population import score_population
from settings import InputError
from training.backtest import Forecaster, backtest
from training.credit import INFLUENCE_METHOD
from training.credit.robustness import Robustness, robustness
from training.cutoffs import Schedule, schedule
from training.evidence import Evidence
from training.examples import Examples, examples_at, features_at, frame
from training.progress import Say

LABEL = f"referral credit + {INFLUENCE_METHOD}"


@dataclass(frozen=True)
class Trained:
    """A finished run: the version it registered, where its report is and what it found."""

    version: str
    report: Path
    evidence: Evidence


def learn(dataset: Dataset, checks: Report, name: str, say: Say) -> Evidence:
    """Features, labels, backtest, both heads and everybody's scores at the end of the data.

    Raises:
        InputError: the history is too short, or no label is positive.
    """
    settings = dataset.settings
    end = settings.until or checks.end
    plan = schedule(checks.start, end, settings)
    examples = _examples(dataset, plan, say)
    forecaster = Forecaster(examples, plan, settings, say)
    judged = backtest(forecaster)
    say(f"fitting the final heads on {len(plan.training_for(end))} cutoffs")
    bundle = _bundle(forecaster, end)
    say(f"scoring all customers as of {end:%Y-%m-%d}")
    current = frame(features_at(dataset, end))
    latest = examples[plan.grid[-1]]
    say("placebos, and the label under other settings")
    return Evidence(
        name=name,
        dataset=dataset.name,
        settings=settings,
        checks=checks,
        schedule=plan,
        backtest=judged,
        label_totals=_label_totals(dataset, latest),
        robustness=_robustness(dataset, latest.cutoff),
        bundle=bundle,
        as_of=end,
        features=current,
        scores=score_population(bundle, current),
    )


def train(dataset: Dataset, checks: Report, name: str, say: Say) -> Trained:
    """Learn, record the run in MLflow, register one version and make it champion.

    A version is registered only once its run holds everything, and the alias moves last: a run that is killed
    leaves the registry and the champion as they were.
    """
    evidence = learn(dataset, checks, name, say)
    say("writing the report")
    from training.report import render  # matplotlib, shap and mlflow are slow to import

    html = render(evidence)
    say("recording the run in MLflow")
    from training import tracking

    client = tracking.connect(dataset.settings)
    version = tracking.register(tracking.log(evidence, html))
    report = dataset.settings.home / "reports" / f"ripple-v{version.number}.html"
    with atomic.file(report) as building:
        building.write_text(html, encoding="utf-8")
    tracking.promote(client, version.number)
    return Trained(version.number, report, evidence)


def _examples(dataset: Dataset, plan: Schedule, say: Say) -> dict[datetime, Examples]:
    found = {}
    for i, cutoff in enumerate(plan.all, 1):
        say(f"cutoff {cutoff:%Y-%m-%d} ({i} of {len(plan.all)}): features and labels")
        found[cutoff] = examples_at(dataset, cutoff)
    return found


def _bundle(forecaster: Forecaster, end: datetime) -> Bundle:
    heads, calibration = forecaster.heads(end), forecaster.calibration(end)
    if calibration is None:
        raise InputError(
            "Nobody is credited with revenue of others in the latest closed windows, so how much there is to "
            "expect is unknown. Check that interactions reach to the end of the data."
        )
    settings = forecaster.settings
    catalogue = {feature.name: feature for feature in features(settings.features)}
    specs = tuple(
        FeatureSpec(name, catalogue[name].family, catalogue[name].unit, catalogue[name].description)
        for name in heads.names
    )
    spec = Spec(
        features=specs,
        level=heads.scale * calibration.level,
        slope=calibration.slope,
        intercept=calibration.intercept,
        interval=calibration.interval,
        currency=settings.currency,
        horizon_days=settings.horizon_days,
        top_share=settings.top_share,
        trained_until=end.isoformat(),
        label=LABEL,
    )
    return Bundle(heads.value, heads.top, spec)


def _robustness(dataset: Dataset, cutoff: datetime) -> Robustness | None:
    closed = cutoff + timedelta(days=dataset.settings.horizon_days)
    return robustness(dataset.tables.until(closed), cutoff, closed, dataset.settings)


def _label_totals(dataset: Dataset, latest: Examples) -> dict[str, float]:
    closed = latest.cutoff + timedelta(days=dataset.settings.horizon_days)
    inside = dataset.tables.orders_in(latest.cutoff, closed)
    credited = latest.labels[["network_value", "referral_value", "influence_value"]].sum()
    revenue = sum_or_zero(inside.revenue).to_pyarrow().as_py()
    return {"revenue": float(revenue), **{str(part): float(value) for part, value in credited.items()}}
