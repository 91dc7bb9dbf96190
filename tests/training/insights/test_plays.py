import math
from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from ripple.sections.play_rules import RULES
from ripple.sections.report import Plays
from ripple.settings import Features, Settings
from ripple.training.insights.plays import playbook, segments, write
from ripple.training.measured_effects import MeasuredEffect

NAMES = [rule.play for rule in RULES]
SETTINGS = Settings(plays={"network_share": 0.5, "direct_share": 0.5})


@pytest.fixture(scope="module")
def suggested(result):
    return result.insights.playbook


def valued(result, **columns):
    """The customer value of the run with some columns of the first customers changed."""
    customers = result.insights.customer_value.customers.copy()
    for name, values in columns.items():
        customers.loc[customers.index[: len(values)], name] = values
    return type(result.insights.customer_value)(
        **{**vars(result.insights.customer_value), "customers": customers}
    )


def segmented(features: pd.DataFrame, result, settings: Settings = SETTINGS, feedback_age=None):
    """Segments of four customers of whom the first two bring much and the odd ones spend much."""
    index = result.insights.customer_value.customers.index[:4]
    customers = result.insights.customer_value.customers.loc[index].assign(
        network_value=[9.0, 8.0, 1.0, 1.0], direct_value=[9.0, 1.0, 8.0, 1.0]
    )
    four = type(result.insights.customer_value)(
        **{**vars(result.insights.customer_value), "customers": customers}
    )
    return segments(features.set_index(index), four, settings, feedback_age)


FOUR = pd.DataFrame(
    {
        "feedback_latest": [-0.9, 0.9, np.nan, 0.0],
        "usage_trend_30d": [0.5, 0.2, np.nan, np.nan],
        "usage_trend_90d": [0.5, 0.1, np.nan, np.nan],
        "days_since_last_use": [3.0, 40.0, 400.0, np.nan],
    }
)


def test_segments_are_read_off_features_and_thresholds(result):
    by_customer = segmented(FOUR, result)
    assert by_customer.network.tolist() == ["high", "high", "low", "low"]
    assert by_customer.direct.tolist() == ["high", "low", "high", "low"]
    assert by_customer.sentiment.tolist() == ["unhappy", "happy", "silent", "neutral"]
    # the third has used it once and not at all of late, the fourth never
    assert by_customer.fading.tolist() == [False, True, True, False]


def test_without_feedback_all_are_silent_and_without_usage_nobody_fades(result):
    by_customer = segmented(FOUR[[]].assign(total_revenue=1.0), result)
    assert set(by_customer.sentiment) == {"silent"}
    assert not by_customer.fading.any()


def test_feedback_that_is_too_old_does_not_count(result):
    index = result.insights.customer_value.customers.index[:4]
    age = pd.Series([181.0, 180.0, 3.0], index[[0, 1, 3]])
    by_customer = segmented(FOUR, result, feedback_age=age)
    assert by_customer.sentiment.tolist() == ["silent", "happy", "silent", "neutral"]
    assert by_customer.feedback_age.tolist()[:2] == [181.0, 180.0]
    plays = SETTINGS.plays.model_copy(update={"feedback_days": 2000})
    patient = SETTINGS.model_copy(update={"plays": plays})
    assert segmented(FOUR, result, patient, age).sentiment.tolist()[0] == "unhappy"


def test_the_age_of_feedback_is_that_of_the_latest_before_the_end(result, opened):
    feedback = opened[0].tables["feedback"].to_pandas()
    as_of = result.population.as_of
    latest = feedback[feedback["occurred_at"] < as_of].groupby("customer_id")["occurred_at"].max()
    expected = (as_of - latest).dt.total_seconds() / 86_400
    ages = result.insights.playbook.customer_segments["feedback_age"]
    pd.testing.assert_series_equal(
        ages, expected.reindex(ages.index), check_names=False, check_index_type=False
    )
    used = result.insights.playbook.customer_segments
    assert not (used["sentiment"] != "silent")[ages > 180].any()
    assert (ages > 180).any()


def test_fading_is_read_off_the_longest_window_in_whatever_order(result):
    turned = SETTINGS.model_copy(update={"features": Features(windows_days=(90, 30))})
    four = FOUR.assign(usage_trend_30d=0.5)
    assert segmented(four, result, turned).fading.tolist() == [False, True, True, False]


def test_thresholds_are_settings(result):
    plays = SETTINGS.plays.model_copy(update={"unhappy_below": -0.95, "fading_below": 0.05})
    by_customer = segmented(FOUR, result, SETTINGS.model_copy(update={"plays": plays}))
    assert by_customer["sentiment"].iloc[0] == "neutral"
    assert by_customer.fading.tolist() == [False, False, True, False]


def test_of_the_rules_that_fit_the_first_one_counts(result, suggested):
    features, customers = result.population.features, result.insights.customer_value.customers
    by_customer = segments(
        features, result.insights.customer_value, result.settings, suggested.customer_segments["feedback_age"]
    )
    plays = suggested.customers["play"].reindex(customers.index)
    expected = []
    for network, direct, sentiment, fading in zip(
        by_customer.network, by_customer.direct, by_customer.sentiment, by_customer.fading, strict=True
    ):
        if network == "high":
            expected.append(
                "rescue"
                if sentiment == "unhappy"
                else "reawaken"
                if fading
                else "partner"
                if direct == "high"
                else "advocate"
                if sentiment == "happy"
                else "nurture"
            )
        else:
            expected.append(None if direct == "low" else "win back" if sentiment == "unhappy" else "connect")
    assert [None if play != play else play for play in plays] == expected
    assert len(set(expected)) > 5


def test_each_play_has_customers_reasons_value_at_stake_and_its_largest_cost(result, suggested):
    listed, totals = suggested.customers, suggested.plays.set_index("play")
    assert list(totals.index) == NAMES
    assert totals["customers"].sum() == len(listed)
    assert listed["reasons"].str.len().gt(10).all()
    for play, own in listed.groupby("play"):
        assert totals.loc[play, "value"] == pytest.approx(own["value"].sum())
        assert totals.loc[play, "low"] <= totals.loc[play, "value"] <= totals.loc[play, "high"]
        assert totals.loc[play, "max_cost"] == pytest.approx(own["max_cost"].sum())
        assert own["value"].is_monotonic_decreasing
    assert (listed["low"] <= listed["value"]).all()
    assert (listed["value"] <= listed["high"]).all()


def test_reasons_are_the_customer_s_own(result, suggested):
    unhappy = suggested.customers[suggested.customers["play"] == "rescue"].index[0]
    feedback = result.population.features.loc[unhappy, "feedback_latest"]
    age = suggested.customer_segments.loc[unhappy, "feedback_age"]
    told = suggested.customers.loc[unhappy, "reasons"]
    assert f"unhappy: latest feedback {feedback:+.2f}, {age:,.0f} days ago" in told
    assert "raises the expected network value" in suggested.customers.loc[unhappy, "reasons"]
    spender = suggested.customers[suggested.customers["play"] == "connect"].index[0]
    amount = f"{result.insights.customer_value.customers.loc[spender, 'direct_value']:,.0f} USD"
    assert f"top 10% by expected spend ({amount})" in suggested.customers.loc[spender, "reasons"]


def test_a_play_may_cost_no_more_than_the_margin_on_what_it_may_win(result, suggested):
    gain = result.insights.customer_value.customers["gain"].reindex(suggested.customers.index)
    assert suggested.customers["max_cost"].to_numpy() == pytest.approx(0.1 * gain.to_numpy())
    assert (suggested.customers["max_cost"] < suggested.customers["value"]).all()


def test_without_margins_no_play_has_a_cost(result):
    poor = valued(result, gain=np.full(len(result.insights.customer_value.customers), np.nan))
    costless = playbook(result.population.features, poor, result.population.bundle, result.settings)
    assert costless.customers["max_cost"].isna().all()
    assert all(math.isnan(cost) for cost in costless.plays["max_cost"])


def test_rules_of_your_own_replace_the_others(result):
    rule = {"play": "greet", "action": "say hello", "sentiment": "happy"}
    settings = result.settings.model_copy(update={"plays": Plays(rules=[rule])})
    replaced = playbook(
        result.population.features, result.insights.customer_value, result.population.bundle, settings
    )
    happy = result.population.features["feedback_latest"] > 0.25  # of whatever age, as none is given
    assert set(replaced.customers.index) == set(result.population.features.index[happy])
    assert set(replaced.customers["play"]) == {"greet"}
    assert replaced.plays["play"].tolist() == ["greet"]


def test_the_list_is_written_for_a_crm(suggested, tmp_path):
    path = tmp_path / "plays.csv"
    write(suggested, path)
    read = pd.read_csv(path, index_col="customer_id", dtype={"customer_id": str})
    assert list(read.columns) == [
        *("play", "action", "reasons", "value", "value_low", "value_high"),
        *("network_value", "direct_value", "max_cost"),
    ]
    assert read.index.tolist() == suggested.customers.index.tolist()
    assert read["reasons"].tolist() == suggested.customers["reasons"].tolist()
    assert read["max_cost"].to_numpy() == pytest.approx(suggested.customers["max_cost"].to_numpy(), abs=0.006)


def test_names_and_owners_come_first_in_the_list(suggested, tmp_path):
    path = tmp_path / "plays.csv"
    owners = pd.Series("Ann", index=suggested.customers.index[::-2])
    write(suggested, path, {"owner": owners})
    read = pd.read_csv(path, index_col="customer_id", dtype={"customer_id": str})
    assert read.columns[:2].tolist() == ["owner", "play"]
    assert read["owner"].dropna().index.tolist() == owners.index[::-1].tolist()


def test_segments_hold_every_customer_once(result, suggested):
    assert suggested.segments["customers"].sum() == len(result.insights.customer_value.customers)
    assert suggested.segments["network_value"].sum() == pytest.approx(
        result.insights.customer_value.customers["network_value"].sum()
    )
    of_few = suggested.segments[
        (suggested.segments["network"] == "low") & (suggested.segments["direct"] == "low")
    ]
    assert (of_few["plays"] == "").all()


def measured(play: str, low: float) -> MeasuredEffect:
    return MeasuredEffect(play, "july", low + 0.1, low, low + 0.2, datetime(2025, 7, 1), 40)


def test_what_was_measured_takes_the_place_of_the_guess_by_its_lower_bound(result):
    effects = {"rescue": measured("rescue", 0.3), "partner": measured("partner", -0.1)}
    value, bundle = result.insights.customer_value, result.population.bundle
    guessed = playbook(result.population.features, value, bundle, result.settings)
    book = playbook(result.population.features, value, bundle, result.settings, measured=effects)
    before, after = guessed.plays.set_index("play")["max_cost"], book.plays.set_index("play")["max_cost"]
    assert after["rescue"] == pytest.approx(3 * before["rescue"])
    assert after["partner"] == 0
    pd.testing.assert_series_equal(after.drop(["rescue", "partner"]), before.drop(["rescue", "partner"]))
    assert book.measured == effects


def test_customers_who_rest_get_no_play(result, suggested):
    asked, value = suggested.customers.index[:5], result.insights.customer_value
    nobody = value.customers.index.difference(suggested.customers.index)[:1]
    book = playbook(
        result.population.features,
        value,
        result.population.bundle,
        result.settings,
        resting=asked.union(nobody),
    )
    assert set(book.customers.index) == set(suggested.customers.index) - set(asked)
    assert (suggested.resting, book.resting) == (0, 5)
