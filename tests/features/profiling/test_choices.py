"""Columns are chosen by their names and their values."""

from __future__ import annotations

import pandas as pd
import pytest

from ripple.features.profiling import choices
from ripple.features.profiling.words import HAPPENED, ORDERED, PRODUCT
from tests.support.proposals import DAYS, Looking


def test_the_time_of_the_event_is_not_when_it_was_changed(look: Looking) -> None:
    frame = pd.DataFrame({"updated_at": DAYS, "created_at": DAYS, "note": "x"})
    (table,), links, _ = look({"calls": frame})
    choice = choices.choose_time(table, links, HAPPENED)
    assert choice is not None
    assert choice.field is not None
    assert choice.field.name == "created_at"
    assert choice.options == {}


def test_a_form_that_others_fit_as_well_is_a_guess(look: Looking) -> None:
    (table,), links, _ = look({"calls": pd.DataFrame({"date": ["01/02/2024", "03/04/2024"]})})
    choice = choices.choose_time(table, links, {"date": 0.5})
    assert choice is not None
    assert choice.options == {"format": "%d/%m/%Y"}
    assert "%m/%d/%Y" in choice.why


@pytest.mark.parametrize(
    ("column", "amounts", "options"),
    [
        ("amount", [1.5, 2.5], {}),
        ("amount_cents", [150, 250], {"unit": "cents"}),
        ("amount", [1900, 4900, 9900], {"unit": "cents"}),
        ("total", [19, 49, 99], {}),
        ("price", ["1.234,50", "2,00"], {"decimal": ","}),
    ],
)
def test_the_unit_of_an_amount(look: Looking, column, amounts, options) -> None:
    (table,), _, _ = look({"orders": pd.DataFrame({column: amounts, "tax": 1})})
    choice = choices.choose_amount(table)
    assert choice is not None
    assert choice.options == options


def test_an_amount_is_price_times_quantity_less_discount(look: Looking) -> None:
    frame = pd.DataFrame({"unit_price": [1.5, 2.5], "quantity": [1, 3], "discount": [0.0, 0.5]})
    (table,), _, _ = look({"orders": frame})
    choice = choices.choose_amount(table)
    assert choice is not None
    assert [field.name for _, field in choice.of] == ["unit_price", "quantity", "discount"]


def test_what_was_not_paid_or_is_a_test_is_left_out(look: Looking) -> None:
    frame = pd.DataFrame(
        {
            "status": ["paid", "failed", "void"],
            "is_test": [True, False, False],
            "deleted_at": pd.to_datetime([None, None, "2024-01-01"]),
        }
    )
    (table,), _, _ = look({"orders": frame})
    found = {field.name: choice.sql for choice in choices.conditions([((), table)]) for _, field in choice.of}
    assert found == {
        "status": "{0} NOT IN ('failed', 'void')",
        "is_test": "{0} = false",
        "deleted_at": "{0} IS NULL",
    }
    assert "status" not in {
        field.name for choice in choices.conditions([((), table)], paid=False) for _, field in choice.of
    }


def test_refunds_by_a_column_of_types(look: Looking) -> None:
    (table,), _, _ = look({"orders": pd.DataFrame({"type": ["charge", "refund"]})})
    assert choices.refund_condition(table) == "type IN ('refund')"


def test_a_list_of_products_is_no_product(look: Looking) -> None:
    frame = pd.DataFrame({"products": ['[{"id": 1}]', '[{"id": 2}]'], "sku": ["a", "b"]})
    (table,), _, _ = look({"orders": frame})
    choice = choices.choose_named(table, PRODUCT, 0.4)
    assert choice is not None
    assert choice.field is not None
    assert choice.field.name == "sku"


def test_the_share_without_a_value_is_named(look: Looking) -> None:
    (table,), _, _ = look({"orders": pd.DataFrame({"who": ["a", None, "b", None]})})
    (choice,) = choices.present((), table.fields[0])
    assert (choice.sql, choice.why) == ("{0} IS NOT NULL", "50 % have none")


def test_a_time_of_day_is_better_than_a_day(look: Looking) -> None:
    frame = pd.DataFrame({"event_date": ["20240102"] * 60, "event_timestamp": DAYS + pd.Timedelta(hours=9)})
    (table,), links, _ = look({"calls": frame})
    choice = choices.choose_time(table, links, ORDERED)
    assert choice is not None
    assert choice.field is not None
    assert choice.field.name == "event_timestamp"


def test_a_state_in_which_everybody_has_paid_is_none_of_the_bad_ones(look: Looking) -> None:
    states = ["completed", "processing", "pending"] * 20
    paid = [None if state == "pending" else day for state, day in zip(states, DAYS, strict=True)]
    (table,), _, _ = look({"orders": pd.DataFrame({"status": states, "date_paid": paid})})
    assert [one.sql for one in choices.conditions([((), table)])] == ["{0} <> 'pending'"]
    (table,), _, _ = look({"orders": pd.DataFrame({"status": states})})
    assert [one.sql for one in choices.conditions([((), table)])] == ["{0} NOT IN ('pending', 'processing')"]


def test_zero_is_no_time_of_deletion(look: Looking) -> None:
    deleted = [0] * 50 + [1_700_000_000_000] * 10
    (table,), _, _ = look({"posts": pd.DataFrame({"deleteat": deleted})})
    assert [one.sql for one in choices.conditions([((), table)])] == ["CAST({0} AS VARCHAR) = '0'"]


def test_zero_is_nobody_where_no_customer_has_this_id(look: Looking) -> None:
    orders = pd.DataFrame({"customer_id": [0, *range(101, 160)], "total": 9.5, "paid_at": DAYS})
    frames = {"customers": pd.DataFrame({"id": range(101, 161), "created_at": DAYS}), "orders": orders}
    tables, _, entities = look(frames)
    table = next(one for one in tables if one.name == "orders")
    person = entities.persons(table)[0]
    assert [one.sql for one in choices.names_somebody(person)] == ["CAST({0} AS VARCHAR) <> '0'"]
