"""Which customers are at the top, by a score or by what was realised."""

from __future__ import annotations

import numpy as np

from ripple.models.batch_scoring import top_count


def top_mask(score: np.ndarray, share: float) -> np.ndarray:
    """Mask of the top *share* of customers by *score*: ⌈share·n⌉ of them, ties broken by position."""
    mask = np.zeros(len(score), dtype=bool)
    mask[np.argsort(-score, kind="stable")[: top_count(share, len(score))]] = True
    return mask


def top_members(value: np.ndarray, share: float) -> np.ndarray:
    """Mask of the true top: the best ⌈share·n⌉ customers by realised *value*, without those of value zero."""
    return top_mask(value, share) & (value > 0)
