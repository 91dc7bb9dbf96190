"""The label of features against known truth: who moved others to use a feature.

The world is the same with features that spread as its products do. Who has which customers as contacts, and
what they buy, stays as it is; only the usage table differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import ibis
import pandas as pd
import pyarrow as pa

from ripple import simulation
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution.feature_adoptions import FeatureAdoptions, feature_adoptions
from ripple.training.evaluation import metrics

LABEL = "label"


def evaluate_first_uses(history: simulation.History, settings: Settings) -> pd.DataFrame:
    """One row, `LABEL`: how the label of features does in the last window of a world.

    Returns:
        `share`, `true_share`: first uses credited by the label and by the truth ÷ first uses. `capture`,
        `spearman`, `total_ratio`: of first uses; with `adopters_` before, of distinct adopters. `degree`: the
        capture by number of targets. `alone_share`: first uses credited ÷ first uses where each customer
        learns features alone, so that all of it is false.
    """
    end = simulation.END
    start = end - timedelta(days=settings.horizon_days)
    spreading = replace(history, world=replace(history.world, features_spread=True))
    tables = simulation.tables(spreading)
    label = _label(tables, start, end, settings)
    alone = _label(tables | {"usage": simulation.tables(history)["usage"]}, start, end, settings)
    credited = label.credited
    truth = simulation.influenced_first_uses(spreading, start, end).loc[credited.index].astype(float)
    degree = tables["interactions"].to_pandas().groupby("source_id")["target_id"].nunique()
    row = {
        "share": _share(label),
        "true_share": truth["adoptions"].sum() / label.first_uses,
        **_compared(credited["influenced_feature_adoptions"], truth["adoptions"], settings, ""),
        **_compared(credited["influenced_adopters"], truth["adopters"], settings, "adopters_"),
        "degree": metrics.capture(
            degree.reindex(credited.index).fillna(0).to_numpy(),
            truth["adoptions"].to_numpy(),
            settings.top_share,
        ),
        "alone_share": _share(alone),
    }
    return pd.DataFrame([row], index=[LABEL])


def _label(
    tables: Mapping[str, pa.Table], start: datetime, end: datetime, settings: Settings
) -> FeatureAdoptions:
    label = feature_adoptions(
        Tables({name: ibis.memtable(table) for name, table in tables.items()}), start, end, settings
    )
    assert label is not None  # a simulated world has usage and interactions
    return label


def _share(label: FeatureAdoptions) -> float:
    """First uses credited to customers who had joined before the window ÷ first uses."""
    return float(label.credited["influenced_feature_adoptions"].sum()) / label.first_uses


def _compared(
    score: pd.Series[float], truth: pd.Series[float], settings: Settings, prefix: str
) -> dict[str, float]:
    total = float(truth.sum())
    return {
        f"{prefix}capture": metrics.capture(score.to_numpy(), truth.to_numpy(), settings.top_share),
        f"{prefix}spearman": metrics.rank_correlation(score.to_numpy(), truth.to_numpy()),
        f"{prefix}total_ratio": float(score.sum()) / total if total else float("nan"),
    }
