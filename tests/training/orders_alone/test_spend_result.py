import json
import math

import pytest

from ripple.training.insights.direct_value import PREDICTED


def test_the_headline_repeats_the_tables(spend_result):
    headline, customers = spend_result.headline(), spend_result.value.customers
    assert headline["customers"] == len(customers)
    assert headline["lifetime_value"] == pytest.approx(customers["lifetime_value"].sum())
    rows = spend_result.value.direct.metrics
    captures = rows[rows["ranking"] == PREDICTED]["capture"]
    assert headline["direct_capture"] == pytest.approx(captures.mean())


def test_the_record_is_plain_json_without_nan(spend_result):
    record = json.loads(json.dumps(spend_result.record(), allow_nan=False))
    assert record["network_value"].startswith("Network value needs contacts or referrals")
    assert record["absent_tables"] == spend_result.data.checks.absent


def test_the_table_has_margins_as_the_orders_do(spend_result):
    table = spend_result.table()
    assert table["max_cost"].notna().all() == math.isfinite(spend_result.value.margin_share)
    assert (table["direct_value_low"] <= table["direct_value_high"]).all()
