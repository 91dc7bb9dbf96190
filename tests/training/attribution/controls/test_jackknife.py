"""Errors by leaving out groups of strata."""

import numpy as np
import pytest

from ripple.training.attribution.controls import jackknife as module
from ripple.training.attribution.controls.jackknife import jackknife, sampled_by_stratum


def mean_day(history):
    return np.array([history.adoptions.day[history.cases].mean()])


def test_the_error_is_that_of_a_mean_over_groups_of_strata(sample, monkeypatch):
    """As many groups as strata of one adopter each: the textbook error of a mean."""
    history = sample.history
    stratum = np.arange(history.customer_count)
    monkeypatch.setattr(module, "GROUPS", history.customer_count)
    days = history.adoptions.day[history.cases]
    by_customer = np.unique(history.adoptions.customer[history.cases], return_inverse=True)[1]
    estimate, error = jackknife(mean_day, history, stratum, 7)
    assert estimate[0] == pytest.approx(days.mean())
    residual = np.bincount(by_customer, weights=days - days.mean())
    size = np.bincount(by_customer)
    groups, left = size.size, days.size - size
    assert error[0] == pytest.approx(np.sqrt((groups - 1) / groups * ((residual / left) ** 2).sum()))


def test_one_stratum_gives_no_error(sample):
    estimate, error = jackknife(mean_day, sample.history, np.zeros(sample.history.customer_count, int), 7)
    assert np.isfinite(estimate).all()
    assert np.isnan(error).all()


def test_whole_strata_are_sampled_and_others_are_not_at_risk(sample, monkeypatch):
    monkeypatch.setattr(module, "MAX_CASES", 12)
    drawn = sampled_by_stratum(sample.history, sample.stratum, 7)
    whole = sample.history
    assert 12 <= drawn.cases.size < whole.cases.size
    kept = np.unique(sample.stratum[drawn.adoptions.customer[drawn.cases]])
    inside = np.isin(sample.stratum, kept)
    assert set(drawn.cases) == set(whole.cases[inside[whole.adoptions.customer[whole.cases]]])
    assert np.isneginf(drawn.observed_until[~inside]).all()
    assert (drawn.observed_until[inside] == whole.observed_until[inside]).all()


def test_few_cases_are_all_taken(sample):
    assert sampled_by_stratum(sample.history, sample.stratum, 7) is sample.history
