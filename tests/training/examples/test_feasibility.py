"""What can be trained is counted before anything is computed, and refused in the same words everywhere."""

from __future__ import annotations

from datetime import datetime, timedelta

import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.features.validation.checks import load
from ripple.settings import Settings
from ripple.training import pipeline
from ripple.training.examples.feasibility import NETWORK_VALUE_NEEDS, NOT_MEASURABLE, feasibility
from ripple.training.orders_alone import pipeline as orders_alone
from tests.support.oracles import feature_frames

START = datetime(2024, 1, 1)
SETTINGS = Settings.model_validate({"horizon_days": 10, "cutoffs": {"history_days": 10, "step_days": 10}})


def day(number):
    return START + timedelta(days=number)


@pytest.fixture
def frames():
    """15 customers of whom each follows the one before; all buy on day 30, and one order ends the data."""
    ids = [f"c{number:02}" for number in range(15)]
    return {
        "customers": pd.DataFrame({"customer_id": ids, "joined_at": START}),
        "orders": pd.DataFrame(
            {
                "customer_id": [*ids, ids[0], ids[0]],
                "ordered_at": [day(30)] * 15 + [day(0), day(59)],
                "product": "p",
                "revenue": 5.0,
            }
        ),
        "interactions": pd.DataFrame(
            {"source_id": ids[:-1], "target_id": ids[1:], "occurred_at": day(29), "kind": "follow"}
        ),
    }


@pytest.fixture
def opened(tmp_path):
    def opened(frames, settings=SETTINGS):
        return load(feature_frames.write(frames, tmp_path / "data"), settings)

    return opened


def counted(dataset, report):
    return feasibility(dataset, report.start, report.end)


def test_cutoffs_customers_buyers_and_candidates_are_counted(frames, opened):
    result = counted(*opened(frames))
    assert [cutoff.day for cutoff in result.schedule.grid] == [11, 21, 31, 10, 20]
    assert (result.customers, result.buyers, result.candidates) == (15, 15, 14)
    assert str(result) == (
        "5 closed cutoffs from 2024-01-11 to 2024-02-20, 4 of them evaluated, horizon 10 days; 15 customers, "
        "15 buyers, 14 candidates for credit"
    )


def test_who_was_in_touch_only_afterwards_is_no_candidate_unless_as_referrer(frames, opened):
    frames["interactions"].loc[:2, "occurred_at"] = day(31)
    assert counted(*opened(frames)).candidates == 11
    frames["interactions"].loc[0, "kind"] = "referral"
    assert counted(*opened(frames)).candidates == 12


def test_without_interactions_only_direct_value_is_trained_and_what_is_missing_is_told(frames, opened):
    del frames["interactions"]
    dataset, report = opened(frames)
    result = counted(dataset, report)
    assert (result.customers, result.buyers, result.candidates) == (15, 15, None)
    assert NETWORK_VALUE_NEEDS in str(result)
    with pytest.raises(InputError, match="Network value needs contacts or referrals"):
        pipeline.fit_and_evaluate(dataset, report, "run")


def test_direct_value_needs_buyers(frames, opened):
    del frames["interactions"]
    frames["orders"] = frames["orders"].iloc[7:]
    with pytest.raises(InputError, match=r"Only 9 customers bought anything .* 10 at least"):
        counted(*opened(frames))


def emptied(frames):
    frames["interactions"] = frames["interactions"].iloc[:0]


def few(frames):
    frames["interactions"] = frames["interactions"].iloc[:9]


def short(frames):
    frames["orders"] = frames["orders"].iloc[:15]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (emptied, "The table interactions has no rows"),
        (few, r"Only 9 customers could be credited .* 10 at least must .* 9 interactions .* 15 buyers"),
        (short, r"Too little history to evaluate .* 30 days of data in all"),
    ],
)
def test_what_cannot_be_trained_is_refused_by_training_in_the_same_words_before_any_work(
    frames, opened, monkeypatch, change, message
):
    change(frames)
    dataset, report = opened(frames)
    with pytest.raises(InputError, match=message) as at_check:
        counted(dataset, report)

    def no_work(*_):
        raise AssertionError("features were computed")

    monkeypatch.setattr(pipeline, "examples_at", no_work)
    with pytest.raises(InputError) as at_training:
        pipeline.fit_and_evaluate(dataset, report, "run")
    assert str(at_training.value) == str(at_check.value)


def test_without_interactions_what_training_refuses_is_refused_in_the_same_words_before_any_work(
    frames, opened, monkeypatch
):
    """Everybody buys in the last window alone, so there is nothing to learn from."""
    del frames["interactions"]
    frames["orders"].loc[:14, "ordered_at"] = day(55)
    dataset, report = opened(frames)
    with pytest.raises(InputError, match="At no evaluation cutoff did anybody buy anything both") as at_check:
        counted(dataset, report)

    def no_work(*_):
        raise AssertionError("features were computed")

    monkeypatch.setattr(orders_alone, "examples_at", no_work)
    with pytest.raises(InputError) as at_training:
        orders_alone.fit_and_evaluate(dataset, report, "run")
    assert str(at_training.value) == str(at_check.value)


@pytest.mark.parametrize("product", ["p", "of their own"])
def test_where_every_product_has_one_buyer_it_is_told_that_influence_cannot_be_measured(
    frames, opened, product
):
    if product != "p":
        frames["orders"]["product"] = "p" + frames["orders"]["customer_id"]
    result = counted(*opened(frames))
    assert result.shared is (product == "p")
    assert (NOT_MEASURABLE in str(result)) is (product != "p")
