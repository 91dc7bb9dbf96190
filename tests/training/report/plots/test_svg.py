import re

from ripple.training.report.plots.svg import ACCENT, MARK, SEPARATOR, inline, small_bars

GIVEN = f"""<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "x" "http://example.test/svg.dtd">
<svg xmlns:xlink="http://example.test/xlink" width="4pt" viewBox="0 0 4 4" xmlns="http://example.test/svg">
 <metadata>
  <x resource="http://example.test"/>
 </metadata>
 <g id="figure_1">
  <path id="m1" style="fill: {ACCENT}"/>
  <use xlink:href="#m1"/>
  <text style="font-size: 10px; font-family: 'DejaVu Sans', sans-serif; text-anchor: middle">a</text>
 </g>
</svg>
"""


def test_nothing_refers_to_anything_outside() -> None:
    svg = inline(GIVEN, 'a "label" & more')
    assert svg.startswith('<svg viewBox="0 0 4 4" role="img" aria-label="a &quot;label&quot; &amp; more">')
    assert "http" not in svg
    assert "font-family" not in svg
    assert "text-anchor: middle" in svg


def test_ids_are_kept_only_where_they_are_used() -> None:
    svg = inline(GIVEN, "x")
    assert 'id="m1"' in svg
    assert 'href="#m1"' in svg
    assert "figure_1" not in svg


def test_colours_are_those_of_the_page() -> None:
    assert "fill: var(--accent)" in inline(GIVEN, "x")


def test_tips_stand_at_the_points_and_bars_they_are_about() -> None:
    uses = '<defs><path id="p"/></defs><g><use x="1"/><use x="2"/></g>'
    points = f'<g id="{MARK}{SEPARATOR}one{SEPARATOR}two">{uses}</g>'
    bar = f'<g id="{MARK}{SEPARATOR}three"><path d="M"/></g><g id="{MARK}"><path d="N"/></g>'
    drawn = inline(f"<svg>{points}{bar}</svg>", "x")
    assert drawn.count(f'class="{MARK}"') == 3
    assert '<use data-tip="one" x="1"/><use data-tip="two" x="2"/>' in drawn
    assert '<path data-tip="three" d="M"/>' in drawn
    assert '<path d="N"/>' in drawn
    assert SEPARATOR not in drawn


def test_small_bars_are_as_high_as_their_values() -> None:
    drawn = small_bars([0.0, 5.0, 10.0], "a & b")
    heights = [float(height) for height in re.findall(r' height="([\d.]+)"/>', drawn)]
    assert heights == [0.8, 15.0, 30.0]
    assert 'aria-label="a &amp; b"' in drawn
