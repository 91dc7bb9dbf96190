from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ripple.training.estimators import distillation, linear
from ripple.training.estimators.boosting import (
    lightgbm_dataset,
    lightgbm_parameters,
    train,
    tweedie_objective,
)
from ripple.training.estimators.distillation import LINEAR_WEIGHT, distil
from ripple.training.estimators.heads import fit
from ripple.training.examples.feature_sequence import Rows
from ripple.training.examples.targets import network_value_target
from tests.support import synthetic_examples
from tests.support.synthetic_examples import SETTINGS


def product_of_powers(seed, customers=400):
    """Examples whose label has the mean of such a product, and its logarithm."""
    random = np.random.default_rng(seed)
    x = random.lognormal(0, 1, (customers, 4))
    mean = np.prod(x ** [0.8, 0.6, 0.4, 0.0], axis=1)
    examples = synthetic_examples.examples(customers=customers)
    rows = Rows.of(pd.DataFrame(x, columns=list("abcd"), index=examples.labels.index))
    labels = examples.labels.assign(network_value=100.0 * random.poisson(0.7 * mean / mean.mean()))
    return replace(examples, rows=rows, labels=labels), np.log(mean)


@pytest.fixture(scope="module")
def teacher():
    """Examples with their amounts, the trees fitted to them, and the parameters of these."""
    examples, _ = product_of_powers(1)
    labelled = [(examples, network_value_target(examples.labels, SETTINGS))]
    shared = lightgbm_parameters(SETTINGS, len(examples.rows))
    data = lightgbm_dataset(labelled, shared, SETTINGS)
    return labelled, train(tweedie_objective(SETTINGS) | shared, data, SETTINGS.model.trees), shared


def test_the_student_predicts_the_weighted_mean_of_its_teachers(teacher):
    labelled, trees, shared = teacher
    student, mean = distil(trees, labelled, None, shared, SETTINGS)
    x, amounts = labelled[0][0].rows[:], labelled[0][1] / labelled[0][1].mean()
    model = linear.fit(x, amounts, np.ones(len(x)), SETTINGS.model.tweedie_power)
    targets = (1 - LINEAR_WEIGHT) * trees.predict(x, raw_score=True) + LINEAR_WEIGHT * linear.predict_log(
        model, x
    )
    predicted = student.predict(x, raw_score=True)
    assert np.corrcoef(predicted, targets)[0, 1] > 0.99
    assert mean == pytest.approx(np.exp(predicted).mean())


def test_few_customers_teach_a_smooth_relation_which_trees_alone_would_miss():
    correlations = []
    for seed in (1, 2, 3):
        (training, _), (examples, true) = product_of_powers(seed), product_of_powers(100 + seed)
        predicted = fit([training], SETTINGS, examples.rows).predict_value(examples.features)
        correlations.append(np.corrcoef(np.log(predicted), true)[0, 1])
    assert np.mean(correlations) > 0.94  # .92 by trees alone


def test_inference_rows_teach_the_student_but_not_by_a_feature_that_was_never_known(teacher):
    labelled, trees, shared = teacher
    plain, _ = distil(trees, labelled, None, shared, SETTINGS)
    new, _ = product_of_powers(7)
    with_rows, _ = distil(trees, labelled, new.rows, shared, SETTINGS)
    assert with_rows.model_to_string() != plain.model_to_string()
    unknown = replace(labelled[0][0], rows=Rows.of(labelled[0][0].features.assign(d=np.nan)))
    hidden = [(unknown, labelled[0][1])]
    other = replace(new, rows=Rows.of(new.features.assign(d=99.0)))
    data = lightgbm_dataset(hidden, shared, SETTINGS)
    blind = train(tweedie_objective(SETTINGS) | shared, data, SETTINGS.model.trees)
    students = [distil(blind, hidden, one.rows, shared, SETTINGS)[0] for one in (new, other)]
    assert students[0].model_to_string() == students[1].model_to_string()


def test_rows_are_drawn_evenly_where_there_are_too_many(monkeypatch, teacher):
    labelled, trees, shared = teacher
    row_counts = []

    def recorded(parameters, data, rounds):
        row_counts.append(data.construct().num_data())
        return train(parameters, data, rounds)

    monkeypatch.setattr(distillation, "train", recorded)
    monkeypatch.setattr(distillation, "MAX_TEACHER_ROWS", 150)
    distil(trees, labelled, labelled[0][0].rows, shared, SETTINGS)
    assert row_counts == [2 * 134]  # every third of 400, twice
