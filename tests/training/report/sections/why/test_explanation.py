import numpy as np
import pytest

from ripple.training.insights.shap_sample import SAMPLE, sample
from ripple.training.report.sections.why.explanation import (
    MAX_FEATURES,
    Sampled,
    direction,
    explanation_section,
)
from ripple.training.result import TrainingResult


@pytest.fixture(scope="module")
def section(result: TrainingResult) -> dict[str, object]:
    return explanation_section(result, Sampled.of(result))


def test_the_strongest_feature_heads_the_table(result: TrainingResult, section: dict[str, list]) -> None:
    effects, _ = result.population.bundle.contributions(
        "value", result.population.bundle.matrix(result.population.features)
    )
    size = np.abs(effects).mean(axis=0)
    strongest = result.population.bundle.spec.names[int(size.argmax())]
    first = section["features"][0]
    assert first.feature.name == strongest
    assert first.share.sort == pytest.approx(size.max() / size.sum())
    assert strongest.replace("_", " ") in str(section["finding"])


def test_the_table_has_description_and_unit_of_every_feature(section: dict[str, list]) -> None:
    assert len(section["features"]) == MAX_FEATURES
    for row in section["features"]:
        assert row.feature.description
        assert row.unit
        assert row.unit != "currency"


def test_a_large_population_is_sampled_and_always_alike(result: TrainingResult) -> None:
    many = result.population.features.loc[result.population.features.index.repeat(5)].reset_index(drop=True)
    sampled = sample(many, seed=1)
    assert len(sampled) == SAMPLE
    assert sampled.equals(sample(many.sample(frac=1, random_state=2), seed=1))


def test_the_global_random_state_is_left_alone(result: TrainingResult) -> None:
    before = np.random.get_state()[1].copy()
    explanation_section(result, Sampled.of(result))
    assert (np.random.get_state()[1] == before).all()


@pytest.mark.parametrize(
    ("effect", "name"),
    [
        (np.arange(9.0), "more raises"),
        (-np.arange(9.0), "more lowers"),
        (np.abs(np.arange(9.0) - 4), "mixed"),
        (np.zeros(9), "none seen"),
    ],
)
def test_a_direction_is_named_only_where_it_is_clear(effect: np.ndarray, name: str) -> None:
    assert direction(np.arange(9.0), effect) == name


def test_a_feature_that_is_never_defined_has_no_direction() -> None:
    assert direction(np.full(9, np.nan), np.arange(9.0)) == "none seen"
