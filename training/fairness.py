"""Whether the model serves some groups of customers worse than others: the backtest by group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from features.tables import Dataset
from training.backtest import Forecaster
from training.predictions import CUTOFF

BANDED = {
    "tenure_days": "days since joining",
    "total_revenue": "own revenue",
    "out_degree": "customers in contact",
}
"""Feature → what it is called where customers are told apart by thirds of it."""
MOST = 12
"""Values an attribute may have to be taken for groups; of more, the rest counts as "other"."""
UNKNOWN, OTHER = "not given", "other"


def fairness(dataset: Dataset, forecaster: Forecaster, predictions: pd.DataFrame) -> pd.DataFrame:
    """The backtest by thirds of some features and by the text attributes of customers.

    Args:
        predictions: of `training.predictions`, at cutoffs that *forecaster* holds examples of.

    Returns:
        One row per `slice` and `group`: `customers` (rows over all cutoffs), `share` of all of them,
        `top_share` and `true_top_share` (of the predicted and of the true top, the part in the group),
        `predicted_share` (total predicted ÷ realised; nan without value) and `coverage` of the interval
        (nan where nothing was calibrated).
    """
    top = predictions.groupby(CUTOFF)["predicted"].rank(method="first", ascending=False)
    chosen = top <= predictions.groupby(CUTOFF)["at_top"].transform("sum")
    inside = predictions["realised"].between(predictions["low"], predictions["high"])
    calibrated = predictions["low"].notna()
    rows = []
    for name, groups in (_banded(forecaster, predictions) | _attributes(dataset, predictions)).items():
        for group in groups.cat.categories:
            mask = (groups == group).to_numpy()
            if not mask.any():
                continue
            realised = predictions["realised"][mask].sum()
            rows.append(
                {
                    "slice": name,
                    "group": str(group),
                    "customers": int(mask.sum()),
                    "share": float(mask.mean()),
                    "top_share": _share(chosen, mask),
                    "true_top_share": _share(predictions["at_top"], mask),
                    "predicted_share": float(predictions["predicted"][mask].sum() / realised)
                    if realised > 0
                    else np.nan,
                    "coverage": float(inside[mask & calibrated].mean()),
                }
            )
    return pd.DataFrame(rows)


def _share(flag: pd.Series, mask: np.ndarray) -> float:
    return float(flag[mask].sum() / flag.sum()) if flag.any() else np.nan


def _banded(forecaster: Forecaster, predictions: pd.DataFrame) -> dict[str, pd.Series]:
    cutoffs = [pd.Timestamp(cutoff).to_pydatetime() for cutoff in predictions[CUTOFF].unique()]
    features = pd.concat(
        [forecaster.examples[cutoff].features.assign(**{CUTOFF: pd.Timestamp(cutoff)}) for cutoff in cutoffs]
    )
    known = predictions[[CUTOFF, "customer_id"]].merge(
        features.reset_index()[[CUTOFF, "customer_id", *(name for name in BANDED if name in features)]],
        on=[CUTOFF, "customer_id"],
        how="left",
    )
    return {
        spoken: _thirds(known[name])
        for name, spoken in BANDED.items()
        if name in known and known[name].nunique() > 1
    }


def _thirds(values: pd.Series) -> pd.Series:
    first, second = values.quantile([1 / 3, 2 / 3])
    names = [f"up to {first:,.0f}", f"over {first:,.0f} to {second:,.0f}", f"over {second:,.0f}"]
    found = np.select([values.isna(), values <= first, values <= second], [UNKNOWN, *names[:2]], names[2])
    return pd.Series(pd.Categorical(found, categories=list(dict.fromkeys([*names, UNKNOWN]))))


def _attributes(dataset: Dataset, predictions: pd.DataFrame) -> dict[str, pd.Series]:
    found = dataset.tables["customers"].to_pyarrow()
    rows = pd.Index(found["customer_id"].to_pylist()).get_indexer(predictions["customer_id"])
    groups = {}
    for name in dataset.attributes:
        column = found[name]
        if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            continue
        given = pd.Series(column.to_pylist(), dtype=object).iloc[rows].fillna(UNKNOWN).reset_index(drop=True)
        common = given.value_counts().sort_index().sort_values(ascending=False, kind="stable").index[:MOST]
        if len(common) > 1:
            told = given.where(given.isin(common), OTHER)
            groups[name] = told.astype(pd.CategoricalDtype(list(dict.fromkeys([*common, OTHER]))))
    return groups
