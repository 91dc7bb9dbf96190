import re

import matplotlib

from ripple.training.report.plots import canvas


def test_figures_are_as_wide_as_the_page_and_have_a_label() -> None:
    figure, axes = canvas.axes(100)
    axes.plot([0, 1], [0, 1])
    drawn = canvas.svg(figure, "a & b")
    assert f'viewBox="0 0 {canvas.WIDTH} 100"' in drawn
    assert 'aria-label="a &amp; b"' in drawn


def test_data_are_marks_and_guides_are_not() -> None:
    figure, axes = canvas.axes(100)
    axes.axhline(0, gid="guide")
    axes.scatter([0, 1], [0, 1])
    assert canvas.svg(figure, "x").count('class="mark"') == 1


def test_the_same_figure_gives_the_same_bytes() -> None:
    def draw() -> str:
        with canvas.style():
            figure, axes = canvas.axes(100)
            axes.bar([0, 1], [2, 3])
            return canvas.svg(figure, "x")

    assert draw() == draw()


def test_the_style_ends_with_the_figure() -> None:
    before = matplotlib.rcParams["svg.hashsalt"]
    with canvas.style():
        assert matplotlib.rcParams["svg.hashsalt"] == "ripple"
    assert matplotlib.rcParams["svg.hashsalt"] == before


def test_a_tip_is_escaped_and_stands_at_its_point() -> None:
    figure, axes = canvas.axes(100)
    canvas.hover(axes.scatter([0, 1], [0, 1]), ["a < b", 'say "c"'])
    canvas.hover(axes.bar([0], [2])[0], ["d"])
    tips = re.findall(r'<(use|path) data-tip="([^"]*)"', canvas.svg(figure, "x"))
    assert sorted(tips) == [("path", "d"), ("use", "a &lt; b"), ("use", "say &quot;c&quot;")]
