import numpy as np
import pytest
from scipy.special import expit

from ripple.training.estimators.platt import MIN_MEMBERS, platt

RANDOM = np.random.default_rng(1)
LOG_ODDS = RANDOM.normal(-3, 2, 500)
MEMBER = RANDOM.random(500) < expit(0.5 * LOG_ODDS - 1)


@pytest.mark.parametrize(
    ("log_odds", "member"),
    [
        (LOG_ODDS, np.arange(500) < MIN_MEMBERS - 1),
        (LOG_ODDS, np.arange(500) >= MIN_MEMBERS - 1),
        (-LOG_ODDS, MEMBER),
        (np.zeros(500), MEMBER),
    ],
)
def test_too_few_members_or_a_wrong_relation_leave_the_log_odds_as_they_are(log_odds, member):
    assert platt(log_odds, member) == (1, 0)


def test_ten_members_are_enough():
    """They are every other one of the 20 with the highest log-odds."""
    slope, _ = platt(LOG_ODDS, np.isin(np.arange(500), np.argsort(-LOG_ODDS)[:20:2]))
    assert slope > 0
    assert slope != 1


def test_the_true_slope_and_intercept_are_recovered():
    log_odds = np.random.default_rng(2).normal(-3, 2, 60_000)
    member = np.random.default_rng(3).random(60_000) < expit(0.5 * log_odds - 1)
    assert platt(log_odds, member) == (pytest.approx(0.5, abs=0.05), pytest.approx(-1, abs=0.1))
