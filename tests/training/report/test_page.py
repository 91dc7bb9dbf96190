import re
from collections.abc import Callable
from functools import cache
from html import escape

import pandas as pd
import pytest
from markupsafe import Markup

from ripple.training.report import render
from ripple.training.report.sections.answer.decision import decision_section
from ripple.training.report.sections.answer.quality import quality
from ripple.training.report.sections.trust.backtest import NO_VALUE, SAME_FOR_ALL, UNCALIBRATED
from ripple.training.report.sections.trust.placebos import no_influence_notice
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers, section_html, visible_text
from tests.support.runs.results import altered

ODD_ID = """<b>"A&B's"</b> http://example.test/1"""
PARTS = ("answer", "customers", "turn", "trust", "learn", "why", "appendix")
INSIDE = (
    "models",
    "earn",
    "judged",
    "coincidence",
    "backtest",
    "calibration",
    "kinds",
    "drift",
    "claims",
    "dependence",
    "heads",
    "constancy",
    "label",
    "changes",
    "truth",
    "data",
)
SECTIONS = (*PARTS, *INSIDE)
INTENDED = ("none seen", "None: every row met every rule")
UNDEFINED = re.compile(r"\b(nan|none|inf|nat|null|undefined behaviour)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def bleak_page(bleak: TrainingResult) -> str:
    return render(bleak)


@pytest.fixture(scope="module")
def without_influence(with_influence: Callable[..., TrainingResult]) -> Callable[..., str]:
    """Pages of runs that found none, by what `with_influence` takes."""
    return cache(lambda *amounts: render(with_influence(*amounts)))


def test_the_same_evidence_gives_the_same_bytes(result: TrainingResult, page: str) -> None:
    assert render(result).encode() == page.encode()


def test_the_page_is_small(page: str) -> None:
    assert len(page.encode()) < 2_000_000


def test_nothing_is_fetched_from_elsewhere(page: str) -> None:
    own_id = str(Markup.escape(ODD_ID))
    assert own_id in page
    rest = page.replace(own_id, "")
    assert "http://" not in rest
    assert "https://" not in rest
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", rest)
    assert "@import" not in rest
    assert not re.search(r"url\((?!#)", rest)


def test_names_and_ids_are_escaped(page: str) -> None:
    assert ODD_ID not in page
    assert "<b>&#34;" not in page
    assert escape("run <1>") in page
    assert "run <1>" not in page
    assert "shop &amp; co" in page
    assert "US$<" not in page


def test_customers_have_their_names_wherever_their_ids_stand(page: str, result: TrainingResult) -> None:
    index = result.population.scores.index
    names = pd.DataFrame({"display_name": [f"Firm {name}" for name in index]}, index=index)
    named = render(altered(result, attributes=names))
    ids = "|".join(re.escape(escape(str(name))) for name in index)
    bare = re.compile(f'<(?:th scope="row"|a href="#customer-[0-9]+")>(?:{ids})<')
    assert len(bare.findall(page)) > 20
    assert bare.findall(named) == []


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens_with_a_finding_and_its_number(page: str, section: str) -> None:
    body = page[page.index(f'id="{section}" aria-labelledby') :]
    heading = re.search(r"<h[123][^>]*>(.*?)</h[123]>", body, re.DOTALL)
    assert heading
    assert re.search(r"\d", heading[1])
    assert len(body[: body.index("</section>")]) > 500


@pytest.mark.parametrize("which", ["page", "bleak_page"])
def test_nothing_undefined_is_shown(which: str, request: pytest.FixtureRequest) -> None:
    text = visible_text(request.getfixturevalue(which))
    for intended in INTENDED:
        text = text.replace(intended, "")
    assert not UNDEFINED.findall(text)
    assert "{{" not in text


def test_what_is_not_available_comes_with_a_reason(bleak_page: str) -> None:
    reasons = re.findall(r"not available: ([^<]*)<", bleak_page)
    assert {NO_VALUE, UNCALIBRATED, SAME_FOR_ALL} <= set(reasons)
    assert all(reasons)


def test_the_command_and_the_name_of_the_run_are_shown(page: str) -> None:
    footer = page[page.index("<footer>") :]
    assert "<code>ripple train DATA</code>" in footer
    assert "run &lt;1&gt;" in page


def test_every_figure_can_be_read_out(page: str) -> None:
    figures = re.findall(r"<figure>\s*<svg[^>]*>", page)
    assert len(figures) == 28
    assert all('role="img"' in figure and 'aria-label="' in figure for figure in figures)


def test_no_id_is_used_twice_for_different_things(page: str) -> None:
    elements = re.findall(r'<(?:path|clipPath|section|h\d)[^>]* id="([^"]+)"[^>]*>', page)
    whole = {name: set(re.findall(rf'<[^>]* id="{name}"[^>]*>', page)) for name in elements}
    assert all(len(elements) == 1 for elements in whole.values())


@pytest.mark.parametrize(
    "amounts",
    [
        (90.0, 60.0, 3.0),
        (20_000.0, 22_000.0, 0.0),
        (90.0, 60.0, 3.0, 0.0),
        (0.0, 0.0, 0.0, 0.0),
    ],
)
def test_a_page_without_influence_opens_with_the_notice(
    with_influence: Callable[..., TrainingResult],
    without_influence: Callable[..., str],
    amounts: tuple[float, ...],
) -> None:
    html = without_influence(*amounts)
    notice = no_influence_notice(with_influence(*amounts))
    assert notice is not None
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", html) == [notice.title]
    answer = section_html(html, "answer")
    boxes = re.findall(r'<div class="(verdict[\w ]*)">', answer)
    assert boxes == ["verdict worse first", "verdict quality fair"]
    box = answer[answer.index('<div class="verdict worse first">') :].split("</div>")[0]
    assert numbers(visible_text(box)) == numbers(" ".join(notice.paragraphs))
    assert not re.search(r"\b(nan|inf)\b", visible_text(html), re.IGNORECASE)


def test_a_page_with_influence_opens_with_the_answer(page: str, result: TrainingResult) -> None:
    (heading,) = re.findall(r"<h1[^>]*>(.*?)</h1>", page)
    assert heading == f"{decision_section(result)['title']}."
    boxes = re.findall(r'<div class="(verdict[\w ]*)">', section_html(page, "answer"))
    assert boxes == [f"verdict quality {quality(result).word}"]


def test_a_page_without_interactions_has_no_table_of_placebos(page: str, bleak_page: str) -> None:
    assert "<table" in section_html(page, "coincidence")
    assert "<table" not in section_html(bleak_page, "coincidence")


def test_no_page_promises_a_cause(page: str, bleak_page: str, without_influence: Callable[..., str]) -> None:
    for html in (page, bleak_page, without_influence(90.0, 60.0, 3.0)):
        assert "causal" not in visible_text(html).lower()


def test_parts_are_numbered_in_their_order(page: str) -> None:
    numbers = re.findall(r'class="eyebrow">(\d) · ', page)
    assert numbers == [str(i) for i in range(2, len(PARTS) + 1)]
    assert re.findall(r'<section id="(\w+)"', page) == [*PARTS, "terms"]
    assert re.findall(r'<section class="sub" id="(\w+)"', page) == list(INSIDE)
    contents = page[page.index('<nav aria-label="Sections">') : page.index("</nav>")]
    assert re.findall(r'<a href="#(\w+)">', contents) == list(PARTS)


def test_every_link_inside_the_page_leads_somewhere(page: str) -> None:
    names = set(re.findall(r' id="([^"]+)"', page))
    links = set(re.findall(r'<a [^>]*href="#([^"]+)"', page))
    assert {"term-capture", "changes"} <= links
    assert any(link.startswith("customer-") for link in links)
    assert links <= names


@pytest.mark.parametrize("section", ["constancy", "kinds", "drift", "changes", "calibration"])
def test_an_empty_section_has_a_heading_and_no_table_of_its_own(bleak_page: str, section: str) -> None:
    html = section_html(bleak_page, section)
    assert re.search(r"<h3[^>]*>[^<]+</h3>", html)
    assert html.count("<table") == (section == "calibration")
    assert "<p" in html
