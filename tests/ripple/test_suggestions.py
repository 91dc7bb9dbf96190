import pytest

from ripple.suggestions import nearest


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("horizon_day", "; did you mean 'horizon_days'?"),
        ("seeds", "; did you mean 'seed'?"),
        ("xyz", "; known are horizon_days, seed"),
    ],
)
def test_the_nearest_word_or_all_of_them(word, text):
    assert nearest(word, iter(["seed", "horizon_days"])) == text
