import numpy as np

from ripple.training.insights.shap_sample import sample


def test_todays_customers_are_explained_by_the_heads_of_every_evaluation_cutoff(result):
    sampled = sample(result.population.features, result.settings.seed)
    assert list(result.evaluation.earlier_effects) == list(result.evaluation.backtest.heads["cutoff"])
    own = result.population.bundle.contributions("value", result.population.bundle.matrix(sampled))[0]
    for effects in result.evaluation.earlier_effects.values():
        assert effects.shape == own.shape
        assert not np.allclose(effects, own)
        strongest = np.argsort(-np.abs(effects).mean(axis=0))[:20]
        assert set(strongest) & set(np.argsort(-np.abs(own).mean(axis=0))[:5])
