import json
import math
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from ripple.models.batch_scoring import score_population
from ripple.training.evaluation.membership_changes import ScoredVersion, membership_changes


def scored(result, features, number="2"):
    return ScoredVersion(
        number,
        result.population.as_of,
        result.population.bundle,
        features,
        score_population(result.population.bundle, features),
    )


@pytest.fixture(scope="module")
def before(result):
    return replace(scored(result, result.population.features, "1"), as_of=datetime(2025, 1, 1))


@pytest.fixture(scope="module")
def lifted(result, before):
    """The lowest customer becomes like the highest in all but name."""
    ranks = before.scores["rank"]
    features = result.population.features.copy()
    features.loc[ranks.idxmax()] = features.loc[ranks.idxmin()]
    return ranks.idxmax(), features


def test_without_a_change_nobody_moves(result, before):
    found = membership_changes(scored(result, result.population.features), before)
    assert (found.stayed, found.entered, found.left) == (before.scores["top_member"].sum(), 0, 0)
    assert found.correlation == pytest.approx(1)
    assert found.mean_shifts.abs().to_numpy().max(initial=0) < 1e-12
    assert (found.number, found.as_of) == ("1", datetime(2025, 1, 1))


def test_who_enters_is_told_with_the_features_that_moved_and_nothing_of_the_model(result, before, lifted):
    name, features = lifted
    found = membership_changes(scored(result, features), before)
    assert found.entered == found.left == 1
    came = found.entrants[0]
    assert came.customer == name
    assert came.rank_before == len(features)
    assert came.rank_now <= 2
    assert came.by_data == pytest.approx(math.log(came.value_now / came.value_before))
    assert came.by_model == pytest.approx(0, abs=1e-9)
    effects = [
        result.population.bundle.contributions("value", result.population.bundle.matrix(part.loc[[name]]))[0][
            0
        ]
        for part in (features, result.population.features)
    ]
    moved = pd.Series(effects[0] - effects[1], index=result.population.bundle.spec.names)
    for shift in came.shifts:
        assert shift.effect == pytest.approx(moved[shift.feature])
        assert shift.now == pytest.approx(features.loc[name, shift.feature], nan_ok=True)
        assert shift.before == pytest.approx(result.population.features.loc[name, shift.feature], nan_ok=True)
    assert came.shifts[0].feature == moved.idxmax()
    assert found.mean_shifts["came"].idxmax() == moved.idxmax()


def test_who_left_is_told_with_what_lowered_them(result, before):
    first = before.scores["rank"].idxmin()
    last = before.scores["rank"].idxmax()
    features = result.population.features.copy()
    features.loc[first] = features.loc[last]
    found = membership_changes(scored(result, features), before)
    (went,) = found.leavers
    assert (went.customer, went.rank_before) == (first, 1)
    assert went.shifts
    assert all(shift.effect < 0 for shift in went.shifts)
    assert went.by_data < 0


def test_a_customer_who_was_not_there_has_no_reasons_that_moved(result, before):
    first = before.scores["rank"].idxmin()
    earlier = replace(
        before,
        features=before.features.drop(first),
        scores=before.scores.drop(first).assign(top_member=False),
    )
    found = membership_changes(scored(result, result.population.features), earlier)
    came = {mover.customer: mover for mover in found.entrants}[first]
    assert came.rank_before is None
    assert math.isnan(came.by_data)
    assert came.shifts == ()
    assert json.dumps(found.record(), allow_nan=False)


def test_another_model_on_the_same_data_is_told_apart_from_other_data(result, before):
    louder = replace(
        result.population.bundle,
        spec=replace(result.population.bundle.spec, level=result.population.bundle.spec.level * 2),
    )
    now = ScoredVersion(
        "2",
        result.population.as_of,
        louder,
        result.population.features,
        score_population(louder, result.population.features),
    )
    odd = replace(before, scores=before.scores.assign(top_member=False))
    came = membership_changes(now, odd).entrants[0]
    assert came.by_data == pytest.approx(0, abs=1e-9)
    assert came.by_model == pytest.approx(np.log(2))
