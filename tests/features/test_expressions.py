import math
from datetime import datetime

import ibis
import pytest

from ripple.features.expressions import age_days, decayed, epoch_seconds, ratio, sum_or_zero, total

AS_OF = datetime(2024, 6, 1)


def rows(**columns):
    return ibis.memtable(columns)


@pytest.mark.parametrize(
    ("moment", "days"),
    [
        (datetime(2024, 5, 31), 1.0),
        (datetime(2024, 5, 31, 12), 0.5),
        (datetime(2024, 6, 2), -1.0),
        (datetime(2024, 5, 31, 0, 0, 0, 999_999), 1.0),
        (datetime(2023, 6, 1), 366.0),
        (datetime(1969, 12, 31, 23, 59, 59), 19875 + 1 / 86_400),
    ],
)
def test_ages_are_days_to_the_second(moment, days):
    table = rows(moment=[moment])
    assert table.select(age=age_days(table.moment, AS_OF)).execute().age[0] == pytest.approx(days, rel=1e-15)


def test_a_moment_that_is_not_known_has_no_age():
    table = rows(moment=[datetime(2024, 5, 31), None])
    assert table.select(age=age_days(table.moment, AS_OF)).execute().age.isna().to_list() == [False, True]


def test_epoch_seconds_are_whole():
    table = rows(moment=[datetime(1970, 1, 1, 0, 1, 0, 900_000)])
    assert epoch_seconds(table.moment).execute()[0] == 60


def test_a_total_is_the_same_in_any_order():
    values = [0.1, 1e9, -1e9, 0.2, 0.3, 123456.789] * 50
    totals = {total(rows(x=order).x).execute() for order in (values, values[::-1], sorted(values))}
    assert totals == {50 * 123457.389}


def test_a_total_counts_six_decimals_and_skips_nulls():
    assert total(rows(x=[0.0000014, 0.0000004, None]).x).execute() == 0.000001


def test_nothing_to_add_is_null_or_zero():
    table = rows(x=[1.0, 2.0], keep=[False, False])
    assert math.isnan(total(table.x, table.keep).execute())
    assert sum_or_zero(table.x, table.keep).execute() == 0.0
    assert sum_or_zero(table.x, table.x > 1).execute() == 2.0


def test_a_ratio_to_zero_is_null():
    table = rows(part=[1, 1, 0], whole=[4, 0, 0])
    ratios = table.select(ratio=ratio(table.part, table.whole)).execute().ratio
    assert ratios[0] == 0.25
    assert ratios.isna().to_list() == [False, True, True]


@pytest.mark.parametrize(("age", "weight"), [(0.0, 1.0), (20.0, 0.5), (40.0, 0.25), (1e6, 2.0**-50)])
def test_weight_halves_with_every_half_life(age, weight):
    table = rows(age=[age])
    assert decayed(table.age, 20).execute()[0] == pytest.approx(weight, rel=1e-14)
