import numpy as np
import pytest
from scipy import stats

from ripple.training.experiments.assignment import draw, strata
from ripple.training.experiments.estimation import TooFewUnits, estimate_effect, holm, pooled


def experiment(seed: int, units: int, effect: float = 0.0, of_one: int = 1):
    """Customers of *units* with up to *of_one* customers each: outcome, arm, unit, stratum, covariates."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(units), rng.integers(1, of_one + 1, units))
    level = rng.lognormal(0, 0.8, unit.size)
    before, after = (level * rng.lognormal(0, 0.3, unit.size) for _ in range(2))
    stratum = strata(np.column_stack([np.bincount(unit, weights=before)]), 8)
    treated = draw(stratum, 0.5, seed)[unit]
    return after + effect * treated, treated, unit, stratum[unit], before[:, None]


def test_without_covariates_it_is_the_difference_of_means_with_neymans_error():
    outcome, treated, unit, *_ = experiment(1, 40, 2.0)
    found = estimate_effect(outcome, treated, unit)
    one, other = outcome[treated], outcome[~treated]
    assert found.effect == pytest.approx(one.mean() - other.mean())
    assert found.error == pytest.approx(np.sqrt(one.var(ddof=1) / one.size + other.var(ddof=1) / other.size))
    assert found.held_mean == pytest.approx(other.mean())
    assert (found.treated, found.held, found.covariates) == (20, 20, 0)
    # four fifths of 5 % are left for the end
    assert found.high - found.effect >= stats.t.isf(0.02, 38) * found.error * (1 - 1e-9)


def test_the_effect_is_per_customer_and_not_per_unit():
    _, treated, unit, *_ = experiment(2, 60, of_one=3)
    found = estimate_effect(np.where(treated, 5.0, 2.0), treated, unit)
    assert found.effect == pytest.approx(3.0, abs=0.7)
    assert (found.treated, found.treated_units) == (treated.sum(), 30)


def test_a_covariate_narrows_the_interval():
    outcome, treated, unit, stratum, before = experiment(3, 200, 0.3)
    raw, adjusted = (estimate_effect(outcome, treated, unit, stratum, x) for x in (None, before))
    assert adjusted.error < 0.7 * raw.error
    assert adjusted.low < 0.3 < adjusted.high


def test_intervals_cover_and_clusters_count():
    covered, spread, errors = 0, [], []
    for seed in range(100):
        outcome, treated, unit, stratum, before = experiment(seed, 48, 1.0, of_one=4)
        # what customers of a unit share
        outcome = outcome + np.random.default_rng(seed).normal(0, 1, 48)[unit]
        found = estimate_effect(outcome, treated, unit, stratum, before, draws=400)
        covered += found.low < 1.0 < found.high
        spread.append(found.effect)
        errors.append(found.error)
    assert covered >= 92
    assert np.mean(errors) == pytest.approx(np.std(spread), rel=0.25)


def test_the_randomisation_test_is_exact_for_rare_large_orders():
    p = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        outcome = np.where(rng.random(40) < 0.2, rng.pareto(1.1, 40), 0.0)
        treated = draw(np.zeros(40, dtype=int), 0.5, seed)
        p.append(estimate_effect(outcome, treated, np.arange(40), draws=400).randomisation_p)
    assert stats.kstest(p, "uniform").pvalue > 0.01


def test_an_early_look_has_a_wider_interval():
    outcome, treated, unit, *_ = experiment(4, 80)
    early, end = (estimate_effect(outcome, treated, unit, fraction=share, draws=0) for share in (0.25, 1.0))
    assert early.effect == end.effect
    assert early.high - early.low > 2 * (end.high - end.low)


def test_errors_can_be_clustered_more_coarsely_than_units():
    outcome, _, unit, *_ = experiment(5, 80)
    village = np.arange(80) // 4
    shared = outcome + 3 * np.random.default_rng(0).normal(size=20)[village]
    split = np.isin(village, np.arange(10))
    clustered = estimate_effect(shared, split, unit, cluster=village, draws=0)
    assert clustered.error > 1.3 * estimate_effect(shared, split, unit, draws=0).error


def test_an_arm_of_fewer_than_two_units_is_refused():
    with pytest.raises(TooFewUnits, match="1 units are treated"):
        estimate_effect(np.arange(5.0), np.arange(5) == 0, np.arange(5))


def test_a_unit_in_both_arms_is_refused():
    with pytest.raises(ValueError, match="differ by arm"):
        estimate_effect(np.arange(4.0), np.array([True, False, True, False]), np.array([0, 0, 1, 2]))


def test_strata_with_too_few_units_in_an_arm_are_put_together():
    treated = np.array([1, 1, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0], dtype=bool)
    stratum = np.array([0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 3, 3])
    assert pooled(stratum, treated).tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 2, 2]
    # one lone stratum joins the largest of the others
    assert pooled(stratum[:6], treated[:6]).tolist() == [0] * 6


def test_p_values_of_several_plays_are_corrected():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
