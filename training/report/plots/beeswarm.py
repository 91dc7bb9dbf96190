"""The beeswarm of shap as inline SVG; shap takes seconds to import, so it is imported when one is drawn."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from markupsafe import Markup

from ripple.training.report.plots import canvas
from ripple.training.report.plots.svg import INK, MUTED

MAX_FEATURES = 12


def beeswarm(effects: np.ndarray, x: np.ndarray, names: list[str], seed: int) -> Markup:
    """The beeswarm of the `MAX_FEATURES` features that move the score most, coloured by rank of the value.

    Args:
        effects: SHAP values on the log scale, customers × features; the axis shows the factor e^effect.
    """
    with warnings.catch_warnings():
        # shap 0.51 sets up its colour maps in a way that matplotlib 3.11 is about to deprecate
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import shap

    # ranks spread the colours evenly; with values, a few very large ones would give all others one colour
    ranks = pd.DataFrame(x).rank(pct=True).to_numpy()
    drawable = [i for i in range(x.shape[1]) if len(np.unique(x[~np.isnan(x[:, i]), i])) > 1]
    if not drawable:
        return Markup("")
    explained = shap.Explanation(
        effects[:, drawable], data=ranks[:, drawable], feature_names=[names[i] for i in drawable]
    )
    shown = min(MAX_FEATURES, len(drawable))
    with canvas.style(), _global_seed(seed):
        figure, axes = canvas.axes(90 + 30 * shown)
        shap.plots.beeswarm(
            explained,
            max_display=shown,
            group_remaining_features=False,
            ax=axes,
            plot_size=None,
            show=False,
            s=9,
            axis_color=MUTED,
            color_bar=False,
        )
        axes.set_yticks(axes.get_yticks(), [text.get_text() for text in axes.get_yticklabels()], fontsize=11)
        axes.tick_params("y", length=0, labelcolor=INK)
        axes.set_xticks(ticks := _factors(*axes.get_xlim()), [f"×{math.exp(tick):.4g}" for tick in ticks])
        axes.set_xlabel("factor on expected network value", fontsize=11)
        for spine in ("left", "right", "top"):
            axes.spines[spine].set_visible(False)
        return canvas.svg(
            figure, f"Effect of the {shown} strongest features on the score of every sampled customer."
        )


def _factors(low: float, high: float) -> list[float]:
    """Logarithms of round factors between two effects: powers of 2, 4, 16 … of which at most seven fit."""
    step = 1
    while (high - low) / (step * math.log(2)) > 7:
        step *= 2
    unit = step * math.log(2)
    return [i * unit for i in range(math.ceil(low / unit), math.floor(high / unit) + 1)]


@contextmanager
def _global_seed(seed: int) -> Iterator[None]:
    """shap spreads its dots with numpy's global generator; restore its state afterwards."""
    state = np.random.get_state()
    np.random.seed(seed)
    try:
        yield
    finally:
        np.random.set_state(state)
