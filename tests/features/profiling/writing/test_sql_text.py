"""SQL names columns so that the place understands them."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest
import sqlglot

from ripple.features.profiling.orders import find_orders
from ripple.features.profiling.writing.sql_text import column_sql, query, quoted
from tests.support.proposals import Looking, company


@pytest.mark.parametrize(
    ("name", "sql"),
    [("plain", "plain"), ("order", '"order"'), ("A Id", '"A Id"'), ('a"b', '"a""b"')],
)
def test_names_have_quotes_where_they_need_them(name, sql):
    assert quoted(name) == sql


def test_values_in_objects_are_read_in_the_dialect_of_the_place(look: Looking) -> None:
    frame = pd.DataFrame({"meta": ['{"$id": {"of": "x"}}']})
    (table,), _, _ = look({"things": frame})
    field = next(field for field in table.fields if field.path)
    text = column_sql(field, "t", "duckdb")
    assert duckdb.sql(f"SELECT {text} FROM frame AS t").fetchall() == [("x",)]
    assert sqlglot.parse_one(column_sql(field, "t", "postgres"), dialect="postgres") is not None


@pytest.mark.parametrize("dialect", ["duckdb", "postgres"])
def test_a_query_joins_what_it_needs_and_no_more(look: Looking, dialect) -> None:
    tables, _, entities = look(company())
    (orders,), _ = find_orders(entities, tables, dialect)
    parsed = sqlglot.parse_one(query(orders, orders.columns, dialect), dialect=dialect)
    assert {table.name for table in parsed.find_all(sqlglot.exp.Table)} == {"invoice_lines", "invoices"}
    assert parsed.named_selects == list(orders.columns)
