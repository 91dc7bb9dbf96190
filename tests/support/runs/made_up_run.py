"""A made-up training result: a bundle trained on random features, with findings that are written by hand."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import lightgbm as lgb
import numpy as np
import pandas as pd

from ripple.features.registry import features as feature_catalogue
from ripple.features.validation.findings import Finding, Report
from ripple.models import Bundle, FeatureSpec, Spec
from ripple.models.batch_scoring import score_population
from ripple.settings import Settings
from ripple.training.estimators.total_forecast import forecast_total
from ripple.training.evaluation.drift import drift, histograms
from ripple.training.evaluation.membership_changes import MembershipChanges, ScoredVersion, membership_changes
from ripple.training.examples.cutoffs import Schedule
from ripple.training.insights.best_periods import BestPeriods
from ripple.training.insights.customer_histories import CustomerHistories, listed_customers
from ripple.training.insights.power_use import PowerUse
from ripple.training.result import (
    Evaluation,
    Insights,
    LabelSummary,
    Population,
    TrainingData,
    TrainingResult,
)
from tests.support.runs import made_up_findings as findings
from tests.support.runs.results import altered
from tests.support.value_ranges import with_ranges

AS_OF = datetime(2026, 1, 1)
HORIZON = timedelta(days=180)
CUSTOMERS = 400
ODD_ID = """<b>"A&B's"</b> http://example.test/1"""
"""The id of the best customer; it breaks a page that does not escape."""


def made_up_result() -> TrainingResult:
    """The result of a run of 400 customers and 11 training cutoffs, 3 of which were evaluated."""
    settings = Settings(currency="US$<", top_share=0.05, until=AS_OF)
    bundle, features = bundle_and_features(settings)
    grid = tuple(AS_OF - HORIZON - timedelta(days=60 * i) for i in range(10, -1, -1))
    plan = Schedule(grid[-3:], grid, HORIZON)
    scores = score_population(bundle, features)
    then = features.sample(200, random_state=1) * 1.1
    moved = drift(bundle, then, features, scores)
    return TrainingResult(
        name="run <1>",
        dataset="shop & co",
        settings=settings,
        data=TrainingData(checks(), plan),
        label=LabelSummary(
            {
                "revenue": 90_000.0,
                "network_value": 30_000.0,
                "referral_value": 10_000.0,
                "influence_value": 20_000.0,
            },
            findings.robustness(20_000.0, 8_600.0, 400.0),
        ),
        evaluation=Evaluation(
            findings.backtest(plan),
            findings.predictions(plan, features.index),
            earlier_effects=earlier_effects(bundle, features, plan),
        ),
        population=Population(
            bundle,
            AS_OF,
            features,
            scores,
            forecast_total(float(scores["network_value"].sum()), findings.totals(grid), HORIZON, 0.8, 0.5),
            drift=moved,
            histograms=histograms(moved, then, features),
        ),
        insights=Insights(
            **findings.customer_insights(settings, bundle, features, scores),
            histories=histories(plan, features, list(listed_customers(scores).index)),
            best_periods=BestPeriods(19, 15, 40, 12, 50_000.0, 30_000.0),
            power_use=power_use(list(listed_customers(scores).index)),
        ),
        changes=made_up_changes(bundle, features, scores),
    )


def undefined_everywhere(result: TrainingResult) -> TrainingResult:
    """*result* with every number undefined that can be, from a dataset without optional tables."""
    rankings, heads = result.evaluation.backtest.rankings.copy(), result.evaluation.backtest.heads.copy()
    first = rankings["cutoff"].iloc[0]
    rankings.loc[rankings["cutoff"] == first, ["capture", "pr_auc", "gini", "spearman"]] = math.nan
    # a rule that has the same value for everybody at a cutoff has no row there
    rankings = rankings[
        ~((rankings["ranking"] == "degree") & (rankings["cutoff"] == heads["cutoff"].iloc[1]))
    ]
    heads.loc[:, ["predicted_share", "total_low", "total_high", "coverage", "brier"]] = math.nan
    backtest = replace(
        result.evaluation.backtest,
        rankings=rankings,
        heads=heads,
        lead=(math.nan, math.nan, math.nan),
        deciles=result.evaluation.backtest.deciles.assign(coverage=math.nan),
        slices=pd.DataFrame(),
    )
    checks = replace(
        result.data.checks,
        rows={"customers": 400, "orders": 900},
        absent=["usage", "catalog", "interactions", "feedback"],
    )
    features = result.population.features.head(12).assign(tenure_days=math.nan, total_revenue=0.0)
    features = features.assign(margin_share=math.nan)
    scores = score_population(result.population.bundle, features)
    return altered(
        result,
        backtest=backtest,
        checks=checks,
        features=features,
        scores=scores.assign(if_any_value_high=math.inf),
        **findings.customer_insights(
            result.settings, result.population.bundle, features, scores, measured=False
        ),
        totals=dict.fromkeys(result.label.totals, 0.0),
        robustness=None,
        predictions=pd.DataFrame(),
        drift=pd.DataFrame(),
        earlier_effects={},
        histories=CustomerHistories(),
        best_periods=None,
        power_use=PowerUse(),
        changes=None,
    )


def bundle_and_features(settings: Settings) -> tuple[Bundle, pd.DataFrame]:
    """Two boosters trained on random features, and those features; the best customer has `ODD_ID`."""
    specs = tuple(
        FeatureSpec(feature.name, feature.family, feature.unit, feature.description)
        for feature in feature_catalogue(settings.features)
        if feature.view != "feedback"
    )
    names = [spec.name for spec in specs]
    random = np.random.default_rng(3)
    x = random.lognormal(1.0, 1.0, (CUSTOMERS, len(names)))
    x[random.random(x.shape) < 0.05] = np.nan
    drivers = np.nan_to_num(x[:, [names.index(n) for n in ("past_network_value", "out_degree", "referrals")]])
    value = drivers.sum(axis=1) * random.lognormal(0.0, 0.4, CUSTOMERS) * (random.random(CUSTOMERS) < 0.7)
    at_top = value >= np.quantile(value, 0.95)
    spec = Spec(
        features=specs,
        level=12.5,
        slope=0.9,
        intercept=-0.2,
        interval=None,
        currency=settings.currency,
        horizon_days=settings.horizon_days,
        top_share=settings.top_share,
        trained_until=AS_OF.isoformat(),
        label="referral credit + incremental credit",
    )
    bundle = Bundle(
        _booster(x, value, names, objective="tweedie"),
        _booster(x, at_top * 1.0, names, objective="binary"),
        spec,
    )
    bundle = with_ranges(bundle, x, value)
    ids = pd.Index([f"c{i:04d}" for i in range(CUSTOMERS)], name="customer_id")
    features = pd.DataFrame(x, columns=names, index=ids)
    best = score_population(bundle, features)["rank"].idxmin()
    return bundle, features.rename(index={best: ODD_ID})


def _booster(x: np.ndarray, y: np.ndarray, names: list[str], objective: str) -> lgb.Booster:
    parameters = {"objective": objective, "num_leaves": 7, "num_threads": 1, "seed": 1, "verbose": -1}
    trained = lgb.train(parameters, lgb.Dataset(x, y, feature_name=names), num_boost_round=30)
    return lgb.Booster(model_str=trained.model_to_string())


def checks() -> Report:
    """No feedback table, and seven rows of interactions set aside."""
    rows = {"customers": CUSTOMERS, "orders": 5000, "usage": 20_000, "catalog": 12, "interactions": 3000}
    aside = Finding(
        "interactions.kind: one referrer for a customer",
        "the earliest referral counts",
        7,
        [],
        set_aside=True,
    )
    return Report(rows, datetime(2023, 1, 1), AS_OF, [aside], ["feedback"], Counter())


def earlier_effects(bundle: Bundle, features: pd.DataFrame, plan: Schedule) -> dict[str, np.ndarray]:
    """SHAP values of today's customers, with noise, for each evaluated cutoff."""
    today = bundle.contributions("value", bundle.matrix(features.sort_index()))[0]
    random = np.random.default_rng(5)
    return {f"{cutoff:%Y-%m-%d}": today * random.lognormal(0, 0.3, today.shape) for cutoff in plan.evaluation}


def histories(plan: Schedule, features: pd.DataFrame, customers: list[str]) -> CustomerHistories:
    """The last of *customers* had not joined, and the first is credited with two others."""
    index = pd.MultiIndex.from_product([customers[:-1], plan.grid[-4:]], names=["customer_id", "cutoff"])
    labels = pd.DataFrame({"network_value": 0.0, "direct_value": 12.0}, index=index)
    labels.loc[customers[0], "network_value"] = [0.0, 100.0, 50.0, 20.0]
    features_at = features.loc[index.get_level_values(0)].set_axis(index)
    influenced = pd.DataFrame(
        {
            "source_id": customers[0],
            "target_id": ["c9998", "c9999"],
            "referred": [True, False],
            "probability": [1.0, 0.25],
            "value": [70.0, 30.0],
            "product": ["seats <pro>", "api"],
            "adopted_at": [datetime(2025, 9, 1, 8), datetime(2025, 10, 2, 9)],
            "adoptions": [1, 3],
            "contact": ["referral", "answer"],
            "contact_at": [datetime(2025, 8, 30), datetime(2025, 10, 1)],
            "contacts": [1, 4],
        }
    )
    influencers = influenced.iloc[1:].assign(source_id=customers[1], target_id=customers[0], value=12.0)
    return CustomerHistories(features_at, labels, influenced, plan.grid[-1], AS_OF, influencers)


def power_use(customers: list[str]) -> PowerUse:
    """The first of *customers* answers often and shares once; nobody uses referent power."""
    kinds = pd.DataFrame(
        {
            "customer_id": customers[0],
            "power": ["expert", "informational"],
            "kind": ["answer", "share"],
            "events": [1200, 1],
            "reached": [90, 1],
        }
    )
    groups = pd.DataFrame(
        {
            "power": ["referent", "informational", "expert"],
            "top": [0.0, 0.5, 0.9],
            "everybody": [0.0, 0.25, 0.1],
            "top_reached": [math.nan, 2.5, 40.0],
            "everybody_reached": [math.nan, 1.0, 3.0],
        }
    )
    return PowerUse(kinds, groups, AS_OF)


def made_up_changes(bundle: Bundle, features: pd.DataFrame, scores: pd.DataFrame) -> MembershipChanges:
    """Since an earlier version, when one of the best had not joined and another was like the last."""
    best = list(scores.sort_values("rank").index)
    earlier = features.drop(best[1])
    earlier.loc[best[0]] = earlier.loc[best[-1]]
    before = ScoredVersion("3", AS_OF - HORIZON, bundle, earlier, score_population(bundle, earlier))
    return membership_changes(ScoredVersion("4", AS_OF, bundle, features, scores), before)
