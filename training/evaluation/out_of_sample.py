"""Out-of-sample predictions of a version, customer by customer, with the realised values."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from ripple.features.dataset import Dataset
from ripple.models.value_range import Ranges
from ripple.training.evaluation.backtest import RollingOriginBacktester
from ripple.training.evaluation.prediction_table import CUTOFF
from ripple.training.examples.examples import examples_at

logger = logging.getLogger(__name__)


def out_of_sample_predictions(
    backtester: RollingOriginBacktester, cutoffs: Iterable[datetime]
) -> pd.DataFrame:
    """Every customer alive at each of *cutoffs*, scored by heads and calibration of that time.

    Returns:
        One row per cutoff and customer, in an order that follows from what the rows hold and not from ids:
        `cutoff`, `customer_id`, `predicted` (in currency), the fields of `Ranges` and `top_probability` (nan
        where nothing had closed to calibrate on), `realised` (in currency) and `at_top`, whether the customer
        truly belonged to the top.
    """
    tables = [_predictions_at(backtester, cutoff) for cutoff in cutoffs]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _predictions_at(backtester: RollingOriginBacktester, cutoff: datetime) -> pd.DataFrame:
    held_out, calibration = backtester.evaluation_predictions(cutoff), backtester.calibration(cutoff)
    unknown = np.full(len(held_out.predicted), np.nan)
    ranges, probability = Ranges(*[unknown] * len(Ranges._fields)), unknown
    if calibration is not None:
        ranges, probability = calibration.ranges(held_out), calibration.probability(held_out.log_odds)
    return pd.DataFrame(
        {
            CUTOFF: pd.Timestamp(cutoff),
            "customer_id": backtester.examples[cutoff].rows.index.to_numpy(),
            "predicted": held_out.predicted,
            **ranges._asdict(),
            "top_probability": probability,
            "realised": held_out.realised,
            "at_top": held_out.at_top,
        }
    )


def at_champions_cutoffs(
    backtester: RollingOriginBacktester, dataset: Dataset, cutoffs: Iterable[datetime]
) -> RollingOriginBacktester:
    """The backtester extended to those of *cutoffs*, at which a champion was evaluated, that can serve.

    When the data have grown since, the cutoffs of this run have moved with their end; to be compared, both
    versions need predictions at the same ones. They become the `evaluation` of the schedule, if something had
    closed to learn from, the window has closed, and somebody was credited in it.
    """
    schedule, settings = backtester.schedule, backtester.settings
    end = settings.until or datetime.max
    examples, serving = dict(backtester.examples), []
    for cutoff in sorted(set(cutoffs)):
        if (
            not schedule.training_for(cutoff)
            or cutoff > end - schedule.horizon
            or not backtester.has_training_labels(cutoff)
        ):
            continue
        if cutoff not in examples or examples[cutoff].known_today is None:
            logger.info(f"cutoff {cutoff:%Y-%m-%d}, at which the champion was evaluated: features and labels")
            examples[cutoff] = examples_at(dataset, cutoff)
        if (examples[cutoff].labels["network_value"] > 0).any():
            serving.append(cutoff)
    return replace(backtester, examples=examples, schedule=replace(schedule, evaluation=tuple(serving)))
