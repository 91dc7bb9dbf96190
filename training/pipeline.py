"""From a checked dataset to a registered model version, what the gate decided about it, and its report."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from ripple import atomic
from ripple.digests import digest
from ripple.errors import InputError
from ripple.features.dataset import Dataset
from ripple.features.expressions import sum_or_zero
from ripple.features.matrix import all_features_of
from ripple.features.validation.findings import Report
from ripple.models.batch_scoring import score_population
from ripple.models.bundle import Bundle, Category, FeatureSpec, Spec
from ripple.progress import stage
from ripple.training import measured_effects
from ripple.training.attribution import INFLUENCE_METHOD
from ripple.training.attribution.controls.negative_controls import negative_controls
from ripple.training.attribution.controls.outcomes import validate_outcomes
from ripple.training.attribution.feature_adoptions import FeatureAdoptions
from ripple.training.attribution.robustness import robustness
from ripple.training.evaluation.backtest import RollingOriginBacktester, backtest
from ripple.training.evaluation.drift import drift, histograms, training_features
from ripple.training.evaluation.membership_changes import ScoredVersion, membership_changes
from ripple.training.evaluation.out_of_sample import at_champions_cutoffs, out_of_sample_predictions
from ripple.training.evaluation.prediction_table import CUTOFF, evaluated_at
from ripple.training.evaluation.tuning import tune, validate_tunable
from ripple.training.examples.cutoffs import Schedule
from ripple.training.examples.examples import (
    Examples,
    attributes,
    by_content,
    encodings_at,
    examples_at,
    features_at,
    frame,
)
from ripple.training.examples.feasibility import NETWORK_VALUE_NEEDS, feasibility
from ripple.training.examples.feature_sequence import Rows
from ripple.training.examples.preconditions import validate_labels
from ripple.training.examples.profile import shown_profile, validate_shown_attributes
from ripple.training.examples.provenance import Provenance, provenance_of, run_code_digest
from ripple.training.insights.best_periods import best_periods
from ripple.training.insights.claims import LONG_DAYS, Claim, claims
from ripple.training.insights.concentration import concentration
from ripple.training.insights.customer_histories import customer_histories, listed_customers
from ripple.training.insights.customer_value import customer_value
from ripple.training.insights.direct_value import direct_value
from ripple.training.insights.explanation_stability import earlier_effects
from ripple.training.insights.periods import latest_start, period
from ripple.training.insights.plays import latest_feedback_age, playbook
from ripple.training.insights.plays_log import plays_log, resting, treated_by_cutoff
from ripple.training.insights.power_use import power_use
from ripple.training.kept_experiments import read_experiments
from ripple.training.registry.gate import Decision, decide
from ripple.training.result import (
    Evaluation,
    Insights,
    LabelSummary,
    Population,
    TrainingData,
    TrainingResult,
)

logger = logging.getLogger(__name__)

MAX_KNOWN_LEVELS = 1_000
"""The number of levels of a category that a bundle names, at most: all others count as new ones."""
LABEL = f"referral credit + {INFLUENCE_METHOD}"


@dataclass(frozen=True)
class TrainedVersion:
    """A finished run: the version it registered, its report, its result and the decision of the gate.

    Attributes:
        version: number of the version; None where the result was rejected.
        champion: whether the version became champion.
    """

    version: str | None
    champion: bool
    report: Path
    result: TrainingResult
    decision: Decision


def fit_and_evaluate(
    dataset: Dataset,
    checks: Report,
    name: str,
    compared_at: Sequence[datetime] = (),
    trials: int = 0,
    provenance: Provenance | None = None,
) -> TrainingResult:
    """Features, labels, backtest, both heads and the scores of all customers at the end of the data.

    Args:
        compared_at: evaluation cutoffs of another version, to be compared with.
        trials: how many choices of parameters to try first, see `ripple.training.evaluation.tuning`.
        provenance: what this training starts from, if that is computed already.

    Raises:
        InputError: the history is too short, or the labels are not enough to learn from.
    """
    provenance = provenance or provenance_of(dataset, checks, trials)
    with tempfile.TemporaryDirectory() as folder:
        return _fit_and_evaluate(dataset, checks, name, compared_at, trials, provenance, Path(folder))


def _fit_and_evaluate(
    dataset: Dataset,
    checks: Report,
    name: str,
    compared_at: Sequence[datetime],
    trials: int,
    provenance: Provenance,
    folder: Path,
) -> TrainingResult:
    end = dataset.settings.until or checks.end
    validate_shown_attributes(dataset)
    validate_outcomes(dataset.tables, dataset.settings.controls.outcomes)
    feasible = feasibility(dataset, checks.start, end)
    if feasible.candidates is None:
        raise InputError(NETWORK_VALUE_NEEDS)
    plan = feasible.schedule
    if trials:
        validate_tunable(plan)
    examples = _examples(dataset, plan, checks.start, end, folder)
    validate_labels(examples.values(), dataset.settings)
    data = TrainingData(checks, plan, provenance.data, provenance.identity)
    backtester, search = RollingOriginBacktester(examples, plan, dataset.settings), None
    if trials:
        examples_identity = digest(data.digests, dataset.settings.model_dump(), run_code_digest())
        settings, search = tune(backtester, trials, examples_identity)
        dataset, backtester = replace(dataset, settings=settings), backtester.with_settings(settings)
    cutoffs = backtester.evaluable_cutoffs
    logger.info(f"features of all customers as of {end:%Y-%m-%d}", extra=stage("features and labels", 0.95))
    current = frame(features_at(dataset, end))
    backtester.fit_all(end, Rows.of(current.iloc[by_content(current)], folder))
    backtested = backtest(backtester, dataset.extension.metrics)
    predictions = out_of_sample_predictions(backtester, cutoffs)
    population = _population(dataset, backtester, end, current)
    revisiting = at_champions_cutoffs(backtester, dataset, set(compared_at) - set(evaluated_at(predictions)))
    evaluation = Evaluation(
        backtested,
        predictions,
        out_of_sample_predictions(revisiting, revisiting.schedule.evaluation),
        search,
        earlier_effects(backtester, cutoffs, population.bundle, population.features),
    )
    logger.info("placebos, the label under other settings, and negative controls", extra=stage("placebos"))
    label = _label_summary(dataset, examples[plan.grid[-1]])
    logger.info("customer values and quoted claims", extra=stage("insights"))
    insights = _insights(dataset, backtester, label, predictions, population)
    result = TrainingResult(
        name, dataset.name, dataset.settings, data, label, evaluation, population, insights
    )
    if population.empty_features:
        logger.info(
            f"no customer has a value for {', '.join(population.empty_features)}: these have no effect"
        )
    return result


def train(
    dataset: Dataset,
    checks: Report,
    name: str,
    trials: int = 0,
    provenance: Provenance | None = None,
    started: datetime | None = None,
) -> TrainedVersion:
    """Fit and evaluate, let the gate decide, record the run in MLflow and register the version.

    A version is registered only once its run holds everything, and the alias `champion` moves last: a run
    that is killed leaves no half version and the champion as it was.

    Args:
        trials, provenance: see `fit_and_evaluate`.
        started: when the run began, UTC; now where it is None. Nothing but MLflow's record follows from it.
    """
    from ripple.training.registry import (
        history,
        model_versions,
        preflight,
        recording,
        runs,
    )  # mlflow is slow to import

    started = started or datetime.now(UTC)
    client = preflight.open_for_writing(dataset.settings)
    kept = read_experiments(dataset.settings.home, dataset.settings.until or checks.end)
    for abandoned in runs.end_abandoned(client, dataset.settings.home):
        logger.info(f"run {abandoned}, whose process was killed, is marked so in MLflow")
    champion = model_versions.champion(client)
    opponent, rival, opponent_as_of = champion, None, None
    if champion:
        try:
            rival = model_versions.predictions(client, champion)
            opponent_as_of = model_versions.trained_until(client, champion)
        except model_versions.VersionGoneError as error:
            opponent = None
            logger.info(
                f"version {champion.number}, the champion, is gone: {error.lost}. Training goes on as if "
                "there were none."
            )
    result = fit_and_evaluate(dataset, checks, name, evaluated_at(rival), trials, provenance)
    decision = decide(result, opponent.number if opponent else None, rival, opponent_as_of)
    if opponent and decision.comparison:
        own = result.population
        now = ScoredVersion(name, own.as_of, own.bundle, own.features, own.scores)
        result = replace(result, changes=membership_changes(now, model_versions.scored(client, opponent)))
    logger.info("writing the report", extra=stage("report"))
    from ripple.training.report import render  # matplotlib and shap are slow to import
    from ripple.training.report.model_card import model_card
    from ripple.training.report.text.version_status import with_version

    past = history.past_versions(client)
    html = render(result, decision, past, kept)
    logger.info("recording the run in MLflow", extra=stage("record"))
    logged = recording.log(result, decision, html, model_card(result), started)
    version = model_versions.register(client, logged, decision) if decision.rejection_reason is None else None
    label = f"v{version.number}" if version else f"run-{logged.run_id[:8]}"
    report = dataset.settings.home / "reports" / f"{client.registered_model}-{label}.html"
    with atomic.file(report) as building:
        building.write_text(
            with_version(html, version.number, started) if version else html, encoding="utf-8"
        )
    if version:
        model_versions.set_challenger(client, version)
    # unless another run has become champion meanwhile, with which this one was not compared
    is_champion = version is not None and decision.passed and model_versions.champion(client) == champion
    if version and is_champion:
        model_versions.set_champion(client, version)
    return TrainedVersion(version.number if version else None, is_champion, report, result, decision)


def _examples(
    dataset: Dataset, plan: Schedule, start: datetime, end: datetime, folder: Path
) -> dict[datetime, Examples]:
    # how much is read of data from *start* to *end* grows with what lies before a cutoff
    days = [(moment - start).days for moment in (*plan.all, end)]
    examples = {}
    for i, cutoff in enumerate(plan.all):
        logger.info(
            f"cutoff {cutoff:%Y-%m-%d} ({i + 1} of {len(plan.all)}): features and labels",
            extra=stage("features and labels", sum(days[:i]), sum(days)),
        )
        examples[cutoff] = examples_at(dataset, cutoff, folder, cutoff in plan.evaluation)
    return examples


def _bundle(backtester: RollingOriginBacktester, dataset: Dataset, end: datetime) -> Bundle:
    heads, calibration = backtester.heads(end), backtester.calibration(end)
    if calibration is None:
        raise InputError(
            "Nobody is credited with revenue of others in the latest closed windows, so how much there is to "
            "expect is unknown. Check that interactions reach to the end of the data."
        )
    settings = backtester.settings
    catalogue = {feature.name: feature for feature in all_features_of(dataset)}
    specs = tuple(
        FeatureSpec(name, catalogue[name].family, catalogue[name].unit, catalogue[name].description)
        for name in heads.names
    )
    spec = Spec(
        features=specs,
        level=heads.value.scale,
        slope=calibration.slope,
        intercept=calibration.intercept,
        interval=None,
        currency=settings.currency,
        horizon_days=settings.horizon_days,
        top_share=settings.top_share,
        trained_until=end.isoformat(),
        label=LABEL,
        value_range=calibration.value_range,
        range_levels=(heads.ranges.low_level, heads.ranges.high_level),
        categories=_categories(dataset, end),
    )
    return Bundle(heads.value.booster, heads.top, spec, heads.ranges.boosters)


def _categories(dataset: Dataset, end: datetime) -> tuple[Category, ...]:
    """The categories among the features, with the values of their levels at the *end* of the data."""
    feature = {one.name: one.feature for one in dataset.attribute_features}
    return tuple(
        Category(feature[name], name, tuple(one.levels.items())[:MAX_KNOWN_LEVELS], one.other)
        for name, one in encodings_at(dataset, end).items()
    )


def _population(
    dataset: Dataset, backtester: RollingOriginBacktester, end: datetime, current: pd.DataFrame
) -> Population:
    """The scores of all customers, whose features are *current*, by the final heads."""
    plan, examples = backtester.schedule, backtester.examples
    bundle = _bundle(backtester, dataset, end)
    logger.info(f"scoring all customers as of {end:%Y-%m-%d}", extra=stage("scores"))
    scores = score_population(bundle, current)
    reference = training_features(
        [examples[cutoff] for cutoff in plan.training_for(end)], backtester.settings.seed, bundle
    )
    moved = drift(bundle, reference, current, scores)
    return Population(
        bundle,
        end,
        current,
        scores,
        backtester.total_forecast(end, scores["network_value"].to_numpy()),
        attributes(dataset, end).reindex(current.index),
        moved,
        backtester.heads(end).parameters,
        histograms(moved, reference, current),
        shown_profile(dataset, end).reindex(current.index),
    )


def _label_summary(dataset: Dataset, latest: Examples) -> LabelSummary:
    """Totals, placebos and negative controls of the label in the window of the *latest* closed cutoff."""
    closed = latest.cutoff + timedelta(days=dataset.settings.horizon_days)
    inside = dataset.tables.orders_in(latest.cutoff, closed)
    credited = latest.labels[["network_value", "referral_value", "influence_value"]].sum()
    revenue = sum_or_zero(inside.revenue).to_pyarrow().as_py()
    totals = {"revenue": float(revenue), **{str(part): float(value) for part, value in credited.items()}}
    tested = robustness(dataset.tables.until(closed), latest.cutoff, closed, dataset.settings)
    controls = negative_controls(dataset.tables.until(closed), latest.cutoff, closed, dataset.settings)
    return LabelSummary(totals, tested, controls)


def _insights(
    dataset: Dataset,
    backtester: RollingOriginBacktester,
    label: LabelSummary,
    predictions: pd.DataFrame,
    population: Population,
) -> Insights:
    settings, latest = backtester.settings, backtester.schedule.grid[-1]
    features, scores = population.features, population.scores
    direct = direct_value(backtester, dataset, evaluated_at(predictions), features, population.as_of)
    value = customer_value(features, scores, direct, predictions, label.chance_share, settings)
    listed = list(listed_customers(scores).index)
    measured, features_spread = _claims(backtester, dataset, predictions, population.as_of)
    return Insights(
        value,
        concentration(value, settings.seed),
        measured,
        playbook(
            features,
            value,
            population.bundle,
            settings,
            latest_feedback_age(dataset, population.as_of),
            measured_effects.read(settings.home, population.as_of),
            resting(dataset, population.as_of),
        ),
        customer_histories(dataset, backtester.examples, latest, listed, population.bundle),
        features_spread,
        best_periods(
            backtester.examples,
            backtester.schedule,
            predictions,
            scores,
            population.as_of,
            settings.top_share,
        ),
        power_use(dataset, scores, population.as_of, listed),
        treated_by_cutoff(dataset, backtester.schedule.grid),
        plays_log(dataset, population.as_of),
    )


def _claims(
    backtester: RollingOriginBacktester, dataset: Dataset, predictions: pd.DataFrame, end: datetime
) -> tuple[tuple[Claim, ...], FeatureAdoptions | None]:
    """Quoted figures, in the latest evaluated period and in the latest one that is long enough.

    The second result is the label of features in the longer of the two.
    """
    settings, examples = backtester.settings, backtester.examples
    latest = evaluated_at(predictions)[-1]
    expected = predictions["predicted"][predictions[CUTOFF] == latest].to_numpy()
    start = latest_start(backtester.schedule, end, LONG_DAYS)
    short = period(dataset, examples[latest], settings.horizon_days, with_features=start is None)
    long = period(dataset, examples[start], LONG_DAYS, with_features=True) if start else None
    measured = claims(short, expected, long, settings.top_share, settings.seed)
    return measured, (long or short).feature_adoptions
