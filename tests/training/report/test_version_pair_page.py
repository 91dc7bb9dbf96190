from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser

from ripple.models.batch_scoring import score_population
from ripple.training.evaluation.comparison import Comparison
from ripple.training.evaluation.membership_changes import Scored, changes
from ripple.training.registry.version_pair import NOT_SET, Versions
from ripple.training.report.version_pair_page import render_versions
from ripple.training.result import TrainingResult
from tests.support import chromium
from tests.support.rendered_page import visible_text

FOUND = Comparison(
    [
        {"cutoff": "2025-03-07", "capture": 0.6, "rival": 0.5},
        {"cutoff": "2025-05-06", "capture": 0.4, "rival": 0.5},
    ],
    1234,
    0.5,
    0.5,
    -0.1,
    0.12,
    0.51,
)


@pytest.fixture(scope="module")
def two(result: TrainingResult) -> Versions:
    best = result.scores["rank"].idxmin()
    earlier = result.features.copy()
    earlier.loc[best] = earlier.loc[result.scores["rank"].idxmax()]
    later = Scored("4", result.as_of, result.bundle, result.features, result.scores)
    before = Scored("2", result.as_of, result.bundle, earlier, score_population(result.bundle, earlier))
    parameters = pd.DataFrame(
        {"later": ["0.02", "x"], "earlier": ["0.1", NOT_SET]}, ["model.rate", "data.usage"]
    )
    metrics = pd.DataFrame({"later": [0.5, 400.0], "earlier": [0.4, 380.0]}, index=["capture", "customers"])
    return Versions(later, before, FOUND, "", changes(later, before), parameters, metrics)


@pytest.fixture
def opened(two: Versions, browser: Browser, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Looks the page of two versions over in a browser."""

    def look(found: Versions) -> None:
        page = tmp_path / "page.html"
        page.write_text(render_versions(found), encoding="utf-8")
        with chromium.opened(browser, page.as_uri(), 390, "dark") as tab:
            assert chromium.nothing(tab) == []
            assert chromium.barriers(tab) == []
            assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    return look


def test_the_page_tells_which_is_better_who_moved_and_what_differs(two: Versions) -> None:
    text = visible_text(render_versions(two))
    assert "It cannot be told which is better. For ripple 4: it captures 0.000 more" in text
    assert "1 were not there in version 2" in text
    assert "Their runs differ in 2 parameters, 1 of which tell of the data" in text
    assert "data.usage x not set" in text
    assert "Customers 400 380" in text


def test_versions_that_cannot_be_compared_are_told_apart_all_the_same(two: Versions) -> None:
    text = visible_text(
        render_versions(replace(two, comparison=None, why_not="They come from different data."))
    )
    assert text.index("They come from different data.") < text.index("were not there in version 2")


def test_versions_made_alike_are_told_so(two: Versions, opened: Callable[..., None]) -> None:
    same = replace(two, parameters=two.parameters.iloc[:0], changes=changes(two.later, two.later))
    assert "0 parameters differ" in visible_text(render_versions(same))
    opened(same)


def test_the_page_keeps_what_every_page_keeps(two: Versions, opened: Callable[..., None]) -> None:
    opened(two)
    assert render_versions(two) == render_versions(two)
