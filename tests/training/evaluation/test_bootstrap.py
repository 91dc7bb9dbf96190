import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ripple.training.evaluation import metrics
from ripple.training.evaluation.bootstrap import (
    ROUNDS,
    RankedCutoff,
    customer_codes,
    customer_count,
    draws,
    estimate_with_bounds,
    observed_captures,
    percentile_bounds,
    places_taken,
    ranked_cutoffs,
    resampled_captures,
)
from tests.support.synthetic_predictions import synthetic_predictions

VALUES = arrays(float, st.integers(2, 60), elements=st.sampled_from([0.0, 0.0, 1.0, 2.5, 7.0, 100.0]))
SHARES = st.sampled_from([0.01, 0.1, 0.3])


@pytest.fixture(scope="module")
def cutoffs():
    return ranked_cutoffs(synthetic_predictions(1.0), ["predicted"], 0.02)


def ranked(value, share=0.05, **scores):
    """One cutoff of customers with these values and scores."""
    rows = pd.DataFrame({"realised": value, **scores})
    return RankedCutoff(rows, np.arange(len(value)), list(scores), share)


def test_observed_captures_are_those_of_the_metric(cutoffs):
    expected = [
        metrics.capture(cutoff.rows["predicted"].to_numpy(), cutoff.rows["realised"].to_numpy(), 0.02)
        for cutoff in cutoffs
    ]
    assert observed_captures(cutoffs)[:, 0] == pytest.approx(expected)


def test_capture_of_a_resample_is_the_metric_on_rows_repeated_as_drawn(cutoffs):
    for counts in list(draws(customer_count(cutoffs), 3))[:20]:
        for cutoff in cutoffs:
            rows = cutoff.rows.loc[cutoff.rows.index.repeat(counts[cutoff.codes])]
            expected = metrics.capture(rows["predicted"].to_numpy(), rows["realised"].to_numpy(), 0.02)
            assert cutoff.captures(counts) == pytest.approx([expected])


@given(VALUES, SHARES, st.integers(0, 2**16))
def test_a_resample_is_evaluated_as_if_its_customers_stood_there(value, share, seed):
    score = np.random.default_rng(1).normal(0, 1, len(value))
    cutoff, generator = ranked(value, share, score=score), np.random.default_rng(seed)
    for counts, _ in zip(draws(len(value), seed), range(3), strict=False):
        drawn = np.sort(generator.integers(0, len(value), len(value)))
        expected = metrics.capture(score[drawn], value[drawn], share)
        assert cutoff.captures(counts)[0] == pytest.approx(expected, nan_ok=True)


def test_there_are_400_rounds_of_as_many_customers_as_there_are():
    resamples = list(draws(30, seed=1))
    assert len(resamples) == ROUNDS == 400
    assert all(counts.sum() == len(counts) == 30 for counts in resamples)


def test_a_customer_is_drawn_at_every_cutoff_or_at_none(cutoffs):
    counts = next(draws(customer_count(cutoffs), 1))
    first, second = (
        dict(zip(cutoff.rows["customer_id"], counts[cutoff.codes], strict=True)) for cutoff in cutoffs
    )
    assert first == second


def test_rankings_are_paired_and_cutoffs_with_the_same_customers_resampled_alike():
    value = np.random.default_rng(2).pareto(1.5, 200)
    score = np.random.default_rng(3).normal(0, 1, 200)
    captures = resampled_captures([ranked(value, one=score, same=score * 2 + 1)] * 2, seed=3)
    assert captures.shape == (ROUNDS, 2, 2)
    assert np.array_equal(captures[:, :, 0], captures[:, :, 1])
    assert np.array_equal(captures[:, 0], captures[:, 1])
    assert np.ptp(captures[:, 0, 0]) > 0


def test_resamples_follow_from_the_seed_and_tell_a_good_ranking_from_a_bad_one():
    generator = np.random.default_rng(1)
    value = generator.pareto(1.5, 300)
    cutoffs = [ranked(value, good=value + generator.normal(0, 1, 300), bad=generator.normal(0, 1, 300))]
    captures = resampled_captures(cutoffs, seed=3)
    assert np.array_equal(captures, resampled_captures(cutoffs, seed=3))
    assert not np.array_equal(captures, resampled_captures(cutoffs, seed=4))
    good, bad = captures[:, 0].T
    assert np.quantile(good - bad, 0.05) > 0


def test_a_ranking_that_does_not_exist_at_a_cutoff_has_no_capture_there():
    value = np.arange(10.0)
    rows = pd.DataFrame({"realised": value, "one": value})
    cutoffs = [
        RankedCutoff(rows, np.arange(10), ["one", "two"], 0.2),
        RankedCutoff(rows.assign(two=value), np.arange(10), ["one", "two"], 0.2),
    ]
    captures = resampled_captures(cutoffs, seed=3)
    assert np.isnan(captures[:, 0, 1]).all()
    assert (captures[:, 0, 0] == 1).all()
    assert (captures[:, 1] == 1).all()


def test_codes_go_by_who_appears_first_and_not_by_name():
    first, second = customer_codes([pd.Index(["c", "a"]), pd.Index(["b", "a", "c"])])
    assert first.tolist() == [0, 1]
    assert second.tolist() == [2, 1, 0]


def test_customers_are_counted_once_and_cutoffs_go_from_the_oldest():
    table = synthetic_predictions(1.0)
    backwards = ranked_cutoffs(table[::-1], ["predicted"], 0.02)
    assert customer_count(backwards) == 300
    assert [cutoff.rows["cutoff"].iloc[0] for cutoff in backwards] == sorted(table["cutoff"].unique())


def test_places_go_to_those_who_were_drawn_however_far_down_they_stand():
    counts = np.zeros(500, dtype=np.int64)
    counts[[3, 450, 460, 470]] = [2, 1, 3, 1]
    first, taken = places_taken(np.arange(500), counts, 5)
    held = dict(zip(first.tolist(), taken.tolist(), strict=True))
    assert {customer: count for customer, count in held.items() if count} == {3: 2, 450: 1, 460: 2}


def test_an_estimate_lies_inside_its_bounds_and_repeats_itself(cutoffs):
    def mean(counts):
        return float(np.average(cutoffs[0].rows["realised"], weights=counts[cutoffs[0].codes]))

    customers = customer_count(cutoffs)
    estimate, low, high = estimate_with_bounds(mean, customers, seed=5)
    assert estimate == pytest.approx(cutoffs[0].rows["realised"].mean())
    assert low < estimate < high
    assert estimate_with_bounds(mean, customers, seed=5) == (estimate, low, high)
    assert estimate_with_bounds(mean, customers, seed=6) != (estimate, low, high)


def test_bounds_are_the_middle_95_percent_of_what_is_defined():
    assert percentile_bounds(np.arange(1001.0)) == (25.0, 975.0)
    assert percentile_bounds(np.append(np.arange(1001.0), [np.nan, np.inf])) == (25.0, 975.0)
    assert np.isnan(percentile_bounds(np.full(5, np.nan))).all()


def test_a_statistic_that_is_never_defined_has_no_estimate():
    assert np.isnan(estimate_with_bounds(lambda counts: np.nan, 10, seed=5)).all()
