"""Whether the two heads agree, and about whom they do not."""

from __future__ import annotations

import pandas as pd
from scipy.stats import rankdata

from ripple.training.evaluation.metrics import rank_correlation, top

FAR = 5
"""A customer at the top by value and not even among this many times as many by probability."""


def rank_agreement(scores: pd.DataFrame) -> float:
    """Spearman's ρ between expected network value and the probability of being at the top."""
    return rank_correlation(scores["network_value"].to_numpy(), scores["top_probability"].to_numpy())


def disagreements(scores: pd.DataFrame, share: float) -> pd.DataFrame:
    """Customers at the top by expected value whose probability of being there is far lower than their rank.

    Such a customer is a gamble: a small chance of a great deal. There may also be an error in their data.

    Returns:
        Rows of *scores*, highest expected value first, with `value_rank` and `probability_rank`, 1 the best.
    """
    ranked = scores.assign(
        value_rank=rankdata(-scores["network_value"], "min"),
        probability_rank=rankdata(-scores["top_probability"], "min"),
    )
    at_top = top(scores["network_value"].to_numpy(), share)
    far = ranked["probability_rank"] > FAR * at_top.sum()
    return ranked[at_top & far].sort_values("value_rank", kind="stable")
