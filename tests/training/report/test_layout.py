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
from tests.support import chromium

HERE = Path(__file__).parent / "layouts"
SMALLER = 12
WIDTHS = {"desk": 1280, "phone": 390}
FONT = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
TALLER = 0.02
"""Share of its height by which a part may be taller or lower than its picture."""
APART, NOTICED = 24, 0.002
"""Shades of grey, of 255, from which a pixel is another, and the share of such pixels that is too many."""


@pytest.fixture(scope="module", params=WIDTHS)
def tab(browser: Browser, page: str, request: pytest.FixtureRequest, tmp_path_factory) -> Iterator[Page]:
    """The page at a desk and on a phone."""
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(_in_own_font(page), encoding="utf-8")
    with chromium.opened(browser, file.as_uri(), WIDTHS[request.param], "light") as tab:
        tab.evaluate("document.fonts.ready")
        yield tab


def _in_own_font(page: str) -> str:
    font = base64.b64encode(FONT.read_bytes()).decode()
    style = (
        f"<style>@font-face {{ font-family: Brought; src: url(data:font/ttf;base64,{font}) }} "
        "* { font-family: Brought !important }</style></head>"
    )
    # the page itself lets no font in
    return page.replace("img-src data:", "img-src data:; font-src data:", 1).replace("</head>", style, 1)


def _picture(tab: Page, part: str) -> Image.Image:
    taken = Image.open(io.BytesIO(tab.locator(f"#{part}").screenshot(animations="disabled")))
    size = (taken.width // SMALLER, max(taken.height // SMALLER, 1))
    return taken.convert("L").resize(size, Image.Resampling.BOX)


def _difference(found: Image.Image, known: Image.Image) -> str | None:
    """How *found* differs from the picture that is *known*, beyond what may be."""
    if found.width != known.width or abs(found.height - known.height) > 1 + TALLER * known.height:
        return f"is {found.size} and not {known.size}, in units of {SMALLER} pixels"
    height = min(found.height, known.height)
    one, other = (np.asarray(picture, np.int16)[:height] for picture in (found, known))
    # what stands a little higher or lower than before is where it was
    near = np.min([np.abs(one - np.roll(other, by, axis=0)) for by in range(-2, 3)], axis=0)
    share = float((near > APART).mean())
    return f"differs in {share:.2%} of its area" if share > NOTICED else None


def _read(file: Path) -> Image.Image:
    with Image.open(file) as picture:
        return picture.copy()


def _file(tab: Page, part: str) -> Path:
    (name,) = [name for name, width in WIDTHS.items() if tab.viewport_size["width"] == width]
    return HERE / f"{part}-{name}.png"


@pytest.mark.parametrize("part", [part.id for part in PARTS])
def test_a_part_looks_as_it_did(tab: Page, part: str, tmp_path: Path) -> None:
    found, file = _picture(tab, part), _file(tab, part)
    if os.environ.get("RIPPLE_LAYOUTS") == "write":
        HERE.mkdir(exist_ok=True)
        found.save(file, optimize=True)
    told = _difference(found, _read(file))
    found.save(tmp_path / "found.png")
    assert told is None, (
        f"{file.name} {told}: see {tmp_path / 'found.png'}; `make layouts` takes it as it is."
    )


@pytest.mark.parametrize(
    ("part", "spoilt"),
    [
        ("answer", ".tiles { display: block }"),
        ("why", "#why figure svg { visibility: hidden }"),
        ("trust", "#trust table { margin-left: 3rem }"),
        ("turn", "#turn { padding-right: 20% }"),
    ],
)
def test_a_part_that_fell_apart_would_be_noticed(tab: Page, part: str, spoilt: str) -> None:
    style = tab.add_style_tag(content=spoilt)
    try:
        assert _difference(_picture(tab, part), _read(_file(tab, part))) is not None
    finally:
        style.evaluate("node => node.remove()")
