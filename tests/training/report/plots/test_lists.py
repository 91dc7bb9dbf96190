import math
import re
from datetime import datetime, timedelta

from ripple.training.estimators.total_forecast import ClosedTotal, TotalForecast
from ripple.training.report.plots import lists

AS_OF = datetime(2026, 1, 1)


def tips(drawn: str) -> list[str]:
    return re.findall(r'data-tip="([^"]*)"', drawn)


def test_every_past_total_and_the_forecast_can_be_pointed_at() -> None:
    closed = tuple(ClosedTotal(AS_OF - timedelta(days=180 * i), 100.0 * i, 90.0 * i) for i in (3, 2, 1))
    drawn = lists.totals(TotalForecast(500.0, 300.0, 800.0, closed), AS_OF, "US$<", 0.8)
    assert len(tips(drawn)) == 3 + 3 + 1
    assert ["300" in tip and "predicted" in tip for tip in tips(drawn)[:3]] == [True, False, False]
    assert ["270" in tip and "actual" in tip for tip in tips(drawn)[3:]] == [True, False, False, False]
    assert "500" in tips(drawn)[-1]
    assert "US$&lt;" in tips(drawn)[-1]


def test_a_forecast_without_a_past_is_drawn() -> None:
    drawn = lists.totals(TotalForecast(5.0, 3.0, 8.0, ()), AS_OF, "USD", 0.8)
    assert len(tips(drawn)) == 1
    assert 'class="mark"' in drawn


def test_a_share_that_is_not_known_leaves_a_gap() -> None:
    drawn = lists.shares_by_cutoff(["Jan", "Feb"], {"one": [0.1, 0.2], "other": [math.nan, 0.3]})
    assert tips(drawn) == ["one, Jan: 10\u00a0%", "one, Feb: 20\u00a0%", "other, Feb: 30\u00a0%"]
