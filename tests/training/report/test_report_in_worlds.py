"""The page of real runs in a real browser: a world with influence, one without, and data without usage."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ripple import simulation
from ripple.features.validation.checks import load
from ripple.settings import load as load_settings
from ripple.training import pipeline
from ripple.training.report import render
from tests.support.servers import chromium
from tests.support.small_settings import LENIENT, SMALL

MAX_WORDS = 1_500
"""The number of words that a reader sees before anything is opened, at most."""
WORLDS = pytest.mark.parametrize("world", ["default", "none", "without usage"])


def _page(data: Path, home: Path) -> str:
    dataset, checks = load(data, load_settings(data).model_copy(update={"home": home}))
    return render(pipeline.fit_and_evaluate(dataset, checks, data.name))


@pytest.fixture(scope="module")
def pages(trained_result, folder, tmp_path_factory):
    """World → address of its page."""
    place = tmp_path_factory.mktemp("worlds")
    nobody, bare = place / "nobody", place / "bare"
    simulation.write(
        simulation.simulate("none", 600, 11, 3), nobody, simulation.settings_toml(11) + SMALL + LENIENT
    )
    shutil.copytree(folder, bare)
    for table in ("usage", "catalog"):
        (bare / f"{table}.parquet").unlink()
    html = {
        "default": render(trained_result),
        "none": _page(nobody, place / "home"),
        "without usage": _page(bare, place / "home"),
    }
    for world, page in html.items():
        (place / f"{world}.html").write_text(page, encoding="utf-8")
    return {world: (place / f"{world}.html").as_uri() for world in html}


@WORLDS
def test_the_page_is_read_in_ten_minutes(browser, pages, world):
    with chromium.opened(browser, pages[world], 1280, "light") as tab:
        assert chromium.words(tab) <= MAX_WORDS


@WORLDS
def test_nothing_is_empty_and_the_page_stays_on_a_phone(browser, pages, world):
    with chromium.opened(browser, pages[world], 390, "dark") as tab:
        assert chromium.nothing(tab) == []
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


# axe takes seconds, and the same templates and styles are tried at every width and scheme with made-up data
@pytest.mark.parametrize(
    ("world", "width", "scheme"),
    [("default", 1280, "light"), ("none", 390, "dark"), ("without usage", 1280, "dark")],
)
def test_nothing_is_in_the_way(browser, pages, world, width, scheme):
    with chromium.opened(browser, pages[world], width, scheme) as tab:
        tab.locator("#customers .why summary").first.click()
        tab.evaluate("document.querySelectorAll('details.fold').forEach((fold) => (fold.open = true))")
        assert chromium.barriers(tab) == []


def test_a_world_without_influence_opens_with_the_notice(browser, pages):
    with chromium.opened(browser, pages["none"], 1280, "light") as tab:
        assert tab.locator("h1").count() == 1
        assert tab.locator("#answer .verdict.first #answer-title").is_visible()


def test_features_of_a_missing_table_are_named(browser, pages):
    with chromium.opened(browser, pages["without usage"], 1280, "light") as tab:
        assert "Without the table usage, " in str(tab.locator("#data").text_content())
        assert "sophistication" not in str(tab.locator("#why figure").first.text_content())
