"""Outcomes that nobody can influence, in a world in which products spread."""

import pytest

from ripple.errors import InputError
from ripple.training.attribution.controls.outcomes import validate_outcomes

from .conftest import NAMES


def test_next_to_nothing_is_credited_of_what_nobody_influences_and_much_of_what_spreads(controls):
    by_name = {outcome.name: outcome for outcome in controls.outcomes}
    assert list(by_name) == list(NAMES)
    control, product = by_name.values()
    assert control.credited < 0.1
    assert product.credited > 0.3
    assert all(outcome.error > 0 and outcome.adoptions > 30 for outcome in by_name.values())


def test_an_outcome_that_is_in_no_table_is_refused_with_the_nearest(world):
    with pytest.raises(InputError, match=r"names 'price rises', which is no product.*price rise"):
        validate_outcomes(world, ["price rises"])
    validate_outcomes(world, [*NAMES, "f30"])
