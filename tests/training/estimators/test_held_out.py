import numpy as np

from ripple.training.estimators.heads import fit
from ripple.training.estimators.held_out import predict_held_out
from tests.support import synthetic_examples
from tests.support.synthetic_examples import SETTINGS


def test_predictions_follow_what_happens_and_stand_beside_the_labels():
    history = list(synthetic_examples.history().values())
    heads, latest = fit(history[:-1], SETTINGS), history[-1]
    held_out = predict_held_out(heads, latest, SETTINGS)
    assert held_out.predicted.tolist() == heads.predict_value(latest.features).tolist()
    assert held_out.log_odds.tolist() == heads.predict_log_odds(latest.features).tolist()
    assert held_out.realised.tolist() == latest.labels["network_value"].tolist()
    assert held_out.at_top.sum() == 15
    assert held_out.realised[held_out.at_top].min() >= held_out.realised[~held_out.at_top].max()
    best = held_out.predicted > np.quantile(held_out.predicted, 0.9)
    assert held_out.realised[best].mean() > 2 * held_out.realised.mean()
    assert held_out.log_odds[held_out.at_top].mean() > held_out.log_odds.mean() + 1
