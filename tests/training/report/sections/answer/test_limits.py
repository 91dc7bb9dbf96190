from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from ripple.training.report.sections.answer.limits import limits
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers
from tests.support.runs.results import altered

WithInfluence = Callable[..., TrainingResult]


def added(fewer: TrainingResult, more: TrainingResult) -> list[str]:
    """The only sentence that *more* has and *fewer* has not, as numbers."""
    (sentence,) = set(limits(more)) - set(limits(fewer))
    return numbers(sentence)


def test_overlapping_periods_are_a_limit(result: TrainingResult) -> None:
    short = altered(result, schedule=replace(result.data.schedule, horizon=timedelta(days=60)))
    assert added(short, result) == ["180", "60"]


def test_a_single_period_is_a_limit(result: TrainingResult) -> None:
    single = altered(
        result, backtest=replace(result.evaluation.backtest, heads=result.evaluation.backtest.heads.iloc[-1:])
    )
    assert added(result, single) == ["1"]


def test_a_capped_label_is_a_limit(result: TrainingResult) -> None:
    model = result.settings.model.model_copy(update={"winsorise": 0.95})
    capped = replace(result, settings=result.settings.model_copy(update={"model": model}))
    assert added(result, capped) == ["95"]


def test_the_limits_of_the_label_follow_from_its_parts(result: TrainingResult) -> None:
    neither = altered(result, totals=dict.fromkeys(result.label.totals, 0.0))
    referrals = altered(neither, totals=neither.label.totals | {"referral_value": 1.0})
    influence = altered(
        neither, totals=neither.label.totals | dict.fromkeys(("network_value", "influence_value"), 1.0)
    )
    assert added(neither, referrals) == ["365"]
    assert added(neither, influence) == ["43"]
