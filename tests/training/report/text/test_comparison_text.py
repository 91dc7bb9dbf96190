from dataclasses import replace

from ripple.training.evaluation.comparison import Comparison
from ripple.training.report.text.comparison_text import comparison_text, verdict
from tests.support.runs.rendered_page import numbers

COMPARISON = Comparison(
    [{"cutoff": "2025-01-06", "capture": 0.6, "rival": 0.5}], 1234, 0.6, 0.5, 0.02, 0.18, 0.99
)


def test_the_table_has_a_row_per_cutoff_and_the_mean() -> None:
    lines = comparison_text(COMPARISON, "ripple 12", "ripple 3").splitlines()
    assert lines[0].split() == ["capture", "ripple", "12", "ripple", "3", "difference"]
    assert lines[1].split() == ["2025-01-06", "0.600", "0.500", "+0.100"]
    assert lines[2].split() == ["mean", "0.600", "0.500", "+0.100"]
    assert len({len(line) for line in lines[:3]}) == 1
    assert lines[-1] == verdict(COMPARISON, "ripple 12", "ripple 3")


def test_the_verdict_has_the_difference_its_interval_and_how_sure_it_is() -> None:
    better = verdict(COMPARISON, "A", "B")
    assert better.startswith("A is better than B")
    assert numbers(better) == ["0.100", "95", "+0.020", "+0.180", "1,234", "1", "99", "100"]
    swapped = replace(COMPARISON, capture=0.5, rival=0.6, low=-0.18, high=-0.02, sure=0.01)
    worse = verdict(swapped, "A", "B")
    assert worse.startswith("B is better than A")
    assert numbers(worse)[0] == "0.100"
    assert numbers(worse)[-2:] == ["99", "100"]


def test_an_interval_around_zero_names_no_winner() -> None:
    unclear = verdict(replace(COMPARISON, low=-0.05, sure=0.9), "A", "B")
    assert "better" not in unclear
    assert numbers(unclear)[-2:] == ["90", "100"]


def test_the_same_order_has_no_numbers() -> None:
    assert numbers(verdict(replace(COMPARISON, capture=0.5, low=0.0, high=0.0, sure=0.5), "A", "B")) == []
