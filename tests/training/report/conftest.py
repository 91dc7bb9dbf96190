"""The made-up run and its page, for all tests of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ripple.training.report import render
from ripple.training.result import TrainingResult
from tests.support.runs.made_up_findings import robustness
from tests.support.runs.made_up_run import made_up_result, undefined_everywhere
from tests.support.runs.results import altered


@pytest.fixture(scope="session")
def result() -> TrainingResult:
    return made_up_result()


@pytest.fixture(scope="session")
def bleak(result: TrainingResult) -> TrainingResult:
    """The same run with everything undefined or absent that can be."""
    return undefined_everywhere(result)


@pytest.fixture(scope="session")
def page(result: TrainingResult) -> str:
    return render(result)


@pytest.fixture(scope="session")
def with_influence(result: TrainingResult) -> Callable[..., TrainingResult]:
    """The same run with another amount of influence, of what the placebos credit, and of referral value."""

    def change(
        influence: float, shuffled: float, late: float, referral: float = 10_000.0, **rest: float
    ) -> TrainingResult:
        totals = result.label.totals | {
            "network_value": referral + influence,
            "referral_value": referral,
            "influence_value": influence,
        }
        return altered(result, totals=totals, robustness=robustness(influence, shuffled, late, **rest))

    return change


@pytest.fixture(scope="session")
def with_lead(result: TrainingResult) -> Callable[..., TrainingResult]:
    """The same run with another lead over the best rule, and its interval."""

    def change(lead: float, low: float, high: float) -> TrainingResult:
        return altered(result, backtest=replace(result.evaluation.backtest, lead=(lead, low, high)))

    return change
