"""What a version foresaw, customer by customer: out-of-sample predictions beside what came true."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from ripple.features.dataset import Dataset
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.examples.examples import examples_at

logger = logging.getLogger(__name__)

CUTOFF, REVISITED = "cutoff", "revisited"


def predictions(backtester: RollingOriginBacktester, cutoffs: Iterable[datetime]) -> pd.DataFrame:
    """Every customer alive at each of *cutoffs*, scored by heads and calibration of that time.

    Returns:
        One row per cutoff and customer, in an order that follows from what the rows hold and not from ids:
        `cutoff`, `customer_id`, `predicted` (in currency; without interval and probability where nothing had
        closed to calibrate on), `low`, `high`, `top_probability`, `realised` and `at_top`, whether
        the customer truly belonged to the top.
    """
    found = [_at(backtester, cutoff) for cutoff in cutoffs]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def evaluated_at(found: pd.DataFrame | None) -> list[datetime]:
    """The cutoffs at which a run was judged by itself, oldest first; none where there is no table.

    Others in the table are marked `revisited`: it stood there only to be compared with an earlier version.
    """
    if found is None or found.empty:
        return []
    own = found[~found[REVISITED]] if REVISITED in found else found
    return [cutoff.to_pydatetime() for cutoff in sorted(own[CUTOFF].unique())]


def _at(backtester: RollingOriginBacktester, cutoff: datetime) -> pd.DataFrame:
    found, calibration = backtester.judged(cutoff), backtester.calibration(cutoff)
    low = high = probability = np.full(len(found.predicted), np.nan)
    if calibration is not None:
        low, high = calibration.interval.bounds(found.predicted)
        probability = calibration.probability(found.log_odds)
    return pd.DataFrame(
        {
            CUTOFF: pd.Timestamp(cutoff),
            "customer_id": backtester.examples[cutoff].rows.index.to_numpy(),
            "predicted": found.predicted,
            "low": low,
            "high": high,
            "top_probability": probability,
            "realised": found.value,
            "at_top": found.at_top,
        }
    )


def looking_back(
    backtester: RollingOriginBacktester, dataset: Dataset, cutoffs: Iterable[datetime]
) -> RollingOriginBacktester:
    """The forecaster able to stand at further *cutoffs*, those among them at which it could have stood.

    Another version was judged there. When the data have grown since, the cutoffs of this run have moved with
    their end; to be compared, both have to stand at the same ones. Its schedule's `evaluation` are those
    that serve: something had closed to learn from, the window has closed, and somebody was credited in it.
    """
    plan, settings = backtester.schedule, backtester.settings
    end = settings.until or datetime.max
    examples, found = dict(backtester.examples), []
    for cutoff in sorted(set(cutoffs)):
        if (
            not plan.training_for(cutoff)
            or cutoff > end - plan.horizon
            or not backtester.has_training_labels(cutoff)
        ):
            continue
        if cutoff not in examples:
            logger.info(f"cutoff {cutoff:%Y-%m-%d}, at which the champion was judged: features and labels")
            examples[cutoff] = examples_at(dataset, cutoff)
        if (examples[cutoff].labels["network_value"] > 0).any():
            found.append(cutoff)
    return replace(backtester, examples=examples, schedule=replace(plan, evaluation=tuple(found)))
