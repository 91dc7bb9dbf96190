from dataclasses import replace

import numpy as np
import pytest

from ripple.models import FeatureSpec
from ripple.training.report.sections.why.dependence import MAX_FEATURES, curve, dependence_section
from ripple.training.report.sections.why.explanation import Sampled
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers

RANDOM = np.random.default_rng(0)
X = np.round(RANDOM.gamma(2, 20, 800))


def sampled(result: TrainingResult, x: np.ndarray, effect: np.ndarray, unit: str = "days") -> Sampled:
    """A bundle of two features of which the first does everything."""
    spec = result.population.bundle.spec
    features = tuple(FeatureSpec(name, "network", unit, "?") for name in ("first_thing", "other"))
    bundle = replace(result.population.bundle, spec=replace(spec, features=features))
    other = RANDOM.normal(size=len(x))
    return Sampled(
        bundle,
        np.column_stack([x, other]),
        np.column_stack([effect, 1e-6 * other]),
        np.zeros((len(x), 2)),
        len(x),
    )


@pytest.mark.parametrize(("slope", "order", "verb"), [(0.03, "higher", "raise"), (-0.03, "lower", "lower")])
def test_the_caption_has_direction_crossing_and_agreement(
    result: TrainingResult, slope: float, order: str, verb: str
) -> None:
    effect = slope * (X - 40)
    earlier = {day: np.column_stack([sign * effect, 0 * X]) for day, sign in (("a", 1), ("b", 1), ("c", -1))}
    first = dependence_section(sampled(result, X, effect), earlier, seed=1)[0]
    shape = curve(X, effect, 1)
    value, low, high = shape.crossing
    assert low <= 40 <= high or abs(value - 40) < 1
    assert first.name == "first thing"
    direction, crossing, agreement = first.caption.split(". ")
    assert order in direction
    assert numbers(direction)[::2] == [f"{np.exp(end):.2f}" for end in (shape.effect[0], shape.effect[-1])]
    assert f" {verb} " in crossing
    assert numbers(crossing)[0] == str(round(value))
    assert numbers(agreement) == ["2", "3"]


def test_the_crossing_has_an_interval_that_widens_with_noise() -> None:
    clear = curve(X, 0.02 * (X - 30), 1)
    noisy = curve(X, 0.02 * (X - 30) + RANDOM.normal(0, 1, len(X)), 1)
    assert clear.crossing[0] == pytest.approx(30, abs=2)
    assert clear.crossing[2] - clear.crossing[1] < noisy.crossing[2] - noisy.crossing[1]
    assert noisy.crossing[1] < 30 < noisy.crossing[2]
    assert clear.explained > 0.9 > noisy.explained


def test_an_effect_that_never_changes_its_sign_has_no_crossing() -> None:
    shape = curve(X, 1 + X / 100, 1)
    assert np.isnan(shape.crossing).all()
    assert shape.direction == "more raises"
    assert (np.diff(shape.effect) > 0).all()
    assert (np.diff(shape.at) > 0).all()


def test_many_at_the_lowest_value_are_a_bin_of_their_own() -> None:
    x = np.where(RANDOM.random(500) < 0.9, 0.0, RANDOM.uniform(5, 10, 500))
    shape = curve(x, np.where(x > 0, 2.0, -1.0), 1)
    assert shape.at[0] == 0
    assert shape.effect[0] == -1
    assert (shape.effect[1:] == 2).all()


def test_another_feature_is_named_where_it_decides(result: TrainingResult) -> None:
    sample = sampled(result, X, np.zeros(len(X)))
    sample.value[:, 0] = sample.x[:, 1] * 0.5
    hint = dependence_section(sample, {}, 1)[0].caption.rsplit(". ", 1)[-1]
    assert hint.endswith(" other.")
    assert float(numbers(hint)[0]) > 90


def test_a_flag_has_a_factor_with_and_without(result: TrainingResult) -> None:
    x = (X > 40).astype(float)
    sample = sampled(result, x, np.where(x > 0, np.log(2), 0.0), "flag")
    assert numbers(dependence_section(sample, {}, 1)[0].caption) == ["2.00", "1.00"]


def test_the_strongest_features_of_a_run_are_shown(result: TrainingResult) -> None:
    sample = Sampled.of(result)
    dependences = dependence_section(sample, result.evaluation.earlier_effects, 1)
    names = [dependence.name for dependence in dependences]
    assert names == [sample.named(i) for i in sample.strongest[:MAX_FEATURES]]
    assert all('class="mark"' in dependence.plot for dependence in dependences)
    assert all("3 of 3 models" in dependence.caption for dependence in dependences)
