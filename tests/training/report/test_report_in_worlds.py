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
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_nothing_is_empty_and_nothing_in_the_way(browser, pages, world, width, scheme):
    with chromium.opened(browser, pages[world], width, scheme) as tab:
        tab.locator("#customers details > summary").first.click()
        assert chromium.nothing(tab) == []
        assert chromium.barriers(tab) == []
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_world_without_influence_opens_with_the_notice(browser, pages):
    with chromium.opened(browser, pages["none"], 1280, "light") as tab:
        assert tab.locator("h1").count() == 1
        assert tab.locator("#answer .verdict.first #answer-title").is_visible()


def test_features_of_a_missing_table_are_named(browser, pages):
    with chromium.opened(browser, pages["without usage"], 1280, "light") as tab:
        assert "Without the table usage, " in tab.locator("#data").inner_text()
        assert "sophistication" not in tab.locator("#why figure").first.inner_text()
