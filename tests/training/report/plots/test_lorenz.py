import numpy as np
import pandas as pd

from ripple.training.report.plots.lorenz import LINES, lorenz
from ripple.training.report.plots.svg import ACCENT
from tests.support.runs.rendered_page import numbers, visible_text

AT = np.linspace(0, 1, 11)
CURVES = pd.DataFrame({pair: np.sqrt(AT) for pair in LINES}, index=AT)
CURVES.columns = pd.MultiIndex.from_tuples(LINES)


def test_the_label_reads_every_curve_at_a_tenth() -> None:
    drawn = lorenz(CURVES)
    label = drawn[drawn.index("aria-label") :].split('"')[1]
    assert numbers(label) == ["32"] * len(LINES)
    assert drawn.count('class="mark"') >= len(LINES)
    assert ACCENT not in drawn


def test_a_curve_that_is_not_known_is_left_out() -> None:
    first, *others = LINES
    curves = CURVES.copy()
    curves[first] = np.nan
    drawn = visible_text(lorenz(curves))
    assert LINES[first][0] not in drawn
    assert all(LINES[pair][0] in drawn for pair in others)
    assert lorenz(curves * np.nan) == ""
