import re
from dataclasses import replace
from datetime import datetime

import pytest

from ripple.training.registry.gate import Check, Decision
from ripple.training.report import render
from ripple.training.report.page import template
from ripple.training.report.text.version_status import with_status, with_version
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import section_html, visible_text

CHECKS = (
    Check("capture", True, 0.1, -0.05, "It captures as much."),
    Check("level", False, 3.0, 2.0, "Predicted ÷ realised total is 3.00 & too much."),
)
FAILED = Decision("3", None, CHECKS)


def gate_section(decision: Decision) -> str:
    """The section about the gate."""
    return template("gate.html.j2", {}).render(gate=decision)


def checks_shown(section: str) -> list[tuple[str, str]]:
    """Name and result of every check in the table of the gate."""
    return re.findall(r'<tr><th scope="row">(\w+)</th><td>(yes|no)</td>', section)


def test_the_section_shows_every_check() -> None:
    section = gate_section(FAILED)
    assert checks_shown(section) == [("capture", "yes"), ("level", "no")]
    text = visible_text(section)
    assert FAILED.title in text
    assert all(check.text in text for check in CHECKS)


def test_a_version_that_passed_shows_its_checks() -> None:
    passed = replace(FAILED, checks=CHECKS[:1])
    assert checks_shown(gate_section(passed)) == [("capture", "yes")]


def test_the_section_shows_why_nothing_was_registered() -> None:
    rejected = replace(FAILED, rejection_reason="Nothing to register: <none>.")
    section = gate_section(rejected)
    assert rejected.title in section
    assert "Nothing to register: &lt;none&gt;." in section


def test_only_a_page_with_a_decision_has_the_section(page: str, failed: str) -> None:
    assert 'id="gate"' not in page
    assert checks_shown(section_html(failed, "gate")) == checks_shown(gate_section(FAILED))


@pytest.fixture(scope="module")
def failed(result: TrainingResult) -> str:
    """The page of a version that did not pass."""
    return render(result, FAILED)


@pytest.mark.parametrize("name", ["page", "failed"])
def test_the_status_comes_first_and_is_escaped(name: str, request: pytest.FixtureRequest) -> None:
    page = request.getfixturevalue(name)
    sentences = ["Version 4 is champion.", "It was promoted, because: <b>a</b> & b.", "Gate: failed."]
    changed = with_status(page, sentences)
    assert "<b>a</b>" not in changed
    order = (
        'id="status"',
        sentences[0],
        "&lt;b&gt;a&lt;/b&gt; &amp; b.",
        sentences[2],
        'id="answer-title"',
    )
    places = [changed.index(part) for part in order]
    assert places == sorted(places)
    assert 'id="status"' not in page


def test_the_number_and_the_day_stand_among_the_facts(page: str) -> None:
    changed = with_version(page, "<4>", datetime(2026, 1, 2))
    facts = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", section_html(changed, "answer"))
    assert facts[:2] == [("Version", "&lt;4&gt;"), ("Made on", "2 January 2026")]
    assert "Made on" not in page
