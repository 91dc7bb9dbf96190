"""A small run by hand: a bundle trained on random features, findings made up, nothing from other rooms."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from ripple.features.registry import features as catalogue
from ripple.features.validation.checks import Finding, Report
from ripple.models import Bundle, FeatureSpec, Interval, Spec
from ripple.models.batch_scoring import score_population
from ripple.settings import Settings
from ripple.training.attribution.robustness import LATE_TIES, SHUFFLED_TIMES, Robustness
from ripple.training.evaluation.cutoff_evaluation import MODEL, Backtest
from ripple.training.evaluation.drift import drift
from ripple.training.evaluation.membership_changes import Changes, Scored, changes
from ripple.training.evaluation.slices import COLD_START, EVERYBODY
from ripple.training.examples.cutoffs import Schedule
from ripple.training.insights import spend as spend_head
from ripple.training.insights.claims import claims
from ripple.training.insights.concentration import concentration
from ripple.training.insights.customer_histories import Histories, listed
from ripple.training.insights.customer_value import customer_value as worth_of
from ripple.training.insights.periods import Period
from ripple.training.insights.plays import playbook
from ripple.training.insights.spend import Direct
from ripple.training.report import render
from ripple.training.result import TrainingResult

AS_OF = datetime(2026, 1, 1)
HORIZON = timedelta(days=180)
CUSTOMERS = 400
ODD_ID = """<b>"A&B's"</b> http://example.test/1"""
"""An id that breaks a page which does not escape."""
RULES = ("last label", "degree", "own revenue")


@pytest.fixture(scope="session")
def result() -> TrainingResult:
    settings = Settings(currency="US$<", top_share=0.05, until=AS_OF)
    bundle, features = _bundle(settings)
    grid = tuple(AS_OF - HORIZON - timedelta(days=60 * i) for i in range(10, -1, -1))
    plan = Schedule(grid[-3:], grid, HORIZON)
    scores = score_population(bundle, features)
    return TrainingResult(
        name="run <1>",
        dataset="shop & co",
        settings=settings,
        checks=_checks(),
        schedule=plan,
        backtest=_backtest(plan),
        label_totals={
            "revenue": 90_000.0,
            "network_value": 30_000.0,
            "referral_value": 10_000.0,
            "influence_value": 20_000.0,
        },
        robustness=robustness(20_000.0, 8_600.0, 400.0),
        bundle=bundle,
        as_of=AS_OF,
        features=features,
        scores=scores,
        predictions=_predictions(plan, features.index),
        drift=drift(bundle, features.sample(200, random_state=1) * 1.1, features, scores),
        earlier_effects=_earlier_effects(bundle, features, plan),
        histories=_histories(plan, features, list(listed(scores).index)),
        changes=_changes(bundle, features, scores),
        **valued(settings, bundle, features, scores),
    )


def valued(
    settings: Settings, bundle: Bundle, features: pd.DataFrame, scores: pd.DataFrame, measured: bool = True
) -> dict[str, Any]:
    """What customers are worth and what follows from it; claims *measured* by usage or not."""
    random, customers = np.random.default_rng(11), len(features)
    spend = pd.Series(random.lognormal(4.0, 1.0, customers), features.index)
    rows = {"cutoff": np.repeat(pd.to_datetime(["2025-01-01", "2025-03-01"]), 200), "customer_id": "c"}
    foreseen = random.lognormal(4.0, 1.0, 400)
    network = pd.DataFrame(
        {**rows, "predicted": foreseen, "realised": foreseen * random.exponential(0.9, 400)}
    )
    judged = pd.DataFrame(
        {
            "cutoff": pd.Timestamp("2025-01-01"),
            "ranking": [spend_head.MODEL, spend_head.RULE],
            "total": [1.05, 0.8],
            "capture": [0.8, 0.7],
            "gini": [0.8, 0.7],
        }
    )
    own = Direct(spend, network, judged, (0.1, 0.04, 0.16), 0.1)
    customer_value = worth_of(features, scores, own, network, 0.6, settings)
    period = Period(
        start=datetime(2025, 1, 1),
        days=180,
        spent=spend.to_numpy(),
        orders=np.ones(customers),
        brought=random.exponential(50.0, customers),
        purchases=random.exponential(2.0, customers),
        influenced=random.exponential(1.0, customers),
        engagement=random.random(customers) if measured else None,
        advanced=random.random(customers) < 0.2 if measured else None,
    )
    return {
        "customer_value": customer_value,
        "concentration": concentration(customer_value, settings.seed),
        "claims": claims(
            period, scores["network_value"].to_numpy(), replace(period, days=548), settings.top_share, 7
        ),
        "playbook": playbook(features, customer_value, bundle, settings),
    }


def robustness(
    influence: float, shuffled: float, late: float, variants: float = 1.0, overlap: float = 0.62
) -> Robustness:
    """What may be found of a label; *variants* multiplies what other settings credit."""

    def of_label(amount: float) -> float:
        return amount / influence if influence else 0.0

    amounts = {
        "window of 56 days": 0.81,
        "window of 224 days": 1.13,
        "baseline by stratum alone": 1.32,
        "baseline by product alone": 1.74,
        "all counted as expansion": 1.21,
    }
    found = {name: variants * share * (influence or 1000.0) for name, share in amounts.items()}
    return Robustness(
        AS_OF - HORIZON,
        AS_OF,
        90_000.0,
        influence,
        pd.DataFrame(
            {"influence": [shuffled, late], "share": [of_label(shuffled), of_label(late)]},
            index=[SHUFFLED_TIMES, LATE_TIES],
        ),
        pd.DataFrame(
            {
                "influence": list(found.values()),
                "ratio": [of_label(amount) for amount in found.values()],
                "top_overlap": [0.9, 0.95, 0.8, overlap, 1.0],
            },
            index=list(found),
        ),
    )


@pytest.fixture(scope="session")
def with_influence(result: TrainingResult) -> Callable[..., TrainingResult]:
    """The same run with another amount of influence, of what placebos find, and of referral value."""

    def change(
        influence: float, shuffled: float, late: float, referral: float = 10_000.0, **rest: float
    ) -> TrainingResult:
        totals = result.label_totals | {
            "network_value": referral + influence,
            "referral_value": referral,
            "influence_value": influence,
        }
        return replace(result, label_totals=totals, robustness=robustness(influence, shuffled, late, **rest))

    return change


@pytest.fixture(scope="session")
def page(result: TrainingResult) -> str:
    return render(result)


@pytest.fixture(scope="session")
def with_lead(result: TrainingResult) -> Callable[..., TrainingResult]:
    """The same run with another lead over the best rule, and its interval."""

    def change(lead: float, low: float, high: float) -> TrainingResult:
        return replace(result, backtest=replace(result.backtest, lead=(lead, low, high)))

    return change


@pytest.fixture(scope="session")
def bleak(result: TrainingResult) -> TrainingResult:
    """The same run with everything undefined that can be, in a dataset that has next to nothing."""
    found = result.backtest
    rankings, heads = found.rankings.copy(), found.heads.copy()
    first = rankings["cutoff"].iloc[0]
    rankings.loc[rankings["cutoff"] == first, ["capture", "pr_auc", "gini", "spearman"]] = math.nan
    # a rule that puts everybody equal at one cutoff has no row there
    rankings = rankings[
        ~((rankings["ranking"] == "degree") & (rankings["cutoff"] == heads["cutoff"].iloc[1]))
    ]
    heads.loc[:, ["predicted_share", "coverage", "brier"]] = math.nan
    backtest = replace(
        found,
        rankings=rankings,
        heads=heads,
        lead=(math.nan, math.nan, math.nan),
        deciles=found.deciles.assign(coverage=math.nan),
        slices=pd.DataFrame(),
    )
    checks = replace(
        result.checks,
        rows={"customers": 400, "orders": 900},
        absent=["usage", "catalog", "interactions", "feedback"],
    )
    features = result.features.head(12).assign(tenure_days=math.nan, total_revenue=0.0)
    features = features.assign(margin_share=math.nan)
    scores = score_population(result.bundle, features)
    return replace(
        result,
        backtest=backtest,
        checks=checks,
        features=features,
        scores=scores.assign(network_value_high=math.inf),
        **valued(result.settings, result.bundle, features, scores, measured=False),
        label_totals=dict.fromkeys(result.label_totals, 0.0),
        robustness=None,
        predictions=pd.DataFrame(),
        drift=pd.DataFrame(),
        earlier_effects={},
        histories=Histories(),
        changes=None,
    )


@pytest.fixture(scope="session")
def visible() -> Callable[[str], str]:
    """What a reader can see or hear of a page: its text, titles and labels."""
    return _visible


def _bundle(settings: Settings) -> tuple[Bundle, pd.DataFrame]:
    specs = tuple(
        FeatureSpec(feature.name, feature.family, feature.unit, feature.description)
        for feature in catalogue(settings.features)
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
        interval=Interval(0.8, (50.0, 200.0), (0.0, 0.1, 0.2), (0.0, 2.5, 3.0)),
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
    ids = pd.Index([f"c{i:04d}" for i in range(CUSTOMERS)], name="customer_id")
    features = pd.DataFrame(x, columns=names, index=ids)
    best = score_population(bundle, features)["rank"].idxmin()
    return bundle, features.rename(index={best: ODD_ID})


def _booster(x: np.ndarray, y: np.ndarray, names: list[str], objective: str) -> lgb.Booster:
    parameters = {"objective": objective, "num_leaves": 7, "num_threads": 1, "seed": 1, "verbose": -1}
    trained = lgb.train(parameters, lgb.Dataset(x, y, feature_name=names), num_boost_round=30)
    return lgb.Booster(model_str=trained.model_to_string())


def _checks() -> Report:
    rows = {"customers": CUSTOMERS, "orders": 5000, "usage": 20_000, "catalog": 12, "interactions": 3000}
    aside = Finding(
        "interactions.kind: one referrer for a customer",
        "the earliest referral counts",
        7,
        [],
        set_aside=True,
    )
    return Report(rows, datetime(2023, 1, 1), AS_OF, [aside], ["feedback"], Counter())


def _backtest(plan: Schedule) -> Backtest:
    rows, heads = [], []
    for i, cutoff in enumerate(plan.evaluation):
        day = f"{cutoff:%Y-%m-%d}"
        for j, name in enumerate((MODEL, *RULES)):
            capture = 0.6 - 0.15 * j + 0.02 * i
            metrics = {"precision": capture / 2, "pr_auc": capture / 3, "gini": 0.7 - 0.1 * j}
            ends = {"capture_low": capture - 0.07, "capture_high": capture + 0.08}
            ends |= {"lead": 0.15 * j, "lead_low": 0.15 * j - 0.11, "lead_high": 0.15 * j + 0.07}
            shown = {"cutoff": day, "ranking": name, "capture": capture, **metrics, "spearman": 0.1 * j}
            rows.append(shown | ends)
        heads.append(
            {
                "cutoff": day,
                "customers": 300.0 + i,
                "realised": 25_000.0,
                "predicted_share": (3.2, 0.7, 1.02)[i],
                "coverage": (0.6, 0.82, 0.93)[i],
                "brier": (0.05, 0.046, 0.03)[i],
                "brier_base_rate": 0.046,
            }
        )
    table = pd.DataFrame(rows)
    pooled = table.groupby("ranking", as_index=False).mean(numeric_only=True).assign(cutoff="pooled")
    deciles = pd.DataFrame(
        {
            "decile": range(1, 11),
            "predicted": [0.5 * 2.0**i for i in range(10)],
            "realised": [0.0, 0.0, *(0.6 * 2.0**i for i in range(2, 10))],
            "coverage": [1.0, 1.0, 0.95, 0.9, 0.85, 0.8, 0.8, 0.75, 0.7, 0.65],
        }
    )
    return Backtest(
        pd.concat([table, pooled], ignore_index=True),
        pd.DataFrame(heads),
        deciles,
        RULES[0],
        (0.15, 0.04, 0.22),
        _slices(),
    )


def _slices() -> pd.DataFrame:
    names = [EVERYBODY, COLD_START, "known in training", "degree decile 10", "country <X>"]
    return pd.DataFrame(
        {
            "slice": names,
            "customers": [903, 100, 803, 90, 7],
            "top_share": [1.0, 0.1, 0.9, 0.6, 0.0],
            "true_top_share": [1.0, 0.2, 0.8, 0.5, 0.0],
            "predicted_share": [1.0, 0.4, 1.1, 0.9, math.nan],
            "coverage": [0.81, 0.7, 0.83, 0.75, 1.0],
            "capture": [0.6, 0.3, 0.65, 0.5, math.nan],
            "rule_capture": [0.45, 0.5, 0.4, 0.3, math.nan],
        }
    )


def _predictions(plan: Schedule, customers: pd.Index) -> pd.DataFrame:
    random = np.random.default_rng(4)
    parts = []
    for cutoff in plan.evaluation:
        probability = random.beta(0.1, 1.9, len(customers))
        value = random.lognormal(2, 2, len(customers))
        parts.append(
            pd.DataFrame(
                {
                    "cutoff": pd.Timestamp(cutoff),
                    "customer_id": customers,
                    "predicted": value,
                    "low": 0.0,
                    "high": 3 * value,
                    "top_probability": probability,
                    "realised": value * random.lognormal(0, 1, len(customers)),
                    "at_top": random.random(len(customers)) < probability,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _earlier_effects(bundle: Bundle, features: pd.DataFrame, plan: Schedule) -> dict[str, np.ndarray]:
    own = bundle.contributions("value", bundle.matrix(features.sort_index()))[0]
    random = np.random.default_rng(5)
    return {f"{cutoff:%Y-%m-%d}": own * random.lognormal(0, 0.3, own.shape) for cutoff in plan.evaluation}


def _histories(plan: Schedule, features: pd.DataFrame, customers: list[str]) -> Histories:
    """The last of *customers* had not joined, and the first is credited with two others."""
    places = pd.MultiIndex.from_product([customers[:-1], plan.grid[-4:]], names=["customer_id", "cutoff"])
    labels = pd.DataFrame({"network_value": 0.0, "direct_value": 12.0}, index=places)
    labels.loc[customers[0], "network_value"] = [0.0, 100.0, 50.0, 20.0]
    known = features.loc[places.get_level_values(0)].set_axis(places)
    influenced = pd.DataFrame(
        {
            "source_id": customers[0],
            "target_id": ["c9998", "c9999"],
            "referred": [True, False],
            "probability": [1.0, 0.25],
            "value": [70.0, 30.0],
        }
    )
    return Histories(known, labels, influenced, plan.grid[-1], AS_OF)


def _changes(bundle: Bundle, features: pd.DataFrame, scores: pd.DataFrame) -> Changes:
    """Since an earlier version, when one of the best had not joined and another was like the last."""
    best = list(scores.sort_values("rank").index)
    earlier = features.drop(best[1])
    earlier.loc[best[0]] = earlier.loc[best[-1]]
    before = Scored("3", AS_OF - HORIZON, bundle, earlier, score_population(bundle, earlier))
    return changes(Scored("4", AS_OF, bundle, features, scores), before)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("style", "script")
        self.found += [value or "" for name, value in attrs if name in ("title", "aria-label", "alt")]

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.found.append(data)


def _visible(html: str) -> str:
    parser = _Text()
    parser.feed(html)
    parser.close()
    return re.sub(r"[^\S\u00a0]+", " ", " ".join(parser.found))
