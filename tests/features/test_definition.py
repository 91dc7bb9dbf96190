from datetime import datetime

from ripple.features import definition
from ripple.features.definition import Definition, feature


def test_the_view_of_a_definition_is_its_first_parameter():
    def orders_so_far(orders: object, as_of: datetime) -> None: ...

    assert Definition(orders_so_far, "direct value", "orders", 0.0, ()).view == "orders"


def test_a_marked_function_is_registered_and_stays_what_it_is(monkeypatch):
    monkeypatch.setattr(definition, "DEFINITIONS", [])

    def orders_so_far(orders: object, as_of: datetime) -> int:
        return 7

    marked = feature("direct value", "orders", empty=None, needs=("margin",))(orders_so_far)
    assert marked is orders_so_far
    assert [Definition(orders_so_far, "direct value", "orders", None, ("margin",))] == definition.DEFINITIONS
