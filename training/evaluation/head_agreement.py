"""The agreement of the two heads, and the customers about whom they disagree."""

from __future__ import annotations

import pandas as pd
from scipy.stats import rankdata

from ripple.training.evaluation.metrics import rank_correlation
from ripple.training.examples.membership import top_mask

MAX_RANK_RATIO = 5
"""The multiple of the size of the top beyond which a rank by probability disagrees with the top by value."""


def rank_agreement(scores: pd.DataFrame) -> float:
    """Spearman's ρ between expected network value and the probability of being at the top."""
    return rank_correlation(scores["network_value"].to_numpy(), scores["top_probability"].to_numpy())


def disagreements(scores: pd.DataFrame, share: float) -> pd.DataFrame:
    """Customers at the top by expected value who rank far lower by the probability of being there.

    Such a customer is a gamble: a small chance of a great deal. There may also be an error in their data.

    Returns:
        Rows of *scores*, highest expected value first, with `value_rank` and `probability_rank`, 1 the best.
    """
    ranked = scores.assign(
        value_rank=rankdata(-scores["network_value"], "min"),
        probability_rank=rankdata(-scores["top_probability"], "min"),
    )
    at_top = top_mask(scores["network_value"].to_numpy(), share)
    far = ranked["probability_rank"] > MAX_RANK_RATIO * at_top.sum()
    return ranked[at_top & far].sort_values("value_rank", kind="stable")
