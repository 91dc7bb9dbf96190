"""The result of a run on orders alone, from which its report and its record in MLflow are made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pandas as pd

from ripple.features.tables.attributes import SHOWN_ATTRIBUTES
from ripple.settings import Settings
from ripple.training.attribution.feature_adoptions import FeatureAdoptions
from ripple.training.examples.feasibility import NETWORK_VALUE_NEEDS, NO_CREDIT
from ripple.training.insights.direct_value import LAST_PERIOD, PREDICTED, PROCESS
from ripple.training.orders_alone.spend_value import SpendValue
from ripple.training.result import TrainingData, rows


@dataclass(frozen=True)
class SpendResult:
    """The result of a run on orders alone.

    Attributes:
        name: of the run.
        dataset: short name of the dataset.
        as_of: end of the data.
        shares, curves: concentration of spend; see `insights.concentration`.
        attributes: those of the customers that the report shows, see `examples.profile`.
        features: number of features that were learnt from.
        feature_adoptions: who moved others to use a feature in the latest closed window; None without usage
            or interactions.
    """

    name: str
    dataset: str
    settings: Settings
    data: TrainingData
    as_of: datetime
    value: SpendValue
    shares: pd.DataFrame
    curves: pd.DataFrame
    attributes: pd.DataFrame
    features: int
    feature_adoptions: FeatureAdoptions | None = None

    @property
    def needs(self) -> str:
        """Why network value is not predicted, and what to bring."""
        return NETWORK_VALUE_NEEDS if "interactions" in self.data.checks.absent else NO_CREDIT

    def headline(self) -> dict[str, float]:
        """The numbers that are printed, logged and shown first."""
        direct, customers = self.value.direct, self.value.customers
        means = direct.metrics.groupby("ranking")[["capture", "gini", "spearman"]].mean()
        totals = direct.metrics[direct.metrics["ranking"] == PREDICTED]["total"]
        lead, low, high = direct.lead
        process = {"process_capture": float(means["capture"][PROCESS])} if PROCESS in means.index else {}
        return {
            "customers": float(len(customers)),
            "direct_value": float(customers["direct_value"].sum()),
            "lifetime_value": float(customers["lifetime_value"].sum()),
            **{f"direct_{name}": float(means[name][PREDICTED]) for name in means},
            "last_period_capture": float(means["capture"][LAST_PERIOD]),
            **process,
            "direct_lead": lead,
            "direct_lead_low": low,
            "direct_lead_high": high,
            "direct_predicted_share": float(totals.median()),
        }

    def table(self) -> pd.DataFrame:
        """The value of every customer for other programs, in currency; what is unknown is empty."""
        columns = {"low": "direct_value_low", "high": "direct_value_high", "gain": "max_cost"}
        table = self.value.customers.rename(columns=columns).round(
            dict.fromkeys([*columns.values(), "revenue", "margin", "direct_value", "lifetime_value"], 2)
        )
        shown = [name for name in SHOWN_ATTRIBUTES if name in self.attributes]
        table = self.attributes[shown].reindex(table.index).join(table)
        label = self.feature_adoptions
        return table if label is None else table.join(label.credited.reindex(table.index).fillna(0.0))

    def record(self) -> dict[str, Any]:
        """The result as plain data, for evidence.json; what is undefined is null."""
        direct, checks = self.value.direct, self.data.checks
        return {
            "name": self.name,
            "dataset": self.dataset,
            "settings": self.settings.model_dump(mode="json"),
            "network_value": self.needs,
            "feature_adoptions": self.feature_adoptions.record() if self.feature_adoptions else None,
            "rows": checks.rows,
            "absent_tables": checks.absent,
            "set_aside": {finding.key: finding.count for finding in checks.set_aside},
            "data_start": checks.start.isoformat(),
            "data_end": self.as_of.isoformat(),
            "evaluation_cutoffs": [cutoff.isoformat() for cutoff in self.data.schedule.evaluation],
            "training_cutoffs": [cutoff.isoformat() for cutoff in self.data.schedule.grid],
            "headline": {name: None if value != value else value for name, value in self.headline().items()},
            "direct": rows(direct.metrics.astype({"cutoff": str})),
            "lifetime": rows(
                direct.lifetime_metrics.astype(
                    {name: str for name in ("cutoff",) if name in direct.lifetime_metrics}
                )
            ),
            "concentration": rows(self.shares),
            "digests": dict(self.data.digests),
        }
