from ripple.training.report.plots.svg import ACCENT, inline

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


def test_what_is_left_stands_on_its_own() -> None:
    found = inline(GIVEN, 'a "label" & more')
    assert found.startswith('<svg viewBox="0 0 4 4" role="img" aria-label="a &quot;label&quot; &amp; more">')
    assert "http" not in found
    assert "font-family" not in found
    assert "text-anchor: middle" in found


def test_ids_are_kept_only_where_something_points_at_them() -> None:
    found = inline(GIVEN, "x")
    assert 'id="m1"' in found
    assert 'href="#m1"' in found
    assert "figure_1" not in found


def test_colours_are_the_page_s() -> None:
    assert "fill: var(--accent)" in inline(GIVEN, "x")
