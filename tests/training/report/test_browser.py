"""The page of the made-up run in a real browser."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from ripple.training.report.sections.answer.customers import ROWS_SHOWN
from tests.support.servers import chromium


@pytest.fixture(scope="module")
def address(page: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


MAX_WORDS = 1_500
"""The number of words that a reader sees before anything is opened, at most."""
DESK, DESK_DARK, PHONE, PHONE_DARK = (1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")
AT_DESK_AND_PHONE = pytest.mark.parametrize("opened", [DESK, PHONE_DARK], ids=str, indirect=True)
AT_DESK = pytest.mark.parametrize("opened", [DESK], ids=str, indirect=True)


@pytest.fixture(params=[DESK, DESK_DARK, PHONE, PHONE_DARK], ids=str)
def opened(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page at a desk and on a phone, in light and dark; whatever it complains of fails the test."""
    with chromium.opened(browser, address, *request.param) as tab:
        yield tab


@pytest.fixture
def unfolded(opened: Page) -> Page:
    """The same with every fold open, those of customers apart."""
    opened.evaluate("document.querySelectorAll('details.fold').forEach((fold) => (fold.open = true))")
    return opened


def test_the_page_never_scrolls_sideways(unfolded: Page) -> None:
    opened = unfolded
    for details in opened.locator("#customers .why summary").all()[:3]:
        details.click()
    assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for term in opened.locator("a.term").all()[:12]:
        term.focus()
        assert opened.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@AT_DESK_AND_PHONE
def test_nothing_is_hard_to_see_hear_or_operate(opened: Page) -> None:
    assert chromium.words(opened) <= MAX_WORDS
    opened.locator("#customers .why summary").first.click()
    opened.evaluate("document.querySelectorAll('details.fold').forEach((fold) => (fold.open = true))")
    opened.locator("a.term").first.focus()
    assert chromium.barriers(opened) == []


def test_every_table_has_rows_and_every_figure_marks(opened: Page) -> None:
    assert chromium.nothing(opened) == []


@AT_DESK
@pytest.mark.parametrize(
    ("spoilt", "complaint"),
    [
        ("document.querySelector('#kinds tbody').replaceChildren()", "no rows: Kinds of customers"),
        (
            "document.querySelectorAll('#drift > figure .mark').forEach((mark) => mark.remove())",
            "no marks: How far",
        ),
        ("document.querySelector('#backtest td').textContent = 'nan %'", "undefined: "),
    ],
)
def test_an_empty_table_or_figure_or_an_undefined_number_would_be_noticed(
    opened: Page, spoilt: str, complaint: str
) -> None:
    opened.evaluate(spoilt)
    (noticed,) = chromium.nothing(opened)
    assert noticed.startswith(complaint)


@AT_DESK_AND_PHONE
def test_a_customer_opens_with_the_keyboard(opened: Page) -> None:
    first = opened.locator("#customers .why details").first
    assert not first.locator(".waterfall").is_visible()
    first.locator("summary").focus()
    opened.keyboard.press("Enter")
    chain = first.locator(".waterfall")
    assert chain.is_visible()
    assert chain.locator("li").count() == 13
    assert chain.bounding_box()["width"] <= opened.viewport_size["width"]
    assert "c9998" in first.inner_text()
    assert "3 of 4 earlier periods" in first.inner_text()
    assert first.locator(".past:not(.links) tbody tr").count() == 4


@AT_DESK_AND_PHONE
def test_a_customer_is_found_by_typing_and_opened_with_enter(opened: Page) -> None:
    wanted = opened.locator("#customers .person > tr:first-child > th").nth(20).inner_text()
    search = opened.locator("#customers").get_by_role("searchbox", name="Search a customer")
    search.fill(wanted)
    shown = opened.locator("#customers .person:visible")
    assert shown.count() == 1
    assert opened.locator("#customers .tools output").first.inner_text() == "1 of 25"
    search.press("Enter")
    assert shown.locator(".waterfall").is_visible()
    assert opened.evaluate("document.activeElement.textContent").startswith(f"Why {wanted}")
    search.fill("nobody of that name")
    assert shown.count() == 0
    search.fill("")
    assert shown.count() == ROWS_SHOWN


@AT_DESK
def test_a_customer_opens_from_the_answer(opened: Page) -> None:
    link = opened.locator("#answer .tasks a").first
    name = link.inner_text()
    person = opened.locator(link.get_attribute("href"))
    link.click()
    assert person.locator("th").first.inner_text() == name
    assert person.locator(".waterfall").is_visible()


@AT_DESK
def test_a_long_table_shows_its_first_rows_until_more_are_asked_for(unfolded: Page) -> None:
    rows = unfolded.locator("#drift .scroll tbody tr:visible")
    assert rows.count() == 12
    more = unfolded.locator("#drift .tools .more")
    more.click()
    assert more.inner_text() == "Show fewer"
    assert rows.count() == unfolded.locator("#drift .scroll tbody tr").count() > 12
    more.click()
    assert rows.count() == 12


@AT_DESK_AND_PHONE
def test_customers_sort_and_keep_their_reasons_beside_them(opened: Page) -> None:
    ranks = opened.locator("#customers .person > tr:first-child > td:first-child")
    ids = opened.locator("#customers .person > tr:first-child > th")
    summaries = opened.locator("#customers .why .hidden")
    heading = opened.locator("#customers thead th", has_text="Probability")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    shown = [
        float(value)
        for value in opened.locator("#customers .person > tr:first-child > td:nth-child(7)").evaluate_all(
            "cells => cells.map((cell) => cell.dataset.sort)"
        )
    ]
    assert shown == sorted(shown, reverse=True)
    names = ids.all_text_contents()
    assert [text.strip() for text in summaries.all_text_contents()] == [f"Why {name}:" for name in names]
    opened.locator("#customers thead th", has_text="Rank").locator("button").click()
    assert ranks.all_inner_texts() == [str(i) for i in range(1, 26)]


@AT_DESK
def test_words_sort_by_the_alphabet_and_dates_by_time(unfolded: Page) -> None:
    families = unfolded.locator("#why .scroll").first.locator("tbody td:nth-child(2)")
    unfolded.locator("#why thead").first.get_by_role("button", name="Family").click()
    assert families.all_inner_texts() == sorted(families.all_inner_texts())
    dates = unfolded.locator("#constancy tbody th")
    in_order = dates.all_inner_texts()
    assert in_order == ["7 March 2025", "6 May 2025", "5 July 2025"]
    unfolded.locator("#constancy thead").get_by_role("button", name="Model as of").click()
    assert dates.all_inner_texts() == in_order[::-1]


@AT_DESK
def test_a_table_is_saved_as_csv_with_full_numbers_and_no_formula(opened: Page, tmp_path: Path) -> None:
    opened.evaluate("document.querySelector('#customers .person th').textContent = '=SUM(A1)'")
    with opened.expect_download() as waited:
        opened.locator("#customers").get_by_role("button", name="Save as CSV").click()
    saved = tmp_path / "saved.csv"
    waited.value.save_as(saved)
    assert (
        waited.value.suggested_filename == "expected-network-value-over-180-days-in-us-the-highest-first.csv"
    )
    head, *rows = csv.reader(saved.read_text(encoding="utf-8-sig").splitlines())
    assert head[:3] == ["Rank", "Customer", "Expected value"]
    assert len(rows) == 25
    assert {len(row) for row in rows} == {len(head)}
    assert rows[0][1] == "'=SUM(A1)"
    values = [float(row[2]) for row in rows]
    assert values == sorted(values, reverse=True)


SAVED = """name => {
  const sheet = sheets.find((one) => one.name.startsWith(name));
  return [sheet.heads(), ...sheet.items.map((item) => sheet.written(item))];
}"""


@AT_DESK
def test_bounds_periods_and_ids_are_columns_of_what_is_saved(opened: Page) -> None:
    head, *rows = opened.evaluate(SAVED, "Quoted figures")
    assert head == [
        *("Claim", "Claim: measured as", "Measured here", "Measured here: low", "Measured here: high"),
        *("Measured here: period", "Quoted", "Quoted: low", "Quoted: high", "What it means"),
    ]
    for row in rows:
        assert re.match(r"(180|548) days from 1 January 2025", row[5])
        assert [bool(number) for number in row[2:5]] in ([True] * 3, [False] * 3)
        if row[2]:
            assert float(row[3]) <= float(row[2]) <= float(row[4])
    shares, *rows = opened.evaluate(SAVED, "Share of the total held by the top")
    assert shares[2:5] == ["Revenue", "Revenue: low", "Revenue: high"]
    assert all(re.fullmatch(r"\d+", row[1]) for row in rows)
    assert all(0 <= float(row[3]) <= float(row[2]) <= float(row[4]) <= 1 for row in rows)
    dates, *rows = opened.evaluate(SAVED, "Backtest cutoffs and what each was trained on")
    assert dates[:2] == ["Evaluated at", "Until"]
    assert [row[0] for row in rows] == ["2025-03-07", "2025-05-06", "2025-07-05"]


@AT_DESK
def test_every_number_and_date_sorts_as_one(opened: Page) -> None:
    """A column of which every cell begins with a number, also one in a date, has numbers to sort by."""
    unsortable = opened.evaluate("""sheets.flatMap((sheet) => sheet.headings.flatMap((heading, column) => {
      const cells = sheet.items.map((item) => sheet.row(item).cells[column]);
      const numbers = cells.filter((cell) => /^[×+−-]?\\d/.test(sentence(cell)));
      const keyed = numbers.every((cell) => cell.dataset.sort !== undefined && cell.dataset.sort !== "");
      const bad = numbers.length === cells.length && !keyed;
      return bad ? [`${sheet.name}: ${sentence(heading)}`] : [];
    }))""")
    assert unsortable == []
    assert opened.evaluate("sheets.length") > 20


@AT_DESK
def test_paper_has_every_row_and_says_which_a_filter_left(unfolded: Page) -> None:
    rows = unfolded.locator("#drift .scroll tbody tr")
    assert unfolded.locator("#drift .scroll tbody tr:visible").count() == 12
    unfolded.emulate_media(media="print")
    assert unfolded.locator("#drift .scroll tbody tr:visible").count() == rows.count() > 12
    unfolded.emulate_media(media="screen")
    unfolded.locator("#drift").get_by_role("searchbox").fill("orders")
    left = unfolded.locator("#drift .scroll tbody tr:visible").count()
    assert 0 < left < 12
    unfolded.emulate_media(media="print")
    assert unfolded.locator("#drift .scroll tbody tr:visible").count() == left
    told = unfolded.locator("#drift .tools output")
    assert told.is_visible()
    assert told.evaluate("node => node.textContent + getComputedStyle(node, '::after').content") == (
        f'{left} of {rows.count()}" rows, those with “orders”"'
    )


@AT_DESK_AND_PHONE
def test_a_term_explains_itself_until_escape(unfolded: Page) -> None:
    note = unfolded.locator("#note")
    assert not note.is_visible()
    term = unfolded.locator("#answer a.term").first
    term.focus()
    assert note.inner_text() == term.get_attribute("data-tip")
    assert term.get_attribute("aria-describedby") == "note"
    unfolded.keyboard.press("Escape")
    assert not note.is_visible()
    unfolded.locator("#backtest thead").first.get_by_role("button", name="Mean").hover()
    assert note.inner_text().startswith("network value of the 5")


@AT_DESK
def test_paper_gets_no_controls(unfolded: Page) -> None:
    unfolded.emulate_media(media="print")
    assert unfolded.locator(".tools:visible, header:visible").count() == 0
    assert "half of all" in unfolded.locator("#customers .why summary").first.inner_text()
    assert unfolded.locator("#backtest table").first.is_visible()


@AT_DESK
def test_figures_take_the_colours_of_the_page(unfolded: Page) -> None:
    label = unfolded.locator("#backtest figure text").first
    assert label.evaluate("node => getComputedStyle(node).fill") != "rgb(1, 1, 1)"


@AT_DESK
def test_a_link_opens_the_fold_that_it_leads_into(opened: Page) -> None:
    kinds = opened.locator("#kinds")
    assert not kinds.is_visible()
    opened.locator('#trust a[href="#kinds"]').click()
    assert kinds.is_visible()


@AT_DESK_AND_PHONE
def test_one_key_or_one_button_leads_to_the_search(opened: Page) -> None:
    search = opened.get_by_role("searchbox", name="Search a customer")
    opened.keyboard.press("/")
    assert search.evaluate("node => node === document.activeElement")
    assert search.input_value() == ""
    search.press("/")
    assert search.input_value() == "/"
    opened.locator("header button").click()
    assert search.evaluate("node => node === document.activeElement")


@AT_DESK_AND_PHONE
def test_the_menu_stays_in_sight(opened: Page) -> None:
    opened.locator("#appendix").scroll_into_view_if_needed()
    box = opened.locator("header").bounding_box()
    assert box is not None
    assert box["y"] == 0


@pytest.mark.parametrize(("day", "late"), [("2026-06-29", False), ("2026-07-01", True)])
def test_a_forecast_that_is_over_says_so(browser: Browser, address: str, day: str, late: bool) -> None:
    context = browser.new_context()
    tab = context.new_page()
    tab.clock.set_fixed_time(day)
    tab.goto(address)
    assert tab.locator("#late").is_visible() is late
    context.close()


@AT_DESK
def test_a_mark_in_a_figure_tells_its_value(opened: Page) -> None:
    mark = opened.locator("#answer figure [data-tip]").last
    mark.hover()
    assert opened.locator("#note").inner_text() == mark.get_attribute("data-tip")


@AT_DESK
def test_paper_has_no_folds(opened: Page) -> None:
    assert not opened.locator("#kinds").is_visible()
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert opened.locator("#kinds").is_visible()
    opened.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not opened.locator("#kinds").is_visible()


def test_a_table_that_is_too_wide_for_a_phone_says_that_it_scrolls(browser: Browser, address: str) -> None:
    with chromium.opened(browser, address, *PHONE) as tab:
        assert tab.locator("#customers .sideways").first.is_visible()
