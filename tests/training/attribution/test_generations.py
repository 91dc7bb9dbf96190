import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ripple.training.attribution.generations import with_descendants


@settings(max_examples=60)
@given(
    st.dictionaries(st.tuples(st.integers(0, 7), st.integers(0, 7)), st.floats(0, 1), max_size=20), st.data()
)
def test_credit_of_generations_is_that_of_the_recursion(pairs, data):
    # causes come before effects
    caused = {(min(pair), max(pair)): q for pair, q in pairs.items() if pair[0] != pair[1]}
    direct = data.draw(st.lists(st.floats(0, 100), min_size=8, max_size=8))

    def credit(cause):
        return direct[cause] + sum(q * credit(effect) for (c, effect), q in caused.items() if c == cause)

    total = with_descendants(
        np.array([c for c, _ in caused], dtype=np.int64),
        np.array([e for _, e in caused], dtype=np.int64),
        np.array(list(caused.values()), dtype=float),
        np.array(direct),
    )
    assert total == pytest.approx([credit(cause) for cause in range(8)], rel=1e-9)
