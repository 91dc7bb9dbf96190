import json
import math
from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from ripple.models.batch_scoring import score_population
from ripple.training.evaluation.membership_changes import ScoredVersion, membership_changes
from tests.support.runs.made_up_run import made_up_result


@pytest.fixture(scope="module")
def result():
    return made_up_result()


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
    changes = membership_changes(scored(result, result.population.features), before)
    assert (changes.stayed, changes.entered, changes.left) == (before.scores["top_member"].sum(), 0, 0)
    assert changes.correlation == pytest.approx(1)
    assert changes.record()["correlation"] == changes.correlation
    assert replace(changes, correlation=math.nan).record()["correlation"] is None
    assert changes.mean_shifts.abs().to_numpy().max(initial=0) < 1e-12
    assert (changes.number, changes.as_of) == ("1", datetime(2025, 1, 1))


def test_an_entrant_has_the_features_that_moved_and_nothing_of_the_model(result, before, lifted):
    name, features = lifted
    changes = membership_changes(scored(result, features), before)
    assert changes.entered == changes.left == 1
    entrant = changes.entrants[0]
    assert entrant.customer == name
    assert entrant.rank_before == len(features)
    assert entrant.rank_now <= 2
    assert entrant.by_data == pytest.approx(math.log(entrant.value_now / entrant.value_before))
    assert entrant.by_model == pytest.approx(0, abs=1e-9)
    effects = [
        result.population.bundle.contributions("value", result.population.bundle.matrix(part.loc[[name]]))[0][
            0
        ]
        for part in (features, result.population.features)
    ]
    moved = pd.Series(effects[0] - effects[1], index=result.population.bundle.spec.names)
    for shift in entrant.shifts:
        assert shift.effect == pytest.approx(moved[shift.feature])
        assert shift.now == pytest.approx(features.loc[name, shift.feature], nan_ok=True)
        assert shift.before == pytest.approx(result.population.features.loc[name, shift.feature], nan_ok=True)
    assert [shift.feature for shift in entrant.shifts] == list(moved.nlargest(3).index)
    assert changes.mean_shifts["entered"].idxmax() == moved.idxmax()


def test_up_to_fifty_who_entered_are_listed_by_rank(result, before):
    now = scored(result, result.population.features)
    ranks = now.scores["rank"]
    now = replace(now, scores=now.scores.assign(top_member=ranks <= 60))
    changes = membership_changes(now, replace(before, scores=before.scores.assign(top_member=ranks > 340)))
    assert (changes.stayed, changes.entered, changes.left) == (0, 60, 60)
    assert [one.rank_now for one in changes.entrants] == list(range(1, 51))
    assert [one.rank_before for one in changes.leavers] == list(range(341, 391))
    # nothing moved but who counts as top
    assert all(one.shifts == () for one in (*changes.entrants, *changes.leavers))


def test_an_earlier_version_that_needs_a_feature_that_is_gone_has_no_score_today(result, before):
    spec = before.bundle.spec
    place = spec.names.index("past_network_value")
    gone = [replace(one, name="gone") if i == place else one for i, one in enumerate(spec.features)]
    earlier = replace(
        before,
        bundle=replace(before.bundle, spec=replace(spec, features=tuple(gone))),
        features=before.features.rename(columns={"past_network_value": "gone"}),
        scores=before.scores.assign(top_member=False),
    )
    entrant = membership_changes(scored(result, result.population.features), earlier).entrants[0]
    assert math.isnan(entrant.by_data)
    assert math.isnan(entrant.by_model)
    assert entrant.value_before == entrant.value_now
    # a feature that only one of the two has had no effect in the other
    bundle = before.bundle
    matrix = bundle.matrix(before.features.loc[[entrant.customer]])
    effect = bundle.contributions("value", matrix)[0][0, place]
    (shift,) = entrant.shifts
    assert shift.feature == ("past_network_value" if effect > 0 else "gone")
    assert shift.effect == pytest.approx(abs(effect))
    assert math.isnan(shift.before if effect > 0 else shift.now)


def test_a_leaver_has_the_features_that_lowered_them(result, before):
    first = before.scores["rank"].idxmin()
    last = before.scores["rank"].idxmax()
    features = result.population.features.copy()
    features.loc[first] = features.loc[last]
    changes = membership_changes(scored(result, features), before)
    (leaver,) = changes.leavers
    assert (leaver.customer, leaver.rank_before) == (first, 1)
    assert leaver.shifts
    assert all(shift.effect < 0 for shift in leaver.shifts)
    assert leaver.by_data < 0


def test_a_customer_who_was_not_there_has_no_reasons_that_moved(result, before):
    first = before.scores["rank"].idxmin()
    earlier = replace(
        before,
        features=before.features.drop(first),
        scores=before.scores.drop(first).assign(top_member=False),
    )
    changes = membership_changes(scored(result, result.population.features), earlier)
    entrant = {mover.customer: mover for mover in changes.entrants}[first]
    assert entrant.rank_before is None
    assert math.isnan(entrant.by_data)
    assert entrant.shifts == ()
    assert json.dumps(changes.record(), allow_nan=False)


def test_another_model_on_the_same_data_is_distinguished_from_other_data(result, before):
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
    entrant = membership_changes(now, odd).entrants[0]
    assert entrant.by_data == pytest.approx(0, abs=1e-9)
    assert entrant.by_model == pytest.approx(np.log(2))
