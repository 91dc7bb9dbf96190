"""What each part of the page looks like, held against pictures: small, grey, in a font that comes along.

A picture is a twelfth of the screen's size, so that digits and the drawing of letters do not matter, but
where things stand does. After a change that is meant, look at the page and run `make layouts`.
"""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Iterator
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from ripple.training.report.page import PARTS
from tests.support.servers import chromium

HERE = Path(__file__).parent / "layouts"
SCALE = 12
WIDTHS = {"desk": 1280, "phone": 390}
FONT = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
MAX_HEIGHT_CHANGE = 0.02
"""The share of its height by which a part may differ from its picture."""
MIN_SHADE_DIFFERENCE, MAX_CHANGED_SHARE = 24, 0.002
"""The difference in grey, of 255, from which a pixel has changed, and the allowed share of such pixels."""


@pytest.fixture(scope="module", params=WIDTHS)
def tab(browser: Browser, page: str, request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[Page]:
    """The page at a desk and on a phone, with every fold open."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(_in_own_font(page), encoding="utf-8")
    with chromium.opened(browser, file.as_uri(), WIDTHS[request.param], "light") as tab:
        tab.evaluate("document.querySelectorAll('details.fold').forEach((fold) => (fold.open = true))")
        tab.evaluate("document.fonts.ready")
        yield tab


def _in_own_font(page: str) -> str:
    font = base64.b64encode(FONT.read_bytes()).decode()
    style = (
        f"<style>@font-face {{ font-family: Embedded; src: url(data:font/ttf;base64,{font}) }} "
        "* { font-family: Embedded !important }</style></head>"
    )
    # the page itself allows no font
    return page.replace("img-src data:", "img-src data:; font-src data:", 1).replace("</head>", style, 1)


def _picture(tab: Page, part: str) -> Image.Image:
    screenshot = Image.open(io.BytesIO(tab.locator(f"#{part}").screenshot(animations="disabled")))
    size = (screenshot.width // SCALE, max(screenshot.height // SCALE, 1))
    return screenshot.convert("L").resize(size, Image.Resampling.BOX)


def _difference(taken: Image.Image, known: Image.Image) -> str | None:
    """How *taken* differs from the picture that is *known*, beyond what may be."""
    if taken.width != known.width or abs(taken.height - known.height) > 1 + MAX_HEIGHT_CHANGE * known.height:
        return f"is {taken.size} and not {known.size}, in units of {SCALE} pixels"
    height = min(taken.height, known.height)
    one, other = (np.asarray(picture, np.int16)[:height] for picture in (taken, known))
    # a shift of up to two pixels up or down is no change
    near = np.min([np.abs(one - np.roll(other, by, axis=0)) for by in range(-2, 3)], axis=0)
    share = float((near > MIN_SHADE_DIFFERENCE).mean())
    return f"differs in {share:.2%} of its area" if share > MAX_CHANGED_SHARE else None


def _read(file: Path) -> Image.Image:
    with Image.open(file) as picture:
        return picture.copy()


def _file(tab: Page, part: str) -> Path:
    (name,) = [name for name, width in WIDTHS.items() if tab.viewport_size["width"] == width]
    return HERE / f"{part}-{name}.png"


# the page that is looked at has no experiment
@pytest.mark.parametrize("part", [part.id for part in PARTS if part.id != "experiments"])
def test_a_part_looks_as_it_did(tab: Page, part: str, tmp_path: Path) -> None:
    picture, file = _picture(tab, part), _file(tab, part)
    if os.environ.get("RIPPLE_LAYOUTS") == "write":
        HERE.mkdir(exist_ok=True)
        picture.save(file, optimize=True)
    difference = _difference(picture, _read(file))
    picture.save(tmp_path / "taken.png")
    assert difference is None, (
        f"{file.name} {difference}: see {tmp_path / 'taken.png'}; `make layouts` takes it as it is."
    )


@pytest.mark.parametrize(
    ("part", "style_rule"),
    [
        ("answer", ".held div { display: block }"),
        ("why", "#why figure svg { visibility: hidden }"),
        ("trust", "#trust table { margin-left: 3rem }"),
        ("turn", "#turn { padding-right: 20% }"),
    ],
)
def test_a_part_that_fell_apart_would_be_noticed(tab: Page, part: str, style_rule: str) -> None:
    style = tab.add_style_tag(content=style_rule)
    try:
        assert _difference(_picture(tab, part), _read(_file(tab, part))) is not None
    finally:
        style.evaluate("node => node.remove()")
