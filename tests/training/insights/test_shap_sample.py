import numpy as np
import pandas as pd
import pytest

from ripple.training.insights.shap_sample import SAMPLE, sample, shap_values


def test_a_sample_is_of_different_customers_in_order_of_id_whatever_the_order_of_rows():
    features = pd.DataFrame({"a": np.arange(3000.0)}, index=[f"c{number:04d}" for number in range(3000)])
    sampled = sample(features, seed=3)
    assert len(sampled) == SAMPLE
    assert sampled.index.is_unique
    assert sampled.index.is_monotonic_increasing
    assert sample(features.iloc[::-1], seed=3).equals(sampled)
    assert sample(features.head(5), seed=3).equals(features.head(5))


def test_contributions_add_up_to_the_logarithm_of_the_score(result):
    values = shap_values(result.population.bundle, result.population.features, "value", seed=3)
    assert list(values.columns) == ["base", *result.population.bundle.spec.names]
    expected = np.log(result.population.scores.loc[values.index, "network_value"])
    assert values.sum(axis=1).to_numpy() == pytest.approx(expected.to_numpy())
