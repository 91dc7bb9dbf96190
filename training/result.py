"""The result of a training run, in the parts that the report and the record of the run are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ripple.features.tables.attributes import DISPLAY_NAME, SHOWN_ATTRIBUTES
from ripple.features.validation.findings import Report
from ripple.models.bundle import Bundle
from ripple.settings import Settings
from ripple.training.attribution.controls.negative_controls import NegativeControls
from ripple.training.attribution.feature_adoptions import FeatureAdoptions
from ripple.training.attribution.robustness import Robustness, chance_share
from ripple.training.estimators.total_forecast import TotalForecast
from ripple.training.evaluation.cutoff_evaluation import Backtest
from ripple.training.evaluation.head_agreement import disagreements, rank_agreement
from ripple.training.evaluation.judged_tops import JudgedTop, judged_tops
from ripple.training.evaluation.membership_changes import MembershipChanges
from ripple.training.evaluation.tuning import Search
from ripple.training.examples.cutoffs import Schedule
from ripple.training.insights.best_periods import BestPeriods
from ripple.training.insights.claims import Claim
from ripple.training.insights.concentration import Concentration
from ripple.training.insights.customer_histories import CustomerHistories
from ripple.training.insights.customer_value import CustomerValue
from ripple.training.insights.plays import Playbook
from ripple.training.insights.plays_log import PlaysLog
from ripple.training.insights.power_use import PowerUse


@dataclass(frozen=True)
class TrainingData:
    """The data that a version was trained on.

    Attributes:
        checks: findings of the validation of the tables, with the rows set aside.
        digests: digest of each table, by name.
        identity: see `examples.provenance.Provenance`.
    """

    checks: Report
    schedule: Schedule
    digests: Mapping[str, str] = field(default_factory=dict)
    identity: str = ""


@dataclass(frozen=True)
class LabelSummary:
    """The label of the latest closed window.

    Attributes:
        totals: all revenue, network value, and its referral and influence parts, in currency.
        robustness: placebo tests and sensitivity; None without interactions.
        controls: negative controls; None without interactions.
    """

    totals: dict[str, float]
    robustness: Robustness | None
    controls: NegativeControls | None = None

    @property
    def chance_share(self) -> float:
        """Share of network value that may be due to chance, 0 to 1."""
        return chance_share(self.totals, self.robustness)


@dataclass(frozen=True)
class Evaluation:
    """The evaluation of the procedure at closed cutoffs.

    Attributes:
        predictions: out-of-sample predictions, by cutoff and customer; see `evaluation.out_of_sample`.
        revisited: the same at evaluation cutoffs of the champion that are not evaluation cutoffs of this run.
        search: the parameter search; see `evaluation.tuning`. None where parameters were not searched.
        earlier_effects: SHAP values by the heads of the evaluation cutoffs; see
            `insights.explanation_stability`.
    """

    backtest: Backtest
    predictions: pd.DataFrame = field(default_factory=pd.DataFrame)
    revisited: pd.DataFrame = field(default_factory=pd.DataFrame)
    search: Search | None = None
    earlier_effects: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def out_of_sample(self) -> pd.DataFrame:
        """All predictions that can be compared with those of another version, `revisited` ones marked."""
        evaluated = self.predictions.assign(revisited=False)
        if self.revisited.empty:
            return evaluated
        return pd.concat([evaluated, self.revisited.assign(revisited=True)], ignore_index=True)


def attribute_text(value: Any) -> str:
    """The value of an attribute as a person would write it."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return f"{value:,.6g}" if isinstance(value, float | np.floating) else str(value)


@dataclass(frozen=True)
class Population:
    """All customers at the end of the data, as the version scores them.

    Attributes:
        as_of: end of the data.
        features, scores: a row per customer, indexed by customer_id; see `models.batch_scoring`.
        total: network value of all of them together, with its interval.
        attributes: those attributes of the same customers that are text.
        profile: all their attributes that the report shows, as `settings.report` names them.
        drift: of features and scores since the training cutoffs; see `evaluation.drift`.
        histograms: of the features that have moved most; see `evaluation.drift`.
        head_parameters: the LightGBM parameters of each head; see `estimators.heads.Heads`.
    """

    bundle: Bundle
    as_of: datetime
    features: pd.DataFrame
    scores: pd.DataFrame
    total: TotalForecast
    attributes: pd.DataFrame | None = None
    drift: pd.DataFrame = field(default_factory=pd.DataFrame)
    head_parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    histograms: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    profile: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def shown_attributes(self) -> dict[str, pd.Series]:
        """Those of `SHOWN_ATTRIBUTES` that there are, by customer_id, empty where a customer has none."""
        attributes = pd.DataFrame() if self.attributes is None else self.attributes
        sources = [table for table in (self.profile, attributes) if not table.empty]
        return {
            name: next(table[name] for table in sources if name in table).fillna("").astype(str)
            for name in SHOWN_ATTRIBUTES
            if any(name in table for table in sources)
        }

    def attributes_of(self, customer: str) -> list[tuple[str, str]]:
        """Name and value of each other attribute that the report shows of *customer*, if it is known."""
        if customer not in self.profile.index:
            return []
        row = self.profile.drop(columns=[*SHOWN_ATTRIBUTES], errors="ignore").loc[customer]
        return [(str(name), attribute_text(value)) for name, value in row.items() if not pd.isna(value)]

    @cached_property
    def display_names(self) -> dict[str, str]:
        """The names of the customers that have one, by customer_id."""
        names = self.shown_attributes.get(DISPLAY_NAME)
        return {} if names is None else {str(id_): name for id_, name in names[names != ""].items()}

    def label(self, customer: str) -> str:
        """A customer as text: the name, if there is one, and the id."""
        return f"{self.display_names[customer]} ({customer})" if customer in self.display_names else customer

    @property
    def empty_features(self) -> list[str]:
        """Features without a value for any customer; they have no effect on the scores."""
        return [str(name) for name in self.features if self.features[name].isna().all()]


@dataclass(frozen=True)
class Insights:
    """The meaning of the scores for the business; see the modules of these names in `training.insights`.

    Attributes:
        feature_adoptions: the label of features in the longest closed period; None without usage.
        treated_by_cutoff: by cutoff that the heads learn from, the number of customers who were contacted for
            a play in its horizon; only where there are any.
        plays_log: who was contacted for a play; None without such a table.
    """

    customer_value: CustomerValue
    concentration: Concentration
    claims: Sequence[Claim]
    playbook: Playbook
    histories: CustomerHistories = field(default_factory=CustomerHistories)
    feature_adoptions: FeatureAdoptions | None = None
    best_periods: BestPeriods | None = None
    power_use: PowerUse = field(default_factory=PowerUse)
    treated_by_cutoff: Mapping[datetime, int] = field(default_factory=dict)
    plays_log: PlaysLog | None = None


@dataclass(frozen=True)
class TrainingResult:
    """The result of a training run, from which its report and its record in MLflow are made.

    Attributes:
        name: of the run.
        dataset: short name of the dataset.
        changes: since the champion that the version was compared with; None where there is none.
    """

    name: str
    dataset: str
    settings: Settings
    data: TrainingData
    label: LabelSummary
    evaluation: Evaluation
    population: Population
    insights: Insights
    changes: MembershipChanges | None = None

    @cached_property
    def judged_tops(self) -> list[JudgedTop]:
        """The customers predicted on top at each evaluated cutoff, the oldest first."""
        evaluation = self.evaluation
        return judged_tops(evaluation.predictions, evaluation.backtest, self.settings.top_share)

    def headline(self) -> dict[str, float]:
        """The numbers that are printed, logged and shown first."""
        members = self.population.scores[self.population.scores["top_member"]]
        value = self.population.scores["network_value"].sum()
        return {
            **self.evaluation.backtest.headline(),
            "customers": float(len(self.population.scores)),
            "top_customers": float(len(members)),
            "top_value_share": float(members["network_value"].sum() / value),
            "referral_share": _share(self.label.totals, "referral_value"),
            "influence_share": _share(self.label.totals, "influence_value"),
            "chance_share": self.label.chance_share,
        }

    def record(self) -> dict[str, Any]:
        """The result as plain data, for evidence.json; what is undefined is null."""
        search = self.evaluation.search
        return {
            "name": self.name,
            "dataset": self.dataset,
            "settings": self.settings.model_dump(mode="json"),
            "rows": self.data.checks.rows,
            "absent_tables": self.data.checks.absent,
            "set_aside": {finding.key: finding.count for finding in self.data.checks.set_aside},
            "data_start": self.data.checks.start.isoformat(),
            "data_end": self.population.as_of.isoformat(),
            "evaluation_cutoffs": [cutoff.isoformat() for cutoff in self.data.schedule.evaluation],
            "training_cutoffs": [cutoff.isoformat() for cutoff in self.data.schedule.grid],
            "label": self.population.bundle.spec.label,
            "label_totals": self.label.totals,
            "robustness": _tested(self.label.robustness),
            "negative_controls": self.label.controls.record() if self.label.controls else None,
            "headline": {name: _defined(value) for name, value in self.headline().items()},
            "total": self.population.total.record(),
            "best_baseline": self.evaluation.backtest.best_baseline,
            "rankings": rows(self.evaluation.backtest.rankings),
            "heads": rows(self.evaluation.backtest.heads),
            "deciles": rows(self.evaluation.backtest.deciles),
            "slices": rows(self.evaluation.backtest.slices),
            "agreement": _defined(rank_agreement(self.population.scores)),
            "disagreements": rows(
                disagreements(self.population.scores, self.settings.top_share).reset_index()
            ),
            "direct": rows(self.insights.customer_value.direct.metrics.astype({"cutoff": str})),
            "direct_lead": [_defined(bound) for bound in self.insights.customer_value.direct.lead],
            "margin_share": _defined(self.insights.customer_value.margin_share),
            "counted_share": _defined(self.insights.customer_value.spendable_share),
            "concentration": rows(self.insights.concentration.shares),
            "overlap": rows(self.insights.concentration.overlap),
            "claims": [_claim(claim) for claim in self.insights.claims],
            "feature_adoptions": (
                self.insights.feature_adoptions.record() if self.insights.feature_adoptions else None
            ),
            "plays": rows(self.insights.playbook.plays),
            "segments": rows(self.insights.playbook.segments),
            "measured_effects": [
                asdict(effect) | {"until": effect.until.isoformat()}
                for effect in self.insights.playbook.measured.values()
            ],
            "treated": {
                cutoff.isoformat(): number for cutoff, number in self.insights.treated_by_cutoff.items()
            },
            "digests": dict(self.data.digests),
            "trials": [asdict(trial) for trial in search.trials] if search else [],
            "search": {name: _defined(value) for name, value in search.record().items()} if search else None,
            "empty_features": self.population.empty_features,
            "drift": rows(self.population.drift.rename_axis("name").reset_index()),
            "changes": self.changes.record() if self.changes else None,
        }


def _tested(robustness: Robustness | None) -> dict[str, Any] | None:
    if robustness is None:
        return None
    return {
        "start": robustness.start.isoformat(),
        "end": robustness.end.isoformat(),
        "influence_found": robustness.has_influence,
        "revenue_share": robustness.revenue_share,
        "coincidence": robustness.placebo_share,
        "placebos": robustness.placebos.to_dict("index"),
        "sensitivity": robustness.sensitivity.to_dict("index"),
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "name": claim.name,
        "quoted": list(claim.quoted),
        "found": asdict(claim.estimate) if claim.estimate else None,
        "why_not": claim.why_not,
        "start": claim.period.start.isoformat() if claim.period else None,
        "days": claim.period.days if claim.period else None,
        "beside": dict(claim.comparisons),
        "placebo_share": claim.placebo_share,
    }


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of *table* as plain data; what is undefined is null."""
    return [{str(name): _defined(value) for name, value in row.items()} for row in table.to_dict("records")]


def _defined(value: Any) -> Any:
    """*value* as plain data, or None where it is nan, which JSON does not know."""
    plain = value.item() if isinstance(value, np.generic) else value
    return None if plain != plain else plain


def _share(totals: dict[str, float], part: str) -> float:
    return totals[part] / totals["revenue"] if totals["revenue"] else 0.0
