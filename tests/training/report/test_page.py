import re
from collections.abc import Callable
from dataclasses import replace
from html import escape

import pytest
from markupsafe import Markup

from training.evidence import Evidence
from training.report import render

ODD_ID = """<b>"A&B's"</b> http://example.test/1"""
SECTIONS = ("answer", "backtest", "why", "customers", "data")
UNDEFINED = re.compile(r"\b(nan|none|inf|nat|null|undefined behaviour)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def bleak_page(bleak: Evidence) -> str:
    return render(bleak)


def test_the_same_evidence_gives_the_same_bytes(evidence: Evidence, page: str) -> None:
    assert render(evidence).encode() == page.encode()


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
    body = page[page.index(f'<section id="{section}"') :]
    heading = re.search(r"<h[12][^>]*>(.*?)</h[12]>", body, re.DOTALL)
    assert heading
    assert re.search(r"\d", heading[1])
    assert len(body[: body.index("</section>")]) > 1000


@pytest.mark.parametrize("which", ["page", "bleak_page"])
def test_nothing_undefined_is_shown(
    which: str, visible: Callable[[str], str], request: pytest.FixtureRequest
) -> None:
    text = visible(request.getfixturevalue(which)).replace("none seen", "").replace("set none of", "")
    text = re.sub(r"None: every row met every rule", "", text)
    assert not UNDEFINED.findall(text)
    assert "{{" not in text


def test_what_is_not_available_comes_with_a_reason(bleak_page: str, visible: Callable[[str], str]) -> None:
    text = visible(bleak_page)
    assert "not available: nobody had any network value in this period" in text
    assert "not available: no earlier period with network value had closed to calibrate on" in text
    assert "not available: the rule puts all customers equal here" in text
    assert "not available: too few past cases" in text


def test_the_command_and_the_name_of_the_run_are_told(page: str, visible: Callable[[str], str]) -> None:
    text = visible(page)
    assert "ripple train DATA" in text
    assert "This run is called run <1>" in text


def test_every_figure_can_be_read_out(page: str) -> None:
    figures = re.findall(r"<figure>\s*<svg[^>]*>", page)
    assert len(figures) == 5
    assert all('role="img"' in figure and 'aria-label="' in figure for figure in figures)


def test_no_id_is_used_twice_for_different_things(page: str) -> None:
    elements = re.findall(r'<(?:path|clipPath|section|h\d)[^>]* id="([^"]+)"[^>]*>', page)
    whole = {name: set(re.findall(rf'<[^>]* id="{name}"[^>]*>', page)) for name in elements}
    assert all(len(found) == 1 for found in whole.values())


def test_a_label_of_referrals_alone_is_not_called_popularity(
    evidence: Evidence, visible: Callable[[str], str]
) -> None:
    totals = evidence.label_totals | {"influence_value": 0.0, "network_value": 10_000.0}
    text = visible(render(replace(evidence, label_totals=totals)))
    assert "All of it is referral credit" in text
    assert "popularity" not in text
