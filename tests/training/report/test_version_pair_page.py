import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser

from ripple.models.batch_scoring import score_population
from ripple.training.evaluation.comparison import Comparison
from ripple.training.evaluation.membership_changes import ScoredVersion, membership_changes
from ripple.training.registry.version_pair import NOT_SET, Versions
from ripple.training.report.version_pair_page import render_versions
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.servers import chromium

COMPARISON = Comparison(
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
    best = result.population.scores["rank"].idxmin()
    earlier = result.population.features.copy()
    earlier.loc[best] = earlier.loc[result.population.scores["rank"].idxmax()]
    later = ScoredVersion(
        "4",
        result.population.as_of,
        result.population.bundle,
        result.population.features,
        result.population.scores,
    )
    before = ScoredVersion(
        "2",
        result.population.as_of,
        result.population.bundle,
        earlier,
        score_population(result.population.bundle, earlier),
    )
    parameters = pd.DataFrame(
        {"later": ["0.02", "x"], "earlier": ["0.1", NOT_SET]}, ["model.rate", "data.usage"]
    )
    metrics = pd.DataFrame({"later": [0.5, 400.0], "earlier": [0.4, 380.0]}, index=["capture", "customers"])
    return Versions(later, before, COMPARISON, "", membership_changes(later, before), parameters, metrics)


@pytest.fixture
def opened(two: Versions, browser: Browser, tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Looks the page of two versions over in a browser."""

    def check(versions: Versions) -> None:
        page = tmp_path / "page.html"
        page.write_text(render_versions(versions), encoding="utf-8")
        with chromium.opened(browser, page.as_uri(), 390, "dark") as tab:
            assert chromium.nothing(tab) == []
            assert chromium.barriers(tab) == []
            assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    return check


def heading(html: str, part: str) -> str:
    """The heading of a part."""
    return re.search(rf'id="{part}-title">(.*?)</h', html)[1]


def test_the_page_compares_captures_members_parameters_and_metrics(two: Versions) -> None:
    html = render_versions(two)
    assert numbers(heading(html, "better"))[:2] == ["4", "0.000"]
    assert numbers(heading(html, "who"))[0] == str(two.changes.entered)
    assert numbers(heading(html, "made")) == ["2", "1"]
    assert '<tr><th scope="row">data.usage</th><td>x</td><td>not set</td></tr>' in html
    row = html[html.index('<th scope="row">Customers</th>') :]
    assert re.findall(r'data-sort="([\d.]+)"', row[: row.index("</tr>")]) == ["400.0", "380.0"]


def test_versions_that_cannot_be_compared_have_a_reason_and_no_captures(two: Versions) -> None:
    html = render_versions(replace(two, comparison=None, why_not="They come from different data."))
    assert heading(html, "better") == "They come from different data."
    assert "Capture by cutoff" not in html
    assert numbers(heading(html, "who"))[0] == str(two.changes.entered)


def test_runs_with_the_same_parameters_differ_in_zero(two: Versions, opened: Callable[..., None]) -> None:
    same = replace(two, parameters=two.parameters.iloc[:0], changes=membership_changes(two.later, two.later))
    html = render_versions(same)
    assert numbers(heading(html, "made")) == ["0"]
    assert numbers(heading(html, "who"))[0] == "0"
    opened(same)


def test_the_page_works_in_a_browser_and_is_reproducible(two: Versions, opened: Callable[..., None]) -> None:
    opened(two)
    assert render_versions(two) == render_versions(two)
