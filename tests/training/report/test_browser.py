"""The page in a real browser: the Chromium of the machine, or the one that CHROMIUM names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium, or set CHROMIUM to the path of one")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(page: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


DESK, DESK_DARK, PHONE, PHONE_DARK = (1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")
AT_DESK_AND_PHONE = pytest.mark.parametrize("opened", [DESK, PHONE_DARK], ids=str, indirect=True)
AT_DESK = pytest.mark.parametrize("opened", [DESK], ids=str, indirect=True)


@pytest.fixture(params=[DESK, DESK_DARK, PHONE, PHONE_DARK], ids=str)
def opened(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page at a desk and on a phone, in light and dark; whatever it complains of fails the test."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    tab, complaints, asked = context.new_page(), [], []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on("request", lambda made: asked.append(made.url))
    tab.goto(address)
    yield tab
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [address]
    context.close()


def test_the_page_never_scrolls_sideways(opened: Page) -> None:
    for details in opened.locator("details > summary").all()[:3]:
        details.click()
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_text_stands_out_from_its_ground(opened: Page) -> None:
    luminance = """(property) => {
      const [r, g, b] = getComputedStyle(document.body)[property].match(/\\d+/g).map(
        (c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    }"""
    text, ground = opened.evaluate(luminance, "color"), opened.evaluate(luminance, "backgroundColor")
    assert (max(text, ground) + 0.05) / (min(text, ground) + 0.05) > 7
    label = opened.locator("#backtest figure text").first
    assert label.evaluate("node => getComputedStyle(node).fill") != "rgb(1, 1, 1)"


@AT_DESK_AND_PHONE
def test_a_customer_opens_with_the_keyboard(opened: Page) -> None:
    first = opened.locator("#customers details").first
    assert not first.locator(".waterfall").is_visible()
    first.locator("summary").focus()
    opened.keyboard.press("Enter")
    chain = first.locator(".waterfall")
    assert chain.is_visible()
    assert chain.locator("li").count() == 13
    assert chain.bounding_box()["width"] <= opened.viewport_size["width"]


@AT_DESK_AND_PHONE
def test_customers_sort_and_keep_their_reasons_beside_them(opened: Page) -> None:
    ranks = opened.locator("#customers tr:not(.why) td:first-child")
    ids = opened.locator("#customers tbody th")
    summaries = opened.locator("#customers .why .hidden")
    heading = opened.locator("#customers thead th", has_text="Probability")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    shown = [
        float(value)
        for value in opened.locator("#customers tr:not(.why) td:nth-child(6)").evaluate_all(
            "cells => cells.map((cell) => cell.dataset.sort)"
        )
    ]
    assert shown == sorted(shown, reverse=True)
    names = ids.all_text_contents()
    assert [text.strip() for text in summaries.all_text_contents()] == [f"Why {name}:" for name in names]
    opened.locator("#customers thead th", has_text="Rank").locator("button").click()
    assert ranks.all_inner_texts() == [str(i) for i in range(1, 26)]


@AT_DESK
def test_a_table_of_words_sorts_by_the_alphabet(opened: Page) -> None:
    families = opened.locator("#why tbody td:nth-child(2)")
    opened.locator("#why thead button", has_text="Family").click()
    assert families.all_inner_texts() == sorted(families.all_inner_texts())
