"""The table of out-of-sample predictions: the names of its columns, and the cutoffs it evaluates."""

from __future__ import annotations

from datetime import datetime

import pandas as pd

CUTOFF, REVISITED = "cutoff", "revisited"


def evaluated_at(predictions: pd.DataFrame | None) -> list[datetime]:
    """The cutoffs at which a run was evaluated by itself, oldest first; none where there is no table.

    Rows of other cutoffs are marked `revisited`: they serve only to compare the run with an earlier version.
    """
    if predictions is None or predictions.empty:
        return []
    evaluated = predictions[~predictions[REVISITED]] if REVISITED in predictions else predictions
    return [cutoff.to_pydatetime() for cutoff in sorted(evaluated[CUTOFF].unique())]
