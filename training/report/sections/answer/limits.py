"""The limits of the report: what its numbers do not say."""

from __future__ import annotations

from itertools import pairwise

from ripple.training.evaluation.backtest import CALIBRATION_CUTOFFS
from ripple.training.report.sections.trust.placebos import placebo_caveat
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import evaluated_cutoffs
from ripple.training.result import TrainingResult


def limits(result: TrainingResult) -> list[str]:
    """The limits that hold for this run, in one to three sentences each."""
    settings, rule = result.settings, result.evaluation.backtest.best_baseline
    cutoffs = evaluated_cutoffs(result)
    sentences = _limits_of_label(result)
    sentences += [
        f"The best rule, “{rule}”, was chosen on the periods it is compared on. This favours the rule. The "
        "interval of the lead covers which customers there were, not which periods.",
        "The value of a single customer is hard to predict, so the intervals are wide. They were calibrated "
        f"on up to {words.plural(CALIBRATION_CUTOFFS, 'closed cutoff')} and hold only while the market does "
        "not change.",
        "SHAP values say how the model reached a score. They do not say what would happen if somebody "
        "changed a feature.",
    ]
    gaps = [later - earlier for earlier, later in pairwise(cutoffs)]
    if gaps and min(gaps) < result.data.schedule.horizon:
        sentences.append(
            f"Backtest periods overlap: each is {settings.horizon_days} days long, and some begin only "
            f"{min(gaps).days} days apart. So they are not independent."
        )
    if len(cutoffs) == 1:
        sentences.append("There is only 1 backtest period, so a good result may be luck.")
    if settings.model.winsorise < 1:
        sentences.append(
            f"Network value is capped at the {words.exact_percent(settings.model.winsorise)} quantile of the "
            "positive values of each period, in training and in evaluation. This understates the largest "
            "values, predicted and realised, on purpose."
        )
    return sentences


def _limits_of_label(result: TrainingResult) -> list[str]:
    totals, sentences = result.label.totals, []
    if totals["influence_value"] > 0:
        sentences.append(
            "Influence is estimated from recorded contacts and orders. Anything outside the tables that "
            "moves a customer and their contacts at the same time looks like influence. "
            f"{placebo_caveat(result)} Placebo tests cannot find all of it."
        )
    if totals["referral_value"] > 0:
        sentences.append(
            "A referrer is credited with everything that the referred customer spends in the first "
            f"{result.settings.credit.referral_days:g} days, although some would have joined without the "
            "referral."
        )
    return sentences
