"""Tables of any names and shapes, read by the mapping in ripple.toml."""

from __future__ import annotations

import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.settings import load

CUSTOMERS = "Id,created\nc1,2024-01-01\nc2,2024-01-02\n"
ORDERS = "who,at,what,paid,state\nc1,2024-02-01,p,5,ok\nc2,2024-02-02,p,7,void\n"
SQL_REVENUE = """revenue = "2 * PAID::int + (CASE WHEN state = 'ok' THEN 1 END)" """
MAPPING = '''
[tables.customers]
from = "crm.csv"
columns = { customer_id = "Id", joined_at = "created" }
[tables.orders]
from = "sales"
columns = { customer_id = "who", ordered_at = "at", product = "what", revenue = "paid" }
[tables.interactions]
sql = """SELECT 'c1' AS source_id, Id AS target_id, created AS occurred_at, 'share' AS kind
    FROM crm WHERE Id > 'c1'"""
'''


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "crm.csv").write_text(CUSTOMERS)
    (tmp_path / "sales.csv").write_text(ORDERS)
    return tmp_path


def opened(folder, toml=MAPPING):
    (folder / "ripple.toml").write_text(toml)
    return open_dataset(folder, load(folder))


def values(dataset, table, column):
    return sorted(dataset.tables[table][column].to_pyarrow().to_pylist())


def error(folder, toml):
    with pytest.raises(InputError) as raised:
        opened(folder, toml)
    return str(raised.value)


def test_a_file_a_table_and_a_query_become_tables_of_the_contract(folder):
    dataset = opened(folder)
    assert values(dataset, "customers", "customer_id") == ["c1", "c2"]
    assert values(dataset, "orders", "revenue") == [5.0, 7.0]
    assert values(dataset, "interactions", "target_id") == ["c2"]


def test_a_column_of_the_right_name_needs_no_mapping(folder):
    (folder / "sales.csv").write_text(ORDERS.replace("who", "customer_id").replace("paid", "revenue"))
    toml = MAPPING.replace('customer_id = "who", ', "").replace(', revenue = "paid"', "")
    assert values(opened(folder, toml), "orders", "revenue") == [5.0, 7.0]


def test_a_column_is_sql_where_no_column_has_that_name(folder):
    toml = MAPPING.replace('revenue = "paid"', SQL_REVENUE)
    assert opened(folder, toml).tables["orders"].revenue.to_pyarrow().to_pylist() == [11.0, None]


def test_rows_may_be_chosen(folder):
    toml = MAPPING.replace('from = "sales"', 'from = "sales"\nwhere = "state = \'ok\'"')
    assert values(opened(folder, toml), "orders", "revenue") == [5.0]


def test_files_may_be_a_pattern_and_a_path(folder):
    (folder / "2024").mkdir()
    (folder / "sales.csv").rename(folder / "2024" / "a.csv")
    (folder / "2024" / "b.csv").write_text(ORDERS.replace(",5,", ",9,"))
    toml = MAPPING.replace('from = "sales"', 'from = "2024/*.csv"')
    assert values(opened(folder, toml), "orders", "revenue") == [5.0, 7.0, 7.0, 9.0]
    toml = MAPPING.replace('from = "sales"', 'from = "2024/b.csv"')
    assert values(opened(folder, toml), "orders", "revenue") == [7.0, 9.0]


def test_a_column_for_each_feature_becomes_a_row_for_each(folder):
    (folder / "daily.csv").write_text(
        "who,day,n_exports,n_logins,x\nc1,2024-02-01,3,0,a\nc2,2024-02-01,,2,a\n"
    )
    toml = MAPPING + (
        '[tables.usage]\nfrom = "daily"\nunpivot = ["n_*"]\n'
        'columns = { customer_id = "who", occurred_at = "day" }\n'
    )
    dataset = opened(folder, toml)
    usage = dataset.tables["usage"].select("customer_id", "feature", "quantity").to_pyarrow().to_pylist()
    assert sorted(tuple(row.values()) for row in usage) == [("c1", "n_exports", 3.0), ("c2", "n_logins", 2.0)]
    assert dataset.unused["usage"] == {"daily": ("x",)}


def test_only_customers_have_attributes_and_only_those_that_are_named(folder):
    (folder / "crm.csv").write_text("Id,created,plan,note\nc1,2024-01-01,a,b\nc2,2024-01-01,a,b\n")
    toml = MAPPING.replace(
        'joined_at = "created" }', 'joined_at = "created", tier = "plan", land = { value = "NO" } }'
    )
    dataset = opened(folder, toml)
    assert dataset.attributes == ["tier", "land"]
    assert values(dataset, "customers", "land") == ["NO", "NO"]
    assert dataset.unused["customers"] == {"crm.csv": ("note",)}


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        (
            "[tables.orders]",
            "[tables.order]",
            "[tables.order] is no table of the contract; did you mean",
        ),
        ('"sales"', '"salles"', "no salles.parquet, salles.csv or folder salles/; did you mean 'sales.csv'?"),
        (
            '"paid"',
            '"payd"',
            'revenue = "payd": there is no column payd; did you mean',
        ),
        ('"paid"', '"paid paid paid"', 'revenue = "paid paid paid": expected a column'),
        ('"paid"', '"DROP TABLE sales"', 'revenue = "DROP TABLE sales": expected a column'),
        ('"paid"', '"1; SELECT 2"', 'revenue = "1; SELECT 2": expected a column'),
        ('"paid"', '"paid AS from"', 'revenue = "paid AS from": leave out AS from'),
        ('"paid"', '"order by AS x"', "a word of SQL, is written in double quotes"),
        ('"paid"', '"CAST(what AS DOUBLE)"', 'orders.columns.revenue = "CAST(what AS DOUBLE)": '),
        ('"paid"', '"sum(paid::int)"', 'orders.columns.revenue = "sum(paid::int)": '),
        ('"paid"', '"random()"', "RANDOM() gives other values every time"),
        ('"sales"', '"sales"\nwhere = "at < now()"', 'tables.orders.where = "at < now()": NOW() gives'),
        ('"sales"', '"sales"\nwhere = "paid::DATE > at"', 'tables.orders.where = "paid::DATE > at": '),
        ("Id AS target_id", "Id::int AS target_id", "tables.interactions.sql: "),
        (
            'revenue = "paid"',
            'revnue = "paid"',
            "unknown column 'revnue'; did you mean 'revenue'?",
        ),
        (', revenue = "paid"', "", "orders: column 'revenue' is missing; found who, at, what, paid, state"),
        ('"""SELECT', '"""DELETE FROM crm; SELECT', "expected one query, which begins with SELECT"),
        (
            "FROM crm WHERE",
            "FROM crn WHERE",
            "no crn.parquet, crn.csv or folder crn/; known are crm.csv",
        ),
        ("FROM crm WHERE", "FROM crm WHERE nothing AND", "nothing"),
        ('from = "sales"', 'from = "sales"\nunpivot = ["paid"]', "tables.orders.unpivot: only usage"),
        ('customer_id = "who"', 'customer_id = { user = "who" }', "needs the table members"),
    ],
)
def test_a_mapping_that_does_not_fit_is_told_with_what_is_there(folder, was, now, message):
    assert was in MAPPING
    assert message in error(folder, MAPPING.replace(was, now))


def test_a_row_that_is_left_out_fails_no_column(folder):
    toml = MAPPING.replace('"sales"', '"sales"\nwhere = "state = \'ok\'"')
    toml = toml.replace('"paid"', "\"CASE WHEN state = 'void' THEN error('read') ELSE paid END\"")
    assert values(opened(folder, toml), "orders", "revenue") == [5.0]


def test_columns_may_be_called_like_words_of_sql(folder):
    (folder / "sales.csv").write_text(ORDERS.replace("paid", "order").replace("state", "group"))
    toml = MAPPING.replace('"paid"', '"order::int * 2"').replace(
        '"sales"', '"sales"\nwhere = "Group = \'ok\'"'
    )
    assert values(opened(folder, toml), "orders", "revenue") == [10.0]


def test_a_query_is_computed_once(folder):
    pd.read_csv(folder / "crm.csv").to_parquet(folder / "crm.parquet")
    (folder / "crm.csv").unlink()
    dataset = opened(folder, MAPPING.replace("crm.csv", "crm"))
    (folder / "crm.parquet").unlink()
    assert values(dataset, "interactions", "target_id") == ["c2"]


def test_nothing_is_written_by_a_query(folder):
    toml = MAPPING.replace('"""SELECT', '"""COPY (SELECT 1) TO \'stolen.csv\'; SELECT')
    assert "expected one query" in error(folder, toml)
    assert not (folder / "stolen.csv").exists()
