from dataclasses import replace
from datetime import timedelta

from ripple.training.report.sections.answer.limits import limits
from ripple.training.result import TrainingResult


def test_overlapping_periods_are_admitted(result: TrainingResult) -> None:
    assert any("some begin only 60 days apart" in limit for limit in limits(result))


def test_periods_that_do_not_overlap_are_not_blamed(result: TrainingResult) -> None:
    apart = replace(result.schedule, horizon=timedelta(days=60))
    assert not any("overlap" in limit for limit in limits(replace(result, schedule=apart)))


def test_a_single_period_is_admitted(result: TrainingResult) -> None:
    backtest = replace(result.backtest, heads=result.backtest.heads.iloc[-1:])
    assert any("only one backtest period" in limit for limit in limits(replace(result, backtest=backtest)))


def test_a_capped_label_is_admitted(result: TrainingResult) -> None:
    model = result.settings.model.model_copy(update={"winsorise": 0.95})
    settings = result.settings.model_copy(update={"model": model})
    assert not any("capped" in limit for limit in limits(result))
    assert any("95\u00a0% quantile" in limit for limit in limits(replace(result, settings=settings)))


def test_the_limits_of_the_label_follow_its_parts(result: TrainingResult) -> None:
    referrals_only = result.label_totals | {"influence_value": 0.0}
    found = " ".join(limits(replace(result, label_totals=referrals_only)))
    assert "for 365 days after joining" in found
    assert "recorded contacts" not in found
    influence_only = result.label_totals | {"referral_value": 0.0}
    found = " ".join(limits(replace(result, label_totals=influence_only)))
    assert "can look like influence. Up to about 43\u00a0% of the influence may be coincidence" in found
    assert "no placebo can find all" in found
    assert "not known" not in found
    assert "referrer" not in found
