import math

import pandas as pd
import pytest

from ripple.features.registry import features
from ripple.models import FeatureSpec
from ripple.models.bundle import Category, Spec
from ripple.models.reasons import Reason
from ripple.settings import Features
from ripple.training.report.text.plain_reasons import FLAGS, PHRASES, WINDOW, plain, typical

PLAN = Category("attribute_plan", "plan", (("free", 0.5), ("team", 1.75), ("trial", 0.5)), 1.0)


def said(name: str, unit: str, value: float | None, median: float = math.nan) -> str:
    spec = Spec(
        (FeatureSpec(name, "network", unit, "A feature."),),
        level=1.0, slope=1.0, intercept=0.0, interval=None, currency="USD", horizon_days=180, top_share=0.01,
        trained_until="2026-01-01", label="network value", categories=(PLAN,),
    )  # fmt: skip
    reason = Reason(name, "network", value, 0.5, math.exp(0.5), "")
    return plain(reason, spec, pd.Series({name: median}))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("out_degree", "customers", 124.0, 9.0), "reaches 124 customers; half of all reach 9 or fewer"),
        (("out_degree", "customers", 2.0, 9.0), "reaches 2 customers; half of all reach 9 or more"),
        (("revenue_9d", "currency", 9.0, 8.0),
         "spent 9 USD in the last 9 days; half of all spent 8 USD or less"),
        (("order_count_9d", "orders", 4.0, 0.0),
         "placed 4 orders in the last 9 days; half of all placed 0"),
        (("referral_revenue", "currency", 50.0, 0.0),
         "brought in customers who spent 50 USD; half of all brought in customers who spent nothing"),
        (("was_referred", "flag", 1.0, 0.0), "was brought in by another customer"),
        (("was_referred", "flag", 0.0, 0.0), "was not brought in by another customer"),
        (("my_own_30d", "points", 3.0, 2.0), "my own is 3 in the last 30 days; half of all have 2 or fewer"),
        (("out_degree", "customers", 3.0), "reaches 3 customers"),
        (("feedback_mean", "score", None), "feedback mean is not known of this customer"),
        (("feedback_latest", "score", -0.5, 0.25),
         "last gave feedback of −0.5 from −1 to 1; half of all last gave 0.25 or more"),
        (("earliness", "share", 0.75, 0.5),
         "used features before 75 % of their other users; half of all used them before 50 % or less"),
        (("attribute_seats", "number", 88.0, 5.0), "seats is 88; half of all have 5 or fewer"),
        (("attribute_trial", "flag", 1.0, 0.0), "trial is yes; of most customers it is no"),
        (("attribute_plan", "times the average", 1.75, 1.0),
         "plan is team; such customers brought 1.75 times the average"),
        (("attribute_plan", "times the average", 1.0, 1.0),
         "plan is a new level; such customers brought 1.00 times the average"),
    ],
)  # fmt: skip
def test_a_reason_compares_with_the_typical_customer(given: tuple, text: str) -> None:
    assert said(*given).replace("\u00a0", " ") == text


def test_levels_of_the_same_value_are_all_named() -> None:
    text = said("attribute_plan", "times the average", 0.5, 1.0)
    assert "free" in text
    assert "trial" in text
    assert "0.50 times the average" in text


def test_every_feature_has_words_of_its_own_and_every_phrase_a_feature() -> None:
    known = {WINDOW.sub("", feature.name) for feature in features(Features())}
    assert set(PHRASES) | set(FLAGS) <= known
    assert known - set(PHRASES) - set(FLAGS) <= {"usage_trend", "usage_entropy"}


def test_the_typical_customer_is_the_median_of_those_with_a_value() -> None:
    assert typical(pd.DataFrame({"a": [1.0, math.nan, 5.0, 3.0]}))["a"] == 3.0
