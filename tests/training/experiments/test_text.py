from dataclasses import replace

import pytest

from ripple.training.experiments.design import Prospect
from ripple.training.experiments.estimation import Effect
from ripple.training.experiments.outcomes import ACTIVE, AUDIENCE, OUTCOMES, TOTAL
from ripple.training.experiments.readout import OutcomeReading, PlayReading, Readout
from ripple.training.experiments.text import (
    amount,
    between,
    design_page,
    play_sentences,
    prospect_sentence,
    readout_page,
)
from tests.support.runs.rendered_page import numbers

from .conftest import END, START


def reading(
    low: float, middle: float, high: float, conclusion: str, **fields: object
) -> tuple[PlayReading, Readout]:
    effect = Effect(middle, 10.0, low, high, 0.01, 0.01, 500.0, 20, 22, 15, 16, 2)
    outcomes = tuple(OutcomeReading(name, effect, 0.01, 40.0, conclusion) for name in OUTCOMES)
    values = {"value": 400.0, "cost": 20.0, "break_even": 40.0, "through_others": None} | fields
    play = PlayReading("rescue", outcomes, **values)
    return play, Readout("july", "EUR", START, END, 1.0, (play,), ())


def test_amounts_have_a_unit_and_a_true_minus_sign():
    assert amount(TOTAL, -1234.5, "EUR") == "−1,234 EUR"
    assert amount(TOTAL, 40.0, "EUR") == "40 EUR"
    assert amount(ACTIVE, 0.052, "EUR") == "+5.2 points"
    assert between(TOTAL, -3.5, 1200.0, "EUR") == "−3.50 to 1,200 EUR"
    assert between(ACTIVE, -0.01, 0.02, "EUR") == "−1.0 to +2.0 points"


@pytest.mark.parametrize(
    ("low", "high", "paid"),
    [(50, 90, "it pays for itself"), (-9, 30, "it does not pay"), (10, 90, "is not shown")],
)
def test_a_play_pays_for_itself_where_the_whole_interval_does(low, high, paid):
    play, readout = reading(low, (low + high) / 2, high, "worked")
    assert paid in " ".join(play_sentences(play, readout))


@pytest.mark.parametrize(("low", "high"), [(50, 90), (-9, 30)])
def test_a_play_of_which_nothing_is_known_is_not_said_to_pay_or_not(low, high):
    # intervals are not corrected for the number of plays, and the conclusion is
    play, readout = reading(low, (low + high) / 2, high, "too small to say")
    assert "whether it pays for itself is not shown" in " ".join(play_sentences(play, readout))


def test_the_conclusion_comes_with_money_days_interval_and_share_of_others():
    play, readout = reading(20, 70, 120, "worked", through_others=0.43)
    text = " ".join(play_sentences(play, readout))
    assert text.startswith("worked. 70 EUR per treated customer in 60 days")
    assert numbers(text) == ["70", "60", "95", "20", "120", "43", "20", "40"]
    page = readout_page(readout)
    assert page.count("| worked |") == len(OUTCOMES)


def test_a_share_of_others_that_may_be_chance_is_said_to_be():
    play, readout = reading(20, 70, 120, "worked", through_others=0.43)
    assert "43% of it came through others. " in " ".join(play_sentences(play, readout))
    unsure = tuple(
        replace(one, conclusion="too small to say") if one.outcome == AUDIENCE else one
        for one in play.outcomes
    )
    text = " ".join(play_sentences(replace(play, outcomes=tuple(unsure)), readout))
    assert "43% of it came through others, which may be chance." in text


def test_a_design_says_when_it_can_show_nothing(design):
    plan = design.plays["rescue"]

    def sentence(**prospect: object) -> str:
        changed = plan.model_copy(update={"prospects": {TOTAL: Prospect(wanted=40.0, **prospect)}})
        return prospect_sentence("rescue", changed, design)

    assert "is not known" in sentence()
    assert "too few" not in sentence(detectable=30.0)
    poor = sentence(detectable=80.0, customers=120, days=240)
    assert numbers(poor) == ["30", "80", "4", "5", "40", "120", "240"]
    assert "more days alone would not do" in sentence(detectable=80.0, customers=120)


def test_the_summary_names_arms_dates_and_overlap(design):
    page = design_page(design)
    for text in ("assignments.csv", "plays_log", "2025-07-01", "2025-08-30", "### rescue", "### advocate"):
        assert text in page
