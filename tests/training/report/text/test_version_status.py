from dataclasses import replace

import pytest

from ripple.training.registry.gate import Check, Decision
from ripple.training.report import render
from ripple.training.report.text.version_status import with_standing
from ripple.training.result import TrainingResult
from tests.support.rendered_page import visible_text

CHECKS = (
    Check("capture", True, 0.1, -0.05, "It captures as much."),
    Check("level", False, 3.0, 2.0, "Predicted ÷ realised total is 3.00 & too much."),
)
FAILED = Decision("3", None, CHECKS)


@pytest.fixture(scope="module")
def failed(result: TrainingResult) -> str:
    """The page of a version that did not pass."""
    return render(result, FAILED)


def test_the_page_tells_of_every_check(failed: str) -> None:
    text = visible_text(failed)
    assert "It did not pass 1 of 2 checks: level." in text
    for check in CHECKS:
        assert check.text in text


def test_the_page_tells_that_all_passed(result: TrainingResult, failed: str) -> None:
    assert "It passed all 1 checks." not in visible_text(failed)
    assert "It passed all 1 checks." in visible_text(render(result, replace(FAILED, checks=CHECKS[:1])))


def test_the_page_tells_why_nothing_was_registered(result: TrainingResult) -> None:
    text = visible_text(render(result, replace(FAILED, rejection_reason="No influence was found.")))
    assert "Nothing is registered: the run found nothing to predict. No influence was found." in text


@pytest.mark.parametrize("decided", ["page", "failed"])
def test_where_a_version_stands_comes_first_and_is_escaped(
    decided: str, request: pytest.FixtureRequest
) -> None:
    page = request.getfixturevalue(decided)
    said = ["Version 4 is champion.", "It was promoted, because: <b>a</b> & b.", "Gate: failed."]
    told = with_standing(page, said)
    assert "<b>a</b>" not in told
    text = visible_text(told)
    assert (
        text.index("Version 4 is champion.")
        < text.index("because: <b>a</b> & b.")
        < text.index("account for")
    )
    assert len(told) > len(page)
    assert "Version 4" not in visible_text(page)
