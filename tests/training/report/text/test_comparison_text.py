from dataclasses import replace

from ripple.training.evaluation.comparison import Comparison
from ripple.training.report.text.comparison_text import text, verdict

FOUND = Comparison([{"cutoff": "2025-01-06", "capture": 0.6, "rival": 0.5}], 1234, 0.6, 0.5, 0.02, 0.18, 0.99)


def test_the_table_has_a_row_per_cutoff_and_the_mean() -> None:
    lines = text(FOUND, "ripple 12", "ripple 3").splitlines()
    assert lines[0].split() == ["capture", "ripple", "12", "ripple", "3", "difference"]
    assert lines[1].split() == ["2025-01-06", "0.600", "0.500", "+0.100"]
    assert lines[2].split() == ["mean", "0.600", "0.500", "+0.100"]
    assert len({len(line) for line in lines[:3]}) == 1
    assert lines[-1] == verdict(FOUND, "ripple 12", "ripple 3")


def test_the_sentence_says_which_is_better_and_how_sure_that_is() -> None:
    assert verdict(FOUND, "A", "B") == (
        "A is better than B: it captures 0.100 more of the value at the top (95 % interval of A minus B: "
        "+0.020 to +0.180; 1,234 customers, 1 closed cutoff), and captures more in 99 of 100 resamples "
        "of the customers."
    )
    worse = replace(FOUND, capture=0.5, rival=0.6, low=-0.18, high=-0.02, sure=0.01)
    assert verdict(worse, "A", "B").startswith("B is better than A: it captures 0.100 more")
    assert "99 of 100" in verdict(worse, "A", "B")


def test_what_may_be_chance_is_called_so() -> None:
    unclear = replace(FOUND, low=-0.05, sure=0.9)
    assert verdict(unclear, "A", "B").startswith("It cannot be told which is better. For A: it captures 0.1")
    assert verdict(unclear, "A", "B").endswith("That may be chance.")


def test_the_same_order_is_called_so() -> None:
    same = replace(FOUND, capture=0.5, low=0.0, high=0.0, sure=0.5)
    assert verdict(same, "A", "B") == "A and B put the same customers first: neither is better."
