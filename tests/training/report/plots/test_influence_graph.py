import re

from ripple.training.report.plots.influence_graph import MAX_EACH, influence_graph

MANY = [(f"customer {i}", 100.0 - i) for i in range(20)]


def test_both_sides_are_drawn_as_wide_as_their_amounts() -> None:
    drawn = influence_graph("me", [("a", 50.0)], [("b", 100.0), ("c", 25.0)])
    assert re.findall(r'stroke-width="([\d.]+)"', drawn) == ["3.0", "6.0", "1.5"]
    assert "influenced by a; influences b, c." in drawn


def test_few_are_drawn_and_all_fit() -> None:
    drawn = influence_graph("me", MANY, MANY)
    assert drawn.count("<path") == 2 * MAX_EACH
    width, height = map(float, re.search(r'viewBox="0 0 (\d+) (\d+)"', drawn).groups())
    for x, y in re.findall(r'<text[^>]* ?x="([\d.]+)" y="([\d.]+)"', drawn):
        assert 0 <= float(x) <= width
        assert 0 <= float(y) <= height + 8


def test_names_are_escaped_and_nobody_leaves_nothing() -> None:
    assert "<b>" not in influence_graph("<b>", [], [("<b>&", 0.0)])
    assert influence_graph("me", [], []) == ""
