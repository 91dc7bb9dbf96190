"""Can you trust it? Eight questions, each with a word, the evidence in a sentence and where the rest is."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.evaluation.drift import SCORES, SHIFTED, STABLE
from ripple.training.evaluation.slices import COLD_START, EVERYBODY, UNEVEN, uneven
from ripple.training.report.sections.answer import quality as thresholds
from ripple.training.report.sections.answer.quality import Word, at_least, at_most, brier_skill, factor_off
from ripple.training.report.text import words
from ripple.training.result import TrainingResult

UNKNOWN = "not evaluated in this run"
GOOD_UNEVEN, FAIR_UNEVEN = 0.1, 0.3
"""The shares of kinds of customers with amounts far off up to which kinds are good, or fair."""


@dataclass(frozen=True)
class Row:
    """A question, the word for the answer, the evidence, and the id of the section that has the rest."""

    question: str
    word: Word
    evidence: str
    section: str


def trust_table(result: TrainingResult) -> list[Row]:
    """The eight rows, the most important first."""
    return [
        _beats_rule(result),
        _is_influence(result),
        _total(result),
        _top_amounts(result),
        _intervals(result),
        _probabilities(result),
        _kinds(result),
        _drift(result),
    ]


def _beats_rule(result: TrainingResult) -> Row:
    backtest = result.evaluation.backtest
    _, low, high = backtest.lead
    word = thresholds.lead_word(low, high)
    evidence = UNKNOWN
    if word != "not known":
        evidence = (
            f"past lists held {words.percent(backtest.capture(MODEL))} of the best possible, "
            f"the simple rule {words.percent(backtest.capture(backtest.best_baseline))}; difference "
            f"{words.signed_points(low)} to {words.signed_points(high)} points"
        )
    return Row("Does it beat a simple rule?", word, evidence, "backtest")


def _is_influence(result: TrainingResult) -> Row:
    question, tested = "Is it influence, not chance?", result.label.robustness
    if tested is None:
        return Row(question, "not known", "not tested: there is no table of contacts", "coincidence")
    if not tested.is_measurable:
        return Row(question, "not known", "influence cannot be measured here", "coincidence")
    if not tested.has_influence:
        return Row(question, "poor", "no influence was found", "coincidence")
    share = result.label.chance_share
    word = at_most(share, thresholds.GOOD_CHANCE, thresholds.FAIR_CHANCE)
    return Row(question, word, f"up to {words.percent(share)} of it may be chance", "coincidence")


def _total(result: TrainingResult) -> Row:
    ratios = [float(ratio) for ratio in result.evaluation.backtest.heads["predicted_share"]]
    return _amounts("Is the total right?", "of what came", ratios, "calibration")


def _top_amounts(result: TrainingResult) -> Row:
    ratios = [one.ratio for one in result.judged_tops]
    return _amounts("Are the amounts of those listed right?", "of what they brought", ratios, "judged")


def _amounts(question: str, of_what: str, ratios: list[float], section: str) -> Row:
    known = [ratio for ratio in ratios if math.isfinite(ratio)]
    if not known:
        return Row(question, "not known", UNKNOWN, section)
    word = at_most(max(map(factor_off, known)), thresholds.GOOD_FACTOR, thresholds.FAIR_FACTOR)
    span = (
        f"{words.percent(min(known))} to {words.percent(max(known))}"
        if len(known) > 1
        else words.percent(known[0])
    )
    evidence = f"{span} {of_what} was predicted, in {words.plural(len(known), 'past period')}"
    return Row(question, word, evidence, section)


def _intervals(result: TrainingResult) -> Row:
    coverage, nominal = thresholds.top_coverage(result), result.settings.model.interval
    evidence = UNKNOWN
    if math.isfinite(coverage):
        evidence = (
            f"{words.percent(coverage)} of the amounts of those listed lay inside; "
            f"{words.exact_percent(nominal)} is right"
        )
    return Row("Do the ranges hold?", thresholds.coverage_word(coverage, nominal), evidence, "judged")


def _probabilities(result: TrainingResult) -> Row:
    skill = brier_skill(result)
    evidence = UNKNOWN
    if math.isfinite(skill):
        side = "smaller" if skill >= 0 else "larger"
        evidence = f"their error is {words.percent(abs(skill))} {side} than with one chance for everybody"
    word = at_least(skill, thresholds.GOOD_SKILL, thresholds.FAIR_SKILL)
    return Row("Are the chances right?", word, evidence, "calibration")


def _kinds(result: TrainingResult) -> Row:
    question, slices = "Does it hold for all kinds of customers?", result.evaluation.backtest.slices
    if slices.empty:
        return Row(question, "not known", UNKNOWN, "kinds")
    kinds = slices[~slices["slice"].isin([EVERYBODY]) & (slices["predicted_share"] > 0)]
    if kinds.empty:
        return Row(question, "not known", UNKNOWN, "kinds")
    far_off = len(uneven(kinds))
    evidence = f"amounts are off by more than {UNEVEN:g} times in {far_off} of {len(kinds)} kinds"
    newest = kinds[kinds["slice"] == COLD_START]
    if len(newest) and math.isfinite(newest["capture"].iloc[0]):
        held = words.percent(newest["capture"].iloc[0])
        evidence += f"; among newcomers the list held {held} of what was possible"
    return Row(question, at_most(far_off / len(kinds), GOOD_UNEVEN, FAIR_UNEVEN), evidence, "kinds")


def _drift(result: TrainingResult) -> Row:
    question, table = "Are customers still like those it learnt from?", result.population.drift
    if table.empty:
        return Row(question, "not known", UNKNOWN, "drift")
    scores, features = table.loc[SCORES], table.drop(index=SCORES)
    beyond_chance = scores["psi"].where(scores["psi"] > scores["by_chance"], 0.0)
    shifted = int((features["psi"] > SHIFTED).sum())
    evidence = (
        f"their scores moved by {words.decimal(scores['psi'].max())}, above {SHIFTED:g} is a shift; "
        f"{shifted} of {len(features)} facts about them have shifted"
    )
    return Row(question, at_most(float(beyond_chance.max()), STABLE, SHIFTED), evidence, "drift")
