import pandas as pd

from ripple.training.report.plots.amounts import amount_bars
from tests.support.runs.rendered_page import numbers, visible_text

AMOUNTS = pd.DataFrame({"network": [100.0, 20.0], "direct": [50.0, 0.0]}, index=["first", "second"])


def test_every_amount_has_a_bar_and_none_is_a_sum() -> None:
    drawn = amount_bars(AMOUNTS, "Value", "US$<")
    label = drawn[drawn.index("aria-label") :].split('"')[1]
    assert numbers(label) == ["100", "50.00", "20.00", "0"]
    assert "100\u00a0US$<" in visible_text(drawn)
    assert "150" not in numbers(visible_text(drawn))


def test_intervals_are_drawn_where_there_are_bounds() -> None:
    bounded = AMOUNTS.assign(network_low=[120.0, 10.0], network_high=[200.0, 30.0])
    assert "interval" not in visible_text(amount_bars(AMOUNTS, "Value", "EUR"))
    assert "interval" in visible_text(amount_bars(bounded, "Value", "EUR"))


def test_zeros_are_not_drawn() -> None:
    assert amount_bars(AMOUNTS * 0.0, "Value", "EUR") == ""
