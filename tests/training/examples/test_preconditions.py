from dataclasses import replace

import pytest

from ripple.errors import InputError
from ripple.training.examples.preconditions import validate_labels
from tests.support import synthetic_examples


def labelled(value):
    """Two cutoffs in which customers are credited with what *value* makes of their place."""
    examples = []
    for one in list(synthetic_examples.history().values())[:2]:
        values = [float(value(i)) for i in range(len(one.labels))]
        examples.append(replace(one, labels=one.labels.assign(network_value=values)))
    return examples


def test_enough_credit_is_not_refused():
    validate_labels(labelled(lambda i: i % 7), synthetic_examples.SETTINGS)
    validate_labels(labelled(lambda i: i < 10), synthetic_examples.SETTINGS)


@pytest.mark.parametrize(
    ("count", "message"), [(1, "Only 1 customer is credited"), (9, "Only 9 customers are credited")]
)
def test_too_few_credited_are_an_error(count, message):
    with pytest.raises(InputError, match=f"{message}.*10 at least are needed.*now 60"):
        validate_labels(labelled(lambda i: i < count), synthetic_examples.SETTINGS)


def test_the_same_for_everybody_is_an_error():
    with pytest.raises(InputError, match="all customers are credited with the same network value"):
        validate_labels(labelled(lambda i: 3), synthetic_examples.SETTINGS)


def test_no_credit_at_all_is_left_to_the_backtest():
    validate_labels(labelled(lambda i: 0), synthetic_examples.SETTINGS)
