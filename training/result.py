"""What a training run found: everything the report and the record of the run are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from ripple.features.validation.checks import Report
from ripple.models.bundle import Bundle
from ripple.settings import Settings
from ripple.training.attribution.robustness import Robustness
from ripple.training.evaluation.cutoff_evaluation import Backtest
from ripple.training.evaluation.head_agreement import disagreements, rank_agreement
from ripple.training.evaluation.membership_changes import MembershipChanges
from ripple.training.evaluation.tuning import Trial
from ripple.training.examples.cutoffs import Schedule
from ripple.training.insights.claims import Claim
from ripple.training.insights.concentration import Concentration
from ripple.training.insights.customer_histories import CustomerHistories
from ripple.training.insights.customer_value import CustomerValue
from ripple.training.insights.plays import Playbook


@dataclass(frozen=True)
class TrainingResult:
    """One run's findings.

    Attributes:
        dataset: the dataset's short name.
        checks: what checking the tables found, rows set aside included.
        label_totals: over the latest closed window, in currency: all revenue, network value, and its
            referral and influence parts.
        robustness: of the label of that window; None without interactions.
        as_of: the moment of `features` and `scores`: the end of the data.
        features, scores: of all customers alive then, indexed by customer_id; see `models.batch_scoring`.
        attributes: those of the same customers that are text.
        customer_value, concentration, claims, playbook: what customers are worth, who holds how much of it,
            figures that are quoted about them, and who gets which play; see the modules of these names.
        predictions: of the backtest, by cutoff and customer; see `ripple.training.evaluation.out_of_sample`.
        revisited: the same at cutoffs at which the champion was judged and this run was not.
        digests: of each table, by name.
        trials: choices of parameters that were tried before; see `ripple.training.evaluation.tuning`.
        drift: since the cutoffs that were learnt from; see `ripple.training.evaluation.drift`.
        earlier_effects: reasons by the heads of judged cutoffs; see `insights.explanation_stability`.
        histories: of the listed customers.
        changes: since the champion that this run was compared with; None where there is none.
    """

    name: str
    dataset: str
    settings: Settings
    checks: Report
    schedule: Schedule
    backtest: Backtest
    label_totals: dict[str, float]
    robustness: Robustness | None
    bundle: Bundle
    as_of: datetime
    features: pd.DataFrame
    scores: pd.DataFrame
    customer_value: CustomerValue
    concentration: Concentration
    claims: Sequence[Claim]
    playbook: Playbook
    predictions: pd.DataFrame = field(default_factory=pd.DataFrame)
    revisited: pd.DataFrame = field(default_factory=pd.DataFrame)
    digests: Mapping[str, str] = field(default_factory=dict)
    trials: Sequence[Trial] = ()
    attributes: pd.DataFrame | None = None
    drift: pd.DataFrame = field(default_factory=pd.DataFrame)
    earlier_effects: Mapping[str, np.ndarray] = field(default_factory=dict)
    histories: CustomerHistories = field(default_factory=CustomerHistories)
    changes: MembershipChanges | None = None

    @property
    def empty_features(self) -> list[str]:
        """Features without a value for any customer at the end of the data: they tell nobody apart."""
        return [str(name) for name in self.features if self.features[name].isna().all()]

    @property
    def out_of_sample(self) -> pd.DataFrame:
        """All predictions that can be compared with another version's, those `revisited` marked."""
        own = self.predictions.assign(revisited=False)
        if self.revisited.empty:
            return own
        return pd.concat([own, self.revisited.assign(revisited=True)], ignore_index=True)

    def headline(self) -> dict[str, float]:
        """The numbers that are printed, logged and shown first."""
        members = self.scores[self.scores["top_member"]]
        value = self.scores["network_value"].sum()
        return {
            **self.backtest.headline(),
            "customers": float(len(self.scores)),
            "top_customers": float(len(members)),
            "top_value_share": float(members["network_value"].sum() / value),
            "referral_share": _share(self.label_totals, "referral_value"),
            "influence_share": _share(self.label_totals, "influence_value"),
            "coincidence": self.robustness.placebo_share if self.robustness else 0.0,
        }

    def record(self) -> dict[str, Any]:
        """The findings as plain data, for evidence.json; what is undefined is null."""
        return {
            "name": self.name,
            "dataset": self.dataset,
            "settings": self.settings.model_dump(mode="json"),
            "rows": self.checks.rows,
            "absent_tables": self.checks.absent,
            "set_aside": {finding.key: finding.count for finding in self.checks.set_aside},
            "data_start": self.checks.start.isoformat(),
            "data_end": self.as_of.isoformat(),
            "evaluation_cutoffs": [cutoff.isoformat() for cutoff in self.schedule.evaluation],
            "training_cutoffs": [cutoff.isoformat() for cutoff in self.schedule.grid],
            "label": self.bundle.spec.label,
            "label_totals": self.label_totals,
            "robustness": _tested(self.robustness),
            "headline": {name: _defined(value) for name, value in self.headline().items()},
            "best_baseline": self.backtest.best_baseline,
            "rankings": rows(self.backtest.rankings),
            "heads": rows(self.backtest.heads),
            "deciles": rows(self.backtest.deciles),
            "slices": rows(self.backtest.slices),
            "agreement": _defined(rank_agreement(self.scores)),
            "disagreements": rows(disagreements(self.scores, self.settings.top_share).reset_index()),
            "direct": rows(self.customer_value.direct.metrics.astype({"cutoff": str})),
            "direct_lead": [_defined(bound) for bound in self.customer_value.direct.lead],
            "margin_share": _defined(self.customer_value.margin_share),
            "counted_share": _defined(self.customer_value.spendable_share),
            "concentration": rows(self.concentration.shares),
            "overlap": rows(self.concentration.overlap),
            "claims": [_claim(claim) for claim in self.claims],
            "plays": rows(self.playbook.plays),
            "segments": rows(self.playbook.segments),
            "digests": dict(self.digests),
            "trials": [asdict(trial) for trial in self.trials],
            "empty_features": self.empty_features,
            "drift": rows(self.drift.rename_axis("name").reset_index()),
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
