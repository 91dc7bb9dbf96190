import re
from collections.abc import Callable
from functools import cache
from html import escape

import pytest
from markupsafe import Markup

from ripple.training.report import render
from ripple.training.result import TrainingResult
from tests.support.rendered_page import visible_text

ODD_ID = """<b>"A&B's"</b> http://example.test/1"""
PARTS = ("answer", "learn", "claims", "why", "turn", "earn", "trust")
INSIDE = (
    "dependence",
    "heads",
    "constancy",
    "customers",
    "coincidence",
    "backtest",
    "calibration",
    "truth",
    "kinds",
    "drift",
    "changes",
    "data",
)
SECTIONS = (*PARTS, *INSIDE)
UNDEFINED = re.compile(r"\b(nan|none|inf|nat|null|undefined behaviour)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def bleak_page(bleak: TrainingResult) -> str:
    return render(bleak)


@pytest.fixture(scope="module")
def without_influence(with_influence: Callable[..., TrainingResult]) -> Callable[..., str]:
    """Pages of runs that found none, by what `with_influence` takes."""
    return cache(lambda *given: render(with_influence(*given)))


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


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_opens_with_a_finding_and_its_number(page: str, section: str) -> None:
    body = page[page.index(f'id="{section}" aria-labelledby') :]
    heading = re.search(r"<h[123][^>]*>(.*?)</h[123]>", body, re.DOTALL)
    assert heading
    assert re.search(r"\d", heading[1])
    assert len(body[: body.index("</section>")]) > 1000


@pytest.mark.parametrize("which", ["page", "bleak_page"])
def test_nothing_undefined_is_shown(which: str, request: pytest.FixtureRequest) -> None:
    text = visible_text(request.getfixturevalue(which)).replace("none seen", "").replace("set none of", "")
    text = re.sub(r"None: every row met every rule", "", text)
    assert not UNDEFINED.findall(text)
    assert "{{" not in text


def test_what_is_not_available_comes_with_a_reason(bleak_page: str) -> None:
    text = visible_text(bleak_page)
    assert "not available: nobody had any network value in this period" in text
    assert "not available: no earlier period with network value had closed to calibrate on" in text
    assert "not available: the rule puts all customers equal here" in text
    assert "not available: too few past cases" in text


def test_the_command_and_the_name_of_the_run_are_told(page: str) -> None:
    text = visible_text(page)
    assert "ripple train DATA" in text
    assert "This run is called run <1>" in text


def test_every_figure_can_be_read_out(page: str) -> None:
    figures = re.findall(r"<figure>\s*<svg[^>]*>", page)
    assert len(figures) == 20
    assert all('role="img"' in figure and 'aria-label="' in figure for figure in figures)


def test_no_id_is_used_twice_for_different_things(page: str) -> None:
    elements = re.findall(r'<(?:path|clipPath|section|h\d)[^>]* id="([^"]+)"[^>]*>', page)
    whole = {name: set(re.findall(rf'<[^>]* id="{name}"[^>]*>', page)) for name in elements}
    assert all(len(found) == 1 for found in whole.values())


@pytest.mark.parametrize(
    "given",
    [
        (90.0, 60.0, 3.0),
        (20_000.0, 22_000.0, 0.0),
        (90.0, 60.0, 3.0, 0.0),
        (0.0, 0.0, 0.0),
        (0.0, 0.0, 0.0, 0.0),
    ],
)
def test_a_page_without_influence_says_so_before_anything_else(
    without_influence: Callable[..., str], given: tuple[float, ...]
) -> None:
    html = without_influence(*given)
    assert re.findall(r"<h1[^>]*>(.*?)</h1>", html) == ["No influence was found."]
    text = visible_text(html)
    assert text.index("No influence was found.") < text.index("Do not act on the ranking as influence.")
    assert text.index("Do not act on the ranking as influence.") < text.index("customers in the top 5")
    assert "account for" not in text
    assert "not about influence" in text
    assert "No influence was found: do not read the order as influence." in text
    assert not re.search(r"\b(nan|inf)\b", text, re.IGNORECASE)


def test_a_page_with_influence_opens_with_the_answer(page: str) -> None:
    assert "account for" in re.findall(r"<h1[^>]*>(.*?)</h1>", page)[0]
    assert "No influence was found" not in visible_text(page)


def test_a_page_without_interactions_says_that_it_was_not_tested(bleak_page: str) -> None:
    section = bleak_page[bleak_page.index('id="coincidence"') :]
    text = visible_text(section[: section.index("</section>")])
    assert "Not tested: this run has no interactions table." in text
    assert "<table" not in section[: section.index("</section>")]


def test_no_page_promises_a_cause_or_speaks_of_popularity(
    page: str, bleak_page: str, without_influence: Callable[..., str]
) -> None:
    for html in (page, bleak_page, without_influence(90.0, 60.0, 3.0)):
        text = visible_text(html).lower()
        assert "causal" not in text
        assert "popularity" not in text
        assert "decayed credit" not in text


def test_parts_are_numbered_in_their_order(page: str) -> None:
    numbers = re.findall(r'class="eyebrow">(\d) · ', page)
    assert numbers == [str(i) for i in range(1, len(PARTS) + 1)]
    assert re.findall(r'<section id="(\w+)"', page) == [*PARTS, "terms"]
    assert re.findall(r'<section class="sub" id="(\w+)"', page) == list(INSIDE)
    contents = page[page.index('<nav aria-label="Sections">') : page.index("</nav>")]
    assert re.findall(r'<a href="#(\w+)">', contents) == list(PARTS)


def test_every_link_inside_the_page_leads_somewhere(page: str) -> None:
    names = set(re.findall(r' id="([^"]+)"', page))
    asked = set(re.findall(r'<a [^>]*href="#([^"]+)"', page))
    assert {"term-capture", "customer-1", "changes"} <= asked
    assert asked <= names


def test_a_page_of_little_says_of_every_section_why_it_is_empty(bleak_page: str) -> None:
    text = visible_text(bleak_page)
    assert "This run keeps no reasons of earlier models. Train again" in text
    assert "This run keeps no judgement of kinds of customers. Train again" in text
    assert "This run did not look for drift. Train again" in text
    assert "There is no earlier champion that it can be compared with" in text
    assert "The odds could not be judged: no earlier period" in text
    assert "This run does not keep whom they influenced." in text
    assert "so there is no history to show" in text
