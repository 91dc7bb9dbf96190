import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ripple.features.attribute_features import PREFIX
from ripple.models import FeatureSpec
from ripple.models.bundle import Category
from ripple.models.reasons import (
    ATTRIBUTE_PREFIX,
    family_totals,
    feature_in_words,
    in_words,
    logarithmic_mean,
    reasons,
    sentence,
    value_in_words,
)


@pytest.fixture(scope="module")
def x(bundle, features):
    return bundle.matrix(features)


@pytest.mark.parametrize("head", ["value", "top"])
def test_reasons_are_the_strongest_contributions_in_order(bundle, x, head):
    values, _ = bundle.contributions(head, x)
    names = bundle.spec.names
    explained = reasons(bundle, head, x, 3)
    assert len(explained) == len(x)
    for row, effects, row_reasons in zip(x, values, explained, strict=True):
        assert [abs(reason.effect) for reason in row_reasons] == sorted(np.abs(effects), reverse=True)[:3]
        for reason in row_reasons:
            place = names.index(reason.feature)
            assert reason.effect == effects[place]
            assert reason.factor == pytest.approx(math.exp(effects[place]))
            assert reason.family == bundle.spec.features[place].family
            assert reason.value == (None if math.isnan(row[place]) else row[place])


def test_all_reasons_add_up_to_the_score(bundle, features, x):
    explained = reasons(bundle, "value", x, 0)
    _, base = bundle.contributions("value", x)
    for row_reasons, start, value in zip(
        explained, base, bundle.score(features)["network_value"], strict=True
    ):
        assert len(row_reasons) == len(bundle.spec.names)
        assert start + sum(reason.effect for reason in row_reasons) == pytest.approx(
            math.log(value), abs=1e-9
        )


@pytest.mark.parametrize("head", ["value", "top"])
def test_family_totals_add_up_contributions(bundle, x, head):
    values, _ = bundle.contributions(head, x)
    totals = family_totals(bundle, head, x)
    assert all(
        list(row_totals) == ["engagement", "sophistication", "referent", "network"] for row_totals in totals
    )
    for row_totals, effects in zip(totals, values, strict=True):
        assert row_totals["engagement"] == pytest.approx(effects[:2].sum(), abs=1e-12)
        assert row_totals["network"] == pytest.approx(effects[6], abs=1e-12)
        assert sum(row_totals.values()) == pytest.approx(effects.sum(), abs=1e-9)
    assert family_totals(bundle, head, x[:1]) == totals[:1]


def test_no_rows_have_no_reasons(bundle):
    assert reasons(bundle, "value", np.zeros((0, 7)), 3) == []
    assert family_totals(bundle, "value", np.zeros((0, 7))) == []


def test_a_reason_reads_as_a_sentence(bundle, x):
    explained = {
        reason.effect > 0: reason
        for row_reasons in reasons(bundle, "value", x, 0)
        for reason in row_reasons
        if reason.feature == "past_network_value" and reason.value is not None
    }
    up, down = explained[True], explained[False]
    amount = f"{up.value:,.0f} EUR"
    assert up.text == (f"past network value is {amount}: raises the expected network value ×{up.factor:.2f}")
    assert "lowers the expected network value ×0." in down.text
    strongest = reasons(bundle, "top", x[:1], 1)[0][0]
    assert "the odds of being at the top ×" in strongest.text


@pytest.mark.parametrize(
    ("effect", "words"),
    [(0.1, "raises the expected network value ×1.11"), (-0.1, "lowers the expected network value ×0.90")],
)
def test_an_effect_raises_or_lowers_by_a_factor(effect, words):
    feature = FeatureSpec("days_since_last_use", "engagement", "days", "Days since the last use.")
    assert sentence(feature, "3 days", effect, "value") == f"days since last use is 3 days: {words}"


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1234567.4, "currency", "1,234,567 EUR"),
        (0.4, "currency", "0 EUR"),
        (0.823, "share", "82%"),
        (1.0, "flag", "yes"),
        (0.0, "flag", "no"),
        (12.0, "days", "12 days"),
        (1.0, "days", "1 day"),
        (0.0, "days", "0 days"),
        (12.345, "days", "12.3 days"),
        (0.0456, "weight", "0.0456 weight"),
        (1234.5, "events", "1,234 events"),
        (99.5, "days", "99.5 days"),
        (-3.0, "days", "-3 days"),
        (0.4, "days", "0.4 days"),
        (math.nan, "days", "undefined"),
        (math.nan, "flag", "undefined"),
    ],
)
def test_a_value_is_said_with_its_unit(value, unit, words):
    assert in_words(value, unit, "EUR") == words


@hypothesis_settings(max_examples=100)
@given(st.floats(-1e12, 1e12) | st.just(math.nan), st.sampled_from(["currency", "share", "flag", "days"]))
def test_every_value_has_words(value, unit):
    assert in_words(value, unit, "EUR").strip()


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=8), st.floats(-5, 5))
def test_parts_of_a_logarithm_become_parts_of_the_difference(parts, log_base):
    log_value = log_base + math.fsum(parts)
    scale = logarithmic_mean(log_value, log_base)
    shares = math.fsum(part * scale for part in parts)
    difference = math.exp(log_value) - math.exp(log_base)
    assert shares == pytest.approx(difference, rel=1e-9, abs=1e-9)


def test_the_logarithmic_mean_of_equals_is_either():
    assert logarithmic_mean(math.log(5), math.log(5)) == pytest.approx(5)
    assert logarithmic_mean(math.log(5) + 1e-12, math.log(5)) == pytest.approx(5)


def test_a_level_is_named_and_values_of_no_level_are_numbers(bundle, x):
    category = Category("referrals", "plan", (("pro", 1.25), ("free", 0.75), ("trial", 0.75)), 0.5)
    spec = replace(bundle.spec, categories=(category,))
    named = [value_in_words(spec, "referrals", value) for value in (1.25, 0.75, 0.5, 3.0, math.nan)]
    assert named == ["pro", "free or trial", "a new level", "3 customers", "undefined"]
    many = replace(category, levels=tuple((f"l{i}", 2.0) for i in range(9)))
    assert many.in_words(2.0) == "l0, l1 or one of 7 more"
    x = x.copy()
    x[:, bundle.spec.names.index("referrals")] = 1.25
    texts = [one.text for row in reasons(replace(bundle, spec=spec), "value", x, 0) for one in row]
    assert any(text.startswith("referrals is pro: ") for text in texts)


def test_an_attribute_has_its_own_name():
    assert PREFIX == ATTRIBUTE_PREFIX
    assert feature_in_words("attribute_staff_size") == "staff size"
    assert feature_in_words("out_degree") == "out degree"
