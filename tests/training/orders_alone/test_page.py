from __future__ import annotations

from dataclasses import replace

import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

from ripple.training.orders_alone.page import render
from ripple.training.orders_alone.pipeline import SpendRun
from tests.support.servers import chromium


@pytest.fixture(scope="module")
def soup(spend_run):
    return BeautifulSoup(spend_run.report.read_text(encoding="utf-8"), "html.parser")


def test_the_first_line_says_what_network_value_needs_and_how_to_bring_it(soup):
    assert soup.h1.text == "Network value is not predicted here: it needs contacts or referrals."
    assert "interactions" in soup.h1.find_next("p").text
    assert soup.main.find(["h1", "h2"]) is soup.h1


def test_the_highest_lifetime_values_are_listed_first(soup, spend_result):
    rows = soup.find(id="spend_answer").table.tbody.find_all("tr")
    assert [row.th.text for row in rows] == [str(name) for name in spend_result.value.customers.index[:25]]


def test_the_same_result_gives_the_same_bytes(spend_run):
    assert render(spend_run.result) == spend_run.report.read_text(encoding="utf-8")


def test_without_margins_the_page_says_what_to_add(spend_result):
    value = spend_result.value
    unknown = value.customers.assign(margin=float("nan"), gain=float("nan"), margin_share=float("nan"))
    page = render(replace(spend_result, value=replace(value, customers=unknown, margin_share=float("nan"))))
    assert "orders have no column margin" in page
    assert "plays.margin_share" in page


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_in_a_browser_everything_shows_and_nothing_is_hard_to_use(
    browser: Browser, spend_run: SpendRun, width: int, scheme: str
) -> None:
    with chromium.opened(browser, spend_run.report.absolute().as_uri(), width, scheme) as tab:
        assert chromium.nothing(tab) == []
        assert chromium.barriers(tab) == []
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
