import numpy as np
import pandas as pd
import pytest

from ripple.training.estimators.purchase_process import MIN_REPEAT_BUYERS, fit_purchase_process

R, ALPHA, A, B = 0.8, 6.0, 0.8, 2.5
P, Q, GAMMA = 6.0, 4.0, 15.0
SEEN, AHEAD = 52.0, 26.0


def simulated(customers=1500, seed=3):
    """Histories of 52 weeks by the model itself, and what each customer then spends in 26 weeks."""
    random = np.random.default_rng(seed)
    rows, later = [], []
    for _ in range(customers):
        rate, leaving = random.gamma(R, 1 / ALPHA), random.beta(A, B)
        scale = random.gamma(Q, 1 / GAMMA)
        times, now = [], 0.0
        while (now := now + random.exponential(1 / rate)) < SEEN + AHEAD:
            times.append(now)
            if random.random() < leaving:
                break
        amounts = random.gamma(P, 1 / scale, len(times))
        seen = [(time, amount) for time, amount in zip(times, amounts, strict=True) if time < SEEN]
        rows.append(
            (len(seen), seen[-1][0] if seen else 0.0, SEEN, np.mean([a for _, a in seen]) if seen else 0.0)
        )
        later.append(sum(amounts[len(seen) :]))
    index = pd.Index([f"c{i:05}" for i in range(customers)], name="customer_id")
    return pd.DataFrame(rows, index, ["frequency", "recency", "T", "monetary_value"], dtype=float), pd.Series(
        later, index
    )


@pytest.fixture(scope="module")
def world():
    return simulated()


@pytest.fixture(scope="module")
def process(world):
    return fit_purchase_process(world[0])


def test_parameters_of_a_simulated_process_are_found(process):
    r, alpha, a, b = process.purchases.params_
    assert r / alpha == pytest.approx(R / ALPHA, rel=0.15)
    assert a / (a + b) == pytest.approx(A / (A + B), rel=0.25)
    assert process.amounts.population_mean() == pytest.approx(P * GAMMA / (Q - 1), rel=0.1)


def test_expected_spend_is_what_is_spent(process, world):
    history, later = world
    spend = process.expected_spend(history, AHEAD * 7)
    assert spend.sum() == pytest.approx(later.sum(), rel=0.15)
    by_half = later.groupby(spend > spend.median()).sum() / spend.groupby(spend > spend.median()).sum()
    assert by_half.between(0.6, 1.6).all()


def test_more_days_bring_more_and_each_day_less(process, world):
    near, far, farther = (process.expected_spend(world[0], days) for days in (90, 180, 270))
    assert (far > near).all()
    assert (farther - far < far - near).all()


def test_the_sample_that_is_fitted_does_not_depend_on_ids(world):
    history = world[0]
    renamed = history.sample(frac=1.0, random_state=1).set_axis(range(len(history)))
    assert fit_purchase_process(renamed).purchases.params_.tolist() == pytest.approx(
        fit_purchase_process(history).purchases.params_.tolist(), rel=1e-12
    )


def test_too_few_repeat_buyers_are_not_fitted(world):
    repeat = world[0][world[0]["frequency"] > 0]
    assert fit_purchase_process(repeat.iloc[: MIN_REPEAT_BUYERS - 1]) is None
    assert fit_purchase_process(world[0].iloc[:0]) is None


def test_what_a_purchase_is_worth_is_undefined_where_it_has_no_mean(process, world):
    process.amounts.q, known = 0.9, process.amounts.q
    try:
        spend = process.expected_spend(world[0], 90)
        assert spend[world[0]["frequency"] == 0].isna().all()
        assert (spend.dropna() > 0).all()
    finally:
        process.amounts.q = known
