"""From a checked dataset without network value to a recorded run and its report.

It has no interactions, or nobody is credited with a purchase of others.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ripple import atomic
from ripple.features.dataset import Dataset
from ripple.features.validation.findings import Report
from ripple.progress import stage
from ripple.training.attribution.feature_adoptions import feature_adoptions
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.examples.examples import by_content, examples_at, features_at, frame
from ripple.training.examples.feasibility import feasibility, spending_cutoffs
from ripple.training.examples.profile import shown_profile, validate_shown_attributes
from ripple.training.examples.provenance import data_digests
from ripple.training.insights.concentration import spend_concentration
from ripple.training.insights.direct_value import direct_value
from ripple.training.orders_alone.spend_result import SpendResult
from ripple.training.orders_alone.spend_value import spend_value
from ripple.training.result import TrainingData

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class SpendRun:
    """A finished run on orders alone: its report, its table of customers, and its result."""

    report: Path
    customers: Path
    result: SpendResult


def fit_and_evaluate(dataset: Dataset, checks: Report, name: str) -> SpendResult:
    """Features, the head of direct value, its backtest, and the value of all customers at the end.

    Raises:
        InputError: the history is too short, or too few customers bought anything.
    """
    settings = dataset.settings
    end = settings.until or checks.end
    validate_shown_attributes(dataset)
    feasible = feasibility(dataset, checks.start, end)
    plan, examples = feasible.schedule, {}
    # where there are interactions, `feasibility` has counted candidates instead
    cutoffs = feasible.spending or spending_cutoffs(dataset, plan)
    with tempfile.TemporaryDirectory() as folder:
        for i, cutoff in enumerate(plan.all, 1):
            logger.info(
                f"cutoff {cutoff:%Y-%m-%d} ({i} of {len(plan.all)}): features and spend",
                extra=stage("features and labels", i - 1, len(plan.all)),
            )
            examples[cutoff] = examples_at(dataset, cutoff, Path(folder), cutoff in plan.evaluation)
        logger.info(
            f"features of all customers as of {end:%Y-%m-%d}", extra=stage("features and labels", 0.95)
        )
        current = frame(features_at(dataset, end))
        current = current.iloc[by_content(current)]
        logger.info("direct value and lifetime value, at past cutoffs and now", extra=stage("fits"))
        backtester = RollingOriginBacktester(examples, plan, settings)
        direct = direct_value(backtester, dataset, cutoffs, current, end)
    logger.info("who moves others to use a feature", extra=stage("insights"))
    closed = plan.grid[-1] + plan.horizon
    label = feature_adoptions(dataset.tables.until(closed), plan.grid[-1], closed, settings, placebos=True)
    value = spend_value(current, direct, settings)
    shares, curves = spend_concentration(value.customers, settings.seed)
    data = TrainingData(checks, plan, data_digests(dataset))
    kinds = shown_profile(dataset, end).reindex(current.index)
    return SpendResult(
        name,
        dataset.name,
        settings,
        data,
        end,
        value,
        shares,
        curves,
        kinds,
        int(current.notna().any().sum()),
        label,
    )


def train(dataset: Dataset, checks: Report, name: str) -> SpendRun:
    """Fit and evaluate, record the run in MLflow, and write its report and its table of customers.

    No version is registered, and the champion stays as it was.
    """
    from ripple.training.orders_alone import recording  # mlflow is slow to import
    from ripple.training.registry import preflight, runs

    client = preflight.open_for_writing(dataset.settings)
    for abandoned in runs.end_abandoned(client, dataset.settings.home):
        logger.info(f"run {abandoned}, whose process was killed, is marked so in MLflow")
    result = fit_and_evaluate(dataset, checks, name)
    logger.info("writing the report", extra=stage("report"))
    from ripple.training.orders_alone.page import render  # matplotlib is slow to import

    html = render(result)
    logger.info("recording the run in MLflow", extra=stage("record"))
    run_id = recording.log(result, html)
    stem = dataset.settings.home / "reports" / f"{client.registered_model}-run-{run_id[:8]}"
    report, customers = stem.with_name(f"{stem.name}.html"), stem.with_name(f"{stem.name}-customers.csv")
    with atomic.file(report) as building:
        building.write_text(html, encoding="utf-8")
    with atomic.file(customers) as building:
        result.table().to_csv(building)
    return SpendRun(report, customers, result)
