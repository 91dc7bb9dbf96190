"""What the report cannot say."""

from __future__ import annotations

from itertools import pairwise

from ripple.training.evaluation.backtest import CALIBRATION_CUTOFFS
from ripple.training.report.sections.trust.placebos import doubt
from ripple.training.report.text import words
from ripple.training.report.text.evaluated_cutoffs import judged
from ripple.training.result import TrainingResult


def limits(result: TrainingResult) -> list[str]:
    """Limits that hold for this run, one sentence or two each."""
    settings, rule = result.settings, result.backtest.best_baseline
    cutoffs = judged(result)
    found = _of_label(result)
    found += [
        f"The best rule, “{rule}”, was picked on the periods it is compared on, which favours the rule. The "
        "interval of the lead covers which customers there were, not which periods.",
        "A single customer’s value is hard to foresee; the intervals are wide for that reason. They were set "
        f"on up to {words.plural(CALIBRATION_CUTOFFS, 'closed cutoff')} and hold only while the market stays "
        "alike.",
        "SHAP values say how the model reached a score. They do not say what would happen if a feature were "
        "changed.",
    ]
    gaps = [later - earlier for earlier, later in pairwise(cutoffs)]
    if gaps and min(gaps) < result.schedule.horizon:
        found.append(
            f"Backtest periods overlap: each is {settings.horizon_days} days long, and some begin only "
            f"{min(gaps).days} days apart. They are not independent trials."
        )
    if len(cutoffs) == 1:
        found.append("There is only one backtest period: luck of that period cannot be told from skill.")
    if settings.model.winsorise < 1:
        found.append(
            f"In training and judging, network value is capped at each period’s "
            f"{words.share_name(settings.model.winsorise)} quantile of positive values: the largest values "
            "are understated on purpose, in predictions and in what counts as realised."
        )
    return found


def _of_label(result: TrainingResult) -> list[str]:
    totals, found = result.label_totals, []
    if totals["influence_value"] > 0:
        found.append(
            "Influence rests on recorded contacts and orders. Whatever drives a customer and their contacts "
            f"at once, and is not in the tables, can look like influence. {doubt(result)} That is "
            "what placebos find; no placebo can find all."
        )
    if totals["referral_value"] > 0:
        found.append(
            "A referrer is credited with all that the referred customer spends for "
            f"{result.settings.credit.referral_days:g} days after joining, although some would have come "
            "without the referral."
        )
    return found
