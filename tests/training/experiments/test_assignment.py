import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ripple.training.experiments.assignment import draw, redraw, strata, stratum_size


@pytest.mark.parametrize(("holdout", "size"), [(0.5, 8), (0.2, 10), (0.25, 8), (0.1, 20), (0.3, 10)])
def test_strata_have_a_size_that_can_be_shared_out(holdout, size):
    assert stratum_size(holdout) == size
    assert size * holdout == pytest.approx(round(size * holdout))


def test_units_of_a_stratum_are_alike():
    values = np.random.default_rng(1).normal(size=(160, 2))
    stratum = strata(values, 8)
    within = sum(values[stratum == number].var(axis=0) * 8 for number in range(20)) / 160
    assert np.bincount(stratum).tolist() == [8] * 20
    assert (within < 0.5 * values.var(axis=0)).all()


@given(st.integers(1, 100), st.integers(0, 99), st.sampled_from([0.1, 0.2, 0.37, 0.5]))
def test_every_stratum_is_shared_out_as_wanted(units, seed, holdout):
    size = stratum_size(holdout)
    stratum = strata(np.random.default_rng(seed).random((units, 3)), size)
    number = np.bincount(stratum)
    assert number.max() < 2 * size
    assert units < size or number.min() >= size
    held = number - np.bincount(stratum, weights=draw(stratum, holdout, seed))
    assert (np.abs(held - number * holdout) < 1).all()


def test_an_assignment_follows_from_its_seed():
    stratum = np.repeat(np.arange(5), 8)
    assert (draw(stratum, 0.5, 3) == draw(stratum, 0.5, 3)).all()
    assert (draw(stratum, 0.5, 3) != draw(stratum, 0.5, 4)).any()


def test_every_unit_is_held_out_with_the_wanted_probability():
    stratum = np.repeat(np.arange(3), 7)
    held = 1 - np.mean([draw(stratum, 0.3, seed) for seed in range(2000)], axis=0)
    assert np.abs(held - 0.3).max() < 0.05


def test_other_assignments_treat_as_many_of_each_stratum():
    stratum = np.repeat(np.arange(4), 6)
    treated = draw(stratum, 0.5, 1)
    others = redraw(stratum, treated, 300, 2)
    assert all((np.bincount(stratum, weights=other) == 3).all() for other in others)
    assert np.abs(others.mean(axis=0) - 0.5).max() < 0.12
    assert np.unique(others, axis=0).shape[0] > 290
