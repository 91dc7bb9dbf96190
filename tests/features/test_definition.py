from datetime import datetime

import numpy as np

from ripple.features.definition import DEFINITIONS, Definition, defined, feature, metric


def test_the_view_of_a_definition_is_its_first_parameter():
    def orders_so_far(orders: object, as_of: datetime) -> None: ...

    assert Definition(orders_so_far, "direct value", "orders", 0.0, ()).view == "orders"


def test_a_marked_function_is_registered_and_stays_what_it_is():
    def orders_so_far(orders: object, as_of: datetime) -> int:
        return 7

    with defined() as collected:
        marked = feature("direct value", "orders", empty=None, needs=("margin",))(orders_so_far)
    assert marked is orders_so_far
    assert [Definition(orders_so_far, "direct value", "orders", None, ("margin",))] == collected.features
    assert orders_so_far not in [definition.build for definition in DEFINITIONS]


def test_a_metric_is_registered_with_its_limit_and_its_first_paragraph():
    def won(score: np.ndarray, realised: np.ndarray) -> float:
        """Value won
        by calls.

        More.
        """
        return 0.0

    with defined() as collected:
        assert metric(at_least=0.5)(won) is won
    (only,) = collected.metrics
    assert (only.name, only.description, only.at_least) == ("won", "Value won by calls.", 0.5)
