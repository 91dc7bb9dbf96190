from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from ripple.errors import InputError
from ripple.training.experiments.estimation import Effect
from ripple.training.experiments.outcomes import ACTIVE, AUDIENCE, CREDITED, OUTCOMES, OWN, TOTAL
from ripple.training.experiments.readout import conclude, measured_effects, read_out

from .conftest import AUDIENCE_EFFECT, END, OWN_EFFECT, START


@pytest.fixture(scope="module")
def reading(treated_dataset, design, laid):
    return read_out(treated_dataset, design, laid.assignments, laid.audience, END)


def test_known_effects_on_customers_and_on_their_audience_are_found(reading):
    assert (reading.fraction, reading.days) == (1.0, 60)
    for play in reading.plays:
        for name, effect in (
            (OWN, OWN_EFFECT),
            (AUDIENCE, AUDIENCE_EFFECT),
            (TOTAL, OWN_EFFECT + AUDIENCE_EFFECT),
        ):
            found = play.of(name)
            assert found.effect.low < effect < found.effect.high
            assert found.effect.effect == pytest.approx(effect, abs=20)
        assert play.of(TOTAL).conclusion == "worked"
        assert play.through_others == pytest.approx(
            AUDIENCE_EFFECT / (OWN_EFFECT + AUDIENCE_EFFECT), abs=0.25
        )
        # half of revenue is margin, and a contact costs 20
        assert play.break_even == 40
        assert (play.of(ACTIVE).effect.effect, play.of(ACTIVE).p_value) == (0, 1)
        assert {one.outcome for one in play.outcomes} == set(OUTCOMES)
        assert np.isfinite(play.of(CREDITED).effect.effect)


def test_all_checks_are_passed_but_those_on_data_of_the_design(reading):
    assert {check.name for check in reading.checks if not check.passed} <= {"data as designed"}


def test_what_was_measured_is_a_share_of_what_customers_were_expected_to_bring(reading):
    for effect in measured_effects(reading):
        total = next(play for play in reading.plays if play.play == effect.play).of(TOTAL).effect
        assert effect.effect == pytest.approx(total.effect / 400)
        assert effect.low == pytest.approx(total.low / 400)
        assert (effect.experiment, effect.until, effect.customers) == ("july", END, total.treated)
    assert len(measured_effects(reading)) == 2


def test_an_early_look_reads_what_was_known_then(treated_dataset, design, laid):
    early = read_out(treated_dataset, design, laid.assignments, laid.audience, START + timedelta(days=15))
    assert early.fraction == 0.25
    for play in early.plays:
        # nobody has ordered yet
        assert play.of(TOTAL).effect.effect == 0
        assert play.of(TOTAL).wanted == 10
    assert measured_effects(early) == []


def test_nothing_is_read_before_the_start(treated_dataset, design, laid):
    with pytest.raises(InputError, match="nothing to read yet"):
        read_out(treated_dataset, design, laid.assignments, laid.audience, START)


def test_an_arm_that_is_gone_is_an_error(treated_company, design, laid, opened):
    held = laid.assignments.index[laid.assignments["arm"] == "holdout"]
    with pytest.raises(InputError, match="0 held out"):
        read_out(opened(treated_company.without(list(held))), design, laid.assignments, laid.audience, END)


EFFECT = Effect(10.0, 2.0, 5.0, 15.0, 0.001, 0.001, 0.0, 10, 10, 10, 10, 0)


@pytest.mark.parametrize(
    ("effect", "p_value", "expected"),
    [
        (EFFECT, 0.001, "worked"),
        (replace(EFFECT, effect=-10.0, low=-15.0, high=-5.0), 0.001, "harmed"),
        (replace(EFFECT, effect=1.0, low=-5.0, high=7.0), 0.6, "not shown"),
        (replace(EFFECT, effect=1.0, low=-15.0, high=17.0), 0.6, "too small to say"),
        # significant alone, and not among several plays
        (replace(EFFECT, high=25.0), 0.06, "too small to say"),
    ],
)
def test_there_are_four_conclusions(effect, p_value, expected):
    assert conclude(effect, p_value, wanted=8.0 if expected == "not shown" else 16.0) == expected
