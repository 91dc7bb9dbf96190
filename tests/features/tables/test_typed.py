"""What mappings look up: the account of a user and the rate of a currency, as they were at the time."""

from __future__ import annotations

from datetime import datetime

import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.features.validation.checks import check
from ripple.settings import load

MAPPING = """
currency = "usd"
[tables.orders.columns]
revenue = { column = "amount", currency = "money" }
[tables.usage.columns]
customer_id = { user = "person" }
[tables.orders]
from = "orders"
[tables.usage]
from = "usage"
"""
FILES = {
    "customers": "customer_id,joined_at\nc1,2024-01-01\nc2,2024-01-01\n",
    "orders": (
        "customer_id,ordered_at,product,amount,money\n"
        "c1,2024-02-01,p,10,USD\nc1,2024-02-01T12:00:00,p,10,eur\nc1,2024-02-05T23:00:00,p,10,EUR \n"
    ),
    "usage": "person,occurred_at,feature\nu1,2024-02-01,f\nu1,2024-03-01,f\nu2,2024-03-01,f\n",
    "members": "user_id,customer_id,valid_from\nu1,c1,2024-01-01\nu1,c2,2024-03-01\nu2,c2,\n",
    "rates": "currency,rate,valid_from\nEUR,2,2024-01-01\nEUR,3,2024-02-05\n",
}


@pytest.fixture
def write(tmp_path):
    def write(toml=MAPPING, **changed):
        for name, content in (FILES | changed).items():
            if content is not None:
                (tmp_path / f"{name}.csv").write_text(content)
        (tmp_path / "ripple.toml").write_text(toml)
        return tmp_path

    return write


def opened(folder):
    return open_dataset(folder, load(folder))


def test_a_user_counts_for_the_account_of_that_time(write):
    usage = opened(write()).tables["usage"].order_by("occurred_at", "customer_id")
    assert [tuple(row.values()) for row in usage.to_pyarrow().to_pylist()] == [
        ("c1", datetime(2024, 2, 1), "f"),
        ("c2", datetime(2024, 3, 1), "f"),
        ("c2", datetime(2024, 3, 1), "f"),
    ]


def test_an_amount_is_changed_at_the_rate_of_its_day(write):
    orders = opened(write()).tables["orders"].order_by("ordered_at")
    assert orders.revenue.to_pyarrow().to_pylist() == [10.0, 20.0, 30.0]


def test_account_and_rate_may_be_those_of_another_time(write):
    toml = """
        [tables.orders]
        from = "orders"
        [tables.orders.columns]
        customer_id = { user = "person", at = "bought" }
        ordered_at = { column = "ordered_at", format = "%d.%m.%Y" }
        revenue = { column = "amount", currency = "money", at = "bought" }
    """
    orders = (
        "person,bought,ordered_at,product,amount,money\n"
        "u1,02.02.2024,02.02.2024,p,10,EUR\nu1,02.02.2024,02.03.2024,p,-10,EUR\n"
    )
    usage = "customer_id,occurred_at,feature\nc1,2024-02-01,f\n"
    rows = opened(write(toml, orders=orders, usage=usage)).tables["orders"].to_pyarrow().to_pylist()
    assert sorted((row["customer_id"], row["revenue"]) for row in rows) == [("c1", -20.0), ("c1", 20.0)]


def test_the_home_currency_needs_no_rate(write):
    orders = "customer_id,ordered_at,product,amount,money\nc1,2024-02-01,p,10,USD\n"
    dataset = opened(write(orders=orders, rates=None))
    assert dataset.tables["orders"].revenue.to_pyarrow().to_pylist() == [10.0]


def test_what_has_no_account_or_rate_is_told_with_rows(write):
    usage = FILES["usage"] + "u3,2024-03-01,f\nu1,2023-03-01,f\n"
    orders = FILES["orders"] + "c1,2023-12-31,p,10,EUR\nc1,2024-02-01,p,10,NOK\n"
    _, report = check(folder := write(usage=usage, orders=orders), load(folder))
    found = {finding.key: finding for finding in report.violations}
    assert found["usage.customer_id: the account of a user"].count == 2
    rated = found["orders.revenue: an amount with a rate to usd"]
    assert rated.count == 2
    assert {row["currency of revenue"] for row in rated.examples} == {"EUR", "NOK"}


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "members",
            "user_id,customer_id\nu1,c1\nu1,c2\n",
            "user_id u1 has 2 different values",
        ),
        ("rates", "currency,rate\nEUR,2\neur,3\n", "rates: currency EUR has 2 different values of rate"),
        ("rates", "currency,rate\nEUR,two\n", "rates.rate is a number: write plain numbers"),
        ("rates", "currency,price\nEUR,2\n", "rates: column 'rate' is missing; found currency, price"),
    ],
)
def test_lookups_that_contradict_themselves_are_refused(write, name, content, message):
    with pytest.raises(InputError) as raised:
        opened(write(**{name: content}))
    assert message in str(raised.value)


def test_a_repeated_row_of_a_lookup_changes_nothing(write):
    members = FILES["members"] + "u2,c2,\n"
    assert opened(write(members=members)).tables["usage"].count().execute() == 3


def test_users_of_one_customer_do_not_interact(write):
    toml = """
        [tables.interactions]
        from = "shares"
        [tables.interactions.columns]
        source_id = { user = "author" }
        target_id = { user = "reader" }
        occurred_at = "at"
        kind = { value = "share" }
    """
    # u1 moves from c1 to c2, where u2 is, in March; u3 is always with c1
    shares = "author,reader,at\nu1,u3,2024-02-01\nu1,u2,2024-02-01\nu1,u2,2024-03-01\nu1,u3,2024-03-01\n"
    folder = write(
        toml,
        shares=shares,
        orders="customer_id,ordered_at,product,revenue\nc1,2024-02-01,p,10\n",
        usage="customer_id,occurred_at,feature\nc1,2024-02-01,f\n",
        members=f"{FILES['members']}u3,c1,\n",
    )
    dataset = opened(folder)
    assert dataset.internal is not None

    def months(ties):
        rows = ties.order_by("occurred_at").to_pyarrow().to_pylist()
        return [(row["source_id"], row["target_id"], row["occurred_at"].month) for row in rows]

    assert months(dataset.tables["interactions"]) == [("c1", "c2", 2), ("c2", "c1", 3)]
    assert months(dataset.internal) == [("c1", "c1", 2), ("c2", "c2", 3)]
    assert opened(write(interactions=None)).internal is None


MERGES = "old_id,new_id,valid_from\nc1,c2,2024-02-10\nc2,c3,2024-02-20\n"
MERGED = {
    "customers": "customer_id,joined_at\nc1,2024-01-01\nc2,2024-01-01\nc3,2024-01-01\n",
    "orders": (
        "customer_id,ordered_at,product,revenue\n"
        "c1,2024-02-01,p,1\nc1,2024-02-15,p,2\nc1,2024-02-25,p,3\nc2,2024-02-25,p,4\nc3,2024-02-01,p,5\n"
    ),
    "usage": "customer_id,occurred_at,feature\nc1,2024-02-25,f\n",
    "interactions": (
        "source_id,target_id,occurred_at,kind\nc1,c2,2024-02-01,share\nc1,c2,2024-02-15,share\n"
    ),
    "members": None,
    "rates": None,
}


def orders(dataset):
    rows = dataset.tables["orders"].order_by("revenue").select("customer_id", "revenue").to_pyarrow()
    return dict(zip(rows["revenue"].to_pylist(), rows["customer_id"].to_pylist(), strict=True))


def test_a_merged_account_counts_as_the_other_one_from_then_on(write):
    dataset = opened(write("", **MERGED, merges=MERGES))
    assert orders(dataset) == {1: "c1", 2: "c2", 3: "c3", 4: "c3", 5: "c3"}
    assert dataset.tables["customers"].count().execute() == 3
    # since the merge both ends are one customer
    assert dataset.tables["interactions"].count().execute() == 1
    assert dataset.internal.count().execute() == 1


def test_what_came_before_a_cutoff_is_the_same_without_later_merges(write):
    before = opened(write("", **MERGED, merges=MERGES)).tables.before(datetime(2024, 2, 20))
    without = opened(write("", **MERGED, merges=MERGES.rpartition("c2,c3")[0]))
    known = without.tables.before(datetime(2024, 2, 20))
    for name in ("customers", "orders", "interactions"):
        columns = known[name].columns
        assert before[name].order_by(columns).to_pyarrow() == known[name].order_by(columns).to_pyarrow()


def test_a_merge_may_move_earlier_rows_as_well(write):
    dataset = opened(write('[ids]\nmerges = "all"', **MERGED, merges=MERGES))
    assert set(orders(dataset).values()) == {"c3"}
    assert dataset.tables["customers"].customer_id.to_pyarrow().to_pylist() == ["c3"]
    assert dataset.tables["interactions"].count().execute() == 0


def test_accounts_that_become_part_of_each_other_are_refused(write):
    with pytest.raises(InputError, match="merges: c1 becomes part of itself"):
        opened(write("", **MERGED, merges="old_id,new_id\nc1,c2\nc2,c1\n"))
