from __future__ import annotations

import re

import numpy as np

from ripple.training.report.plots.forest import forest

EFFECTS = np.array([[60.0, 30.0, 90.0], [-5.0, -40.0, 30.0]])


def _drawn(guide: tuple[float, str] | None = None) -> str:
    return str(forest(["all revenue", "own $ revenue"], EFFECTS, "USD per customer", "Two effects.", guide))


def test_it_names_the_effects_and_the_axis_and_reads_aloud() -> None:
    drawn = _drawn()
    for text in ("all revenue", "own $ revenue", "USD per customer"):
        assert text in drawn
    assert 'aria-label="Two effects."' in drawn
    assert "−40" in drawn
    assert "pays" not in drawn


def test_only_effects_whose_interval_excludes_zero_are_in_the_accent_colour() -> None:
    assert "var(--accent)" in _drawn()
    unsure = str(forest(["own"], EFFECTS[1:], "USD", "One."))
    assert "var(--accent)" not in unsure
    assert "var(--accent)" in str(forest(["own"], -EFFECTS[:1][:, [0, 2, 1]], "USD", "One."))


def test_a_guide_is_named_where_it_is_drawn() -> None:
    assert "pays for itself" in _drawn((40.0, "pays for itself"))
    marks = [len(re.findall(r"stroke-dasharray", _drawn(guide))) for guide in (None, (40.0, "x"))]
    assert marks[1] == marks[0] + 1


def test_the_same_effects_give_the_same_bytes() -> None:
    assert _drawn((40.0, "x")) == _drawn((40.0, "x"))
