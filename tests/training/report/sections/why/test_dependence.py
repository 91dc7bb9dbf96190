from dataclasses import replace

import numpy as np
import pytest

from ripple.models import FeatureSpec
from ripple.training.report.sections.why.dependence import SHOWN, curve, dependence
from ripple.training.report.sections.why.explanation import Sampled
from ripple.training.result import TrainingResult

RANDOM = np.random.default_rng(0)
X = np.round(RANDOM.gamma(2, 20, 800))


def sampled(result: TrainingResult, x: np.ndarray, effect: np.ndarray, unit: str = "days") -> Sampled:
    """A bundle of two features of which the first does everything."""
    spec = result.bundle.spec
    features = tuple(FeatureSpec(name, "network", unit, "?") for name in ("first_thing", "other"))
    bundle = replace(result.bundle, spec=replace(spec, features=features))
    other = RANDOM.normal(size=len(x))
    return Sampled(
        bundle,
        np.column_stack([x, other]),
        np.column_stack([effect, 1e-6 * other]),
        np.zeros((len(x), 2)),
        len(x),
    )


@pytest.mark.parametrize(("slope", "said", "verb"), [(0.03, "higher", "raise"), (-0.03, "lower", "lower")])
def test_the_caption_tells_direction_turn_and_how_sure(
    result: TrainingResult, slope: float, said: str, verb: str
) -> None:
    effect = slope * (X - 40)
    earlier = {day: np.column_stack([sign * effect, 0 * X]) for day, sign in (("a", 1), ("b", 1), ("c", -1))}
    first = dependence(sampled(result, X, effect), earlier, seed=1)[0]
    assert first.name == "first thing"
    assert f"The more first thing, the {said} the score" in first.caption
    turn = curve(X, effect, 1).turn
    assert turn[1] <= 40 <= turn[2] or abs(turn[0] - 40) < 1
    assert f"It begins to {verb} the score at about {round(turn[0])} days" in first.caption
    assert "in 2 of 3 models of the backtest" in first.caption
    assert "different things" not in first.caption


def test_the_turn_is_where_the_mean_crosses_and_its_interval_widens_with_noise() -> None:
    clear = curve(X, 0.02 * (X - 30), 1)
    noisy = curve(X, 0.02 * (X - 30) + RANDOM.normal(0, 1, len(X)), 1)
    assert clear.turn[0] == pytest.approx(30, abs=2)
    assert clear.turn[2] - clear.turn[1] < noisy.turn[2] - noisy.turn[1]
    assert noisy.turn[1] < 30 < noisy.turn[2]
    assert clear.explained > 0.9 > noisy.explained


def test_an_effect_that_never_changes_its_sign_has_no_turn() -> None:
    found = curve(X, 1 + X / 100, 1)
    assert np.isnan(found.turn).all()
    assert found.direction == "more raises"
    assert (np.diff(found.effect) > 0).all()
    assert (np.diff(found.at) > 0).all()


def test_many_at_the_lowest_value_are_a_bin_of_their_own() -> None:
    x = np.where(RANDOM.random(500) < 0.9, 0.0, RANDOM.uniform(5, 10, 500))
    found = curve(x, np.where(x > 0, 2.0, -1.0), 1)
    assert found.at[0] == 0
    assert found.effect[0] == -1
    assert (found.effect[1:] == 2).all()


def test_another_feature_is_named_where_it_decides(result: TrainingResult) -> None:
    made = sampled(result, X, np.zeros(len(X)))
    decides = made.x[:, 1] * 0.5
    made.value[:, 0] = decides
    assert "come from other features, other first of all" in dependence(made, {}, 1)[0].caption


def test_a_flag_is_told_as_with_and_without(result: TrainingResult) -> None:
    x = (X > 40).astype(float)
    caption = dependence(sampled(result, x, np.where(x > 0, np.log(2), 0.0), "flag"), {}, 1)[0].caption
    assert caption.startswith("The score changes ×2.00 with “first thing”, ×1.00 without.")


def test_the_strongest_features_of_a_run_are_drawn(result: TrainingResult) -> None:
    made = Sampled.of(result)
    found = dependence(made, result.earlier_effects, 1)
    assert [one.name for one in found] == [made.named(i) for i in made.strongest[:SHOWN]]
    assert all('class="mark"' in one.plot for one in found)
    assert all("in all 3 models" in one.caption for one in found)
