from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.models import Bundle
from ripple.models.reasons import reasons
from ripple.serving.schemas import MOST_REASONS, Explanation
from ripple.serving.score_explanations import Explainer


@pytest.fixture(scope="module")
def explainer(bundle: Bundle) -> Explainer:
    return Explainer(bundle)


@given(st.lists(st.floats(0, 1e6) | st.just(float("nan")), min_size=12, max_size=12))
def test_base_and_families_add_up_to_both_scores(bundle: Bundle, row: list[float]) -> None:
    explainer = Explainer(bundle)
    x = np.array([row])
    scored = bundle.score_matrix(x)
    [(told, value, probability)] = explainer.tell(x, explainer.parts(x), 3)
    assert value == pytest.approx(scored["network_value"][0], rel=1e-9)
    assert probability == pytest.approx(scored["top_probability"][0], rel=1e-9)
    explained = Explanation.model_validate(told)
    assert explained.value.base + sum(explained.value.families.values()) == pytest.approx(value, rel=1e-9)
    odds = np.exp(explained.top.base + sum(explained.top.families.values()))
    assert odds / (1 + odds) == pytest.approx(probability, rel=1e-9)


def test_a_family_adds_what_its_features_add(
    bundle: Bundle, explainer: Explainer, features: pd.DataFrame
) -> None:
    x = bundle.matrix(features)
    effects, _ = bundle.both_contributions(x)
    parts = explainer.parts(x)
    for place, family in enumerate(explainer.families):
        own = [index for index, feature in enumerate(explainer.specs) if feature.family == family]
        np.testing.assert_allclose(parts.families[:, :, place], effects[:, :, own].sum(axis=2), atol=1e-12)


@pytest.mark.parametrize("head", ["value", "top"])
def test_reasons_are_those_of_the_report_in_the_same_words(
    head: str, bundle: Bundle, explainer: Explainer, features: pd.DataFrame
) -> None:
    x = bundle.matrix(features.head(40))
    told = [one[0][head]["reasons"] for one in explainer.tell(x, explainer.parts(x), 4)]
    expected = reasons(bundle, head, x, 4)
    assert [[one["text"] for one in row] for row in told] == [[one.text for one in row] for row in expected]
    assert [[one["feature"] for one in row] for row in told] == [
        [one.feature for one in row] for row in expected
    ]


def test_reasons_are_the_strongest_first_and_signed(explainer: Explainer, features: pd.DataFrame) -> None:
    x = features.to_numpy()
    for told, _, _ in explainer.tell(x, explainer.parts(x), MOST_REASONS):
        for head in ("value", "top"):
            effects = [one["effect"] for one in told[head]["reasons"]]
            assert np.abs(effects).tolist() == sorted(np.abs(effects), reverse=True)
            for one in told[head]["reasons"]:
                assert one["direction"] == ("raises" if one["effect"] > 0 else "lowers")
                assert (one["value"] is None) == (one["in_words"] == "undefined")


def test_parts_of_some_rows_are_those_rows(explainer: Explainer, features: pd.DataFrame) -> None:
    x = features.to_numpy()
    some, whole = explainer.parts(x[[7, 3]]), explainer.parts(x)[[7, 3]]
    np.testing.assert_allclose(some.families, whole.families, rtol=1e-12)
    np.testing.assert_array_equal(some.places, whole.places)
