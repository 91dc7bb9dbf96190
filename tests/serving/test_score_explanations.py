from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.models import Bundle
from ripple.models.reasons import reasons
from ripple.serving.schemas import MAX_REASONS, Explanation
from ripple.serving.score_explanations import Explainer


@pytest.fixture(scope="module")
def explainer(bundle: Bundle) -> Explainer:
    return Explainer(bundle)


@given(st.lists(st.floats(0, 1e6) | st.just(float("nan")), min_size=12, max_size=12))
def test_base_and_families_add_up_to_both_scores(bundle: Bundle, row: list[float]) -> None:
    explainer = Explainer(bundle)
    x = np.array([row])
    scored = bundle.score_matrix(x)
    [(explanation, value, probability)] = explainer.explain(x, explainer.contributions(x), 3)
    assert value == pytest.approx(scored["network_value"][0], rel=1e-9)
    assert probability == pytest.approx(scored["top_probability"][0], rel=1e-9)
    explained = Explanation.model_validate(explanation)
    assert explained.value.base + sum(explained.value.families.values()) == pytest.approx(value, rel=1e-9)
    odds = np.exp(explained.top.base + sum(explained.top.families.values()))
    assert odds / (1 + odds) == pytest.approx(probability, rel=1e-9)


def test_a_family_adds_what_its_features_add(
    bundle: Bundle, explainer: Explainer, features: pd.DataFrame
) -> None:
    x = bundle.matrix(features)
    effects, _ = bundle.both_contributions(x)
    contributions = explainer.contributions(x)
    for position, family in enumerate(explainer.families):
        indices = [index for index, feature in enumerate(explainer.specs) if feature.family == family]
        np.testing.assert_allclose(
            contributions.families[:, :, position], effects[:, :, indices].sum(axis=2), atol=1e-12
        )


@pytest.mark.parametrize("head", ["value", "top"])
def test_reasons_are_those_of_the_report_in_the_same_words(
    head: str, bundle: Bundle, explainer: Explainer, features: pd.DataFrame
) -> None:
    x = bundle.matrix(features.head(40))
    explained = explainer.explain(x, explainer.contributions(x), 4)
    served = [explanation[head]["reasons"] for explanation, _, _ in explained]
    expected = reasons(bundle, head, x, 4)
    assert [[reason["text"] for reason in row] for row in served] == [
        [reason.text for reason in row] for row in expected
    ]
    assert [[reason["feature"] for reason in row] for row in served] == [
        [reason.feature for reason in row] for row in expected
    ]


def test_reasons_are_the_strongest_first_and_signed(explainer: Explainer, features: pd.DataFrame) -> None:
    x = features.to_numpy()
    for explanation, _, _ in explainer.explain(x, explainer.contributions(x), MAX_REASONS):
        for head in ("value", "top"):
            effects = [reason["effect"] for reason in explanation[head]["reasons"]]
            assert np.abs(effects).tolist() == sorted(np.abs(effects), reverse=True)
            for reason in explanation[head]["reasons"]:
                assert reason["direction"] == ("raises" if reason["effect"] > 0 else "lowers")
                assert (reason["value"] is None) == (reason["in_words"] == "undefined")


def test_parts_of_some_rows_are_those_rows(explainer: Explainer, features: pd.DataFrame) -> None:
    x = features.to_numpy()
    some, whole = explainer.contributions(x[[7, 3]]), explainer.contributions(x)[[7, 3]]
    np.testing.assert_allclose(some.families, whole.families, rtol=1e-12)
    np.testing.assert_array_equal(some.features, whole.features)
