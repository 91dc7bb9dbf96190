from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.features.tables.contract import CONTRACT
from ripple.features.validation import checks
from ripple.settings import load
from tests.support.feature_frames import LAST_DAY, Frames

END = LAST_DAY + timedelta(days=1)
LATE = datetime(2024, 8, 1)
REQUIRED = [(name, column) for name, contract in CONTRACT.items() for column in contract.required]
CUSTOMER_COLUMNS = [
    (name, column)
    for name, contract in CONTRACT.items()
    for column in contract.customers
    if name != "customers"
]
TIMES = [(name, contract.time or "joined_at") for name, contract in CONTRACT.items() if name != "catalog"]
NUMBERS = [
    (name, column.name)
    for name, contract in CONTRACT.items()
    for column in contract.columns
    if column.type == "number"
]


@dataclass(frozen=True)
class Case:
    """A way to break one rule, and what should be found."""

    key: str
    harm: Callable[[Frames], None]
    count: int = 1
    shown: str = ""
    """Part of an example row."""


SPARE = {"orders": 3, "interactions": 3}
"""Rows that no other row hangs on, where it is not the last one."""


def put(table: str, column: str, value: object) -> Callable[[Frames], None]:
    """Give one row another value."""

    def harm(frames: Frames) -> None:
        frame = frames[table]
        if isinstance(value, str) or value is None:
            frame[column] = frame[column].astype(object)
        frame.loc[frame.index[SPARE.get(table, -1)], column] = value

    return harm


def add(table: str, **values: object) -> Callable[[Frames], None]:
    """Add a copy of the last row with other values."""

    def harm(frames: Frames) -> None:
        row = frames[table].iloc[[-1]].assign(**values)
        frames[table] = pd.concat([frames[table], row], ignore_index=True)

    return harm


def both(*harms: Callable[[Frames], None]) -> Callable[[Frames], None]:
    def harm(frames: Frames) -> None:
        for each in harms:
            each(frames)

    return harm


NUMBER = "a finite number below 1,000,000,000,000"
REFUND = "orders.revenue: negative only as a refund"
CASES = [
    *[Case(f"{table}.{column}: no nulls", put(table, column, None)) for table, column in REQUIRED],
    Case("usage.feature: no nulls", put("usage", "feature", "")),
    *[
        Case(f"{table}.{column}: a known customer", put(table, column, "ghost"), shown=f"{column}=ghost")
        for table, column in CUSTOMER_COLUMNS
    ],
    *[
        Case(f"{table}.{column}: {NUMBER}", put(table, column, np.inf), shown=f"{column}=inf")
        for table, column in NUMBERS
        if column != "score"
    ],
    Case(f"orders.margin: {NUMBER}", put("orders", "margin", -np.inf), shown="margin=-inf"),
    Case(f"orders.margin: {NUMBER}", put("orders", "margin", -1e12), shown="margin=-1000000000000.0"),
    Case(f"orders.revenue: {NUMBER}", put("orders", "revenue", 1e12), shown="revenue=1000000000000.0"),
    Case("customers.customer_id: unique", add("customers", customer_id="c1"), shown="customer_id=c1"),
    Case("customers.customer_id: unique", both(*[add("customers", customer_id="c1")] * 4), count=4),
    Case("catalog.feature: unique", add("catalog", feature="f1", tier="advanced"), shown="feature=f1"),
    Case("orders.order_id: unique", put("orders", "order_id", "o1"), shown="order_id=o1"),
    *[
        Case(f"{table}.{column}: not after the end of the data", put(table, column, LATE), shown="2024-08-01")
        for table, column in TIMES
    ],
    Case(REFUND, add("orders", product="p3", order_id="o9"), shown="product=p3"),
    Case(REFUND, add("orders", revenue=-70.01, order_id="o9"), shown="revenue=-70.01"),
    Case(REFUND, add("orders", ordered_at=datetime(2024, 5, 1), order_id="o9"), count=1),
    Case(REFUND, add("orders", customer_id="c4", order_id="o9"), shown="customer_id=c4"),
    Case("catalog.tier: one of core, advanced", put("catalog", "tier", "Core"), shown="tier=Core"),
    Case("usage.quantity: not negative", put("usage", "quantity", -1.0), shown="quantity=-1.0"),
    Case("interactions.weight: not negative", put("interactions", "weight", -0.5), shown="weight=-0.5"),
    Case("interactions.target_id: not the source itself", put("interactions", "target_id", "c3")),
    Case("feedback.score: between -1 and 1", put("feedback", "score", 1.01), shown="score=1.01"),
    Case("feedback.score: between -1 and 1", put("feedback", "score", -5.0), shown="score=-5.0"),
]
ONE_OF_A_KIND = list({case.key.partition(": ")[2]: case for case in CASES}.values())
INFINITE_SCORE = f"feedback.score: {NUMBER}"


@pytest.fixture(params=["parquet", "csv"])
def form(request):
    return request.param


@pytest.fixture
def found(checked):
    """key → finding, of the rules that stop the work."""

    def found(frames, form="parquet", toml=""):
        return {finding.key: finding for finding in checked(frames, form, toml)[1].violations}

    return found


def rows(dataset, table):
    return dataset.tables[table].to_pyarrow().to_pylist()


def test_a_valid_dataset_passes_and_is_described(frames, checked, form):
    dataset, report = checked(frames, form)
    assert report.findings == []
    assert report.rows == {name: len(frame) for name, frame in frames.items()}
    assert report.absent == []
    assert (report.start, report.end) == (LAST_DAY - timedelta(days=59), END)
    assert dataset.settings.until == END


def test_every_rule_has_a_case(frames, opened):
    rules = {rule.key for rule in checks._rules(opened(frames).tables, {}, END)}
    alone = {INFINITE_SCORE, "interactions.kind: one referrer for a customer"}
    assert rules == {case.key for case in CASES} | alone


def test_only_what_is_there_is_checked(frames, checked):
    for absent in ("usage", "catalog", "feedback"):
        del frames[absent]
    frames["orders"] = frames["orders"].drop(columns=["margin", "order_id"])
    frames["interactions"] = frames["interactions"].drop(columns="weight")
    report = checked(frames)[1]
    assert report.findings == []
    assert report.absent == ["usage", "catalog", "feedback"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_a_broken_rule_is_found_with_its_rows(frames, found, case):
    case.harm(frames)
    violations = found(frames, toml="until = 2024-06-30")
    assert set(violations) == {case.key}
    finding = violations[case.key]
    assert finding.count == case.count
    assert len(finding.examples) == min(case.count, 3)
    assert case.shown in str(finding)


@pytest.mark.parametrize("case", ONE_OF_A_KIND, ids=lambda case: case.key)
def test_a_rule_may_be_set_aside_and_its_rows_are_gone(frames, checked, case):
    case.harm(frames)
    dataset, report = checked(frames, toml=f"until = 2024-06-30\n[checks]\nset_aside = ['{case.key}']")
    assert report.violations == []
    [aside] = report.set_aside
    assert (aside.key, aside.count) == (case.key, case.count)
    assert f"{case.count} row{'s' * (case.count != 1)}; set aside" in str(aside)
    table = case.key.partition(".")[0]
    for name in frames:
        gone = case.count if name == table else 0
        assert report.rows[name] == len(frames[name])
        assert len(rows(dataset, name)) == len(frames[name]) - gone
    assert list(dataset.tables[table].columns) == list(frames[table].columns)


@pytest.mark.parametrize(("table", "column"), TIMES)
def test_a_single_time_years_after_the_end_is_found_where_no_end_is_given(frames, found, table, column):
    put(table, column, datetime(2031, 1, 1))(frames)
    key = f"{table}.{column}: not after the end of the data"
    violations = found(frames)
    assert set(violations) == {key}
    assert violations[key].count == 1
    assert "the data end on 2024-06-30 00:00 (set `until` in ripple.toml" in violations[key].remedy


def test_the_end_belongs_to_the_data(frames, checked):
    end = frames["usage"].occurred_at.max()
    assert checked(frames, toml=f"until = {end.isoformat()}")[1].findings == []
    before = (end - timedelta(seconds=1)).isoformat()
    report = checked(frames, toml=f"until = {before}")[1]
    assert [(finding.key, finding.count) for finding in report.violations] == [
        ("usage.occurred_at: not after the end of the data", 1)
    ]


def test_a_row_known_after_the_end_is_no_mistake(frames, checked):
    frames["orders"]["known_at"] = datetime(2026, 1, 1)
    assert checked(frames)[1].findings == []


@pytest.mark.parametrize(
    ("stray", "end"),
    [
        ([datetime(2031, 1, 1)], END),
        ([datetime(2031, 1, 1), datetime(2061, 1, 1)], END),
        # no gap of more than 90 days, or more than 1 % of all rows
        ([LAST_DAY + timedelta(days=90)], LAST_DAY + timedelta(days=91)),
        ([datetime(2031, 1, 1)] * 4, datetime(2031, 1, 2)),
    ],
)
def test_the_end_is_the_last_day_before_stray_rows(frames, checked, stray, end):
    for moment in stray:
        add("usage", occurred_at=moment)(frames)
    report = checked(frames)[1]
    assert report.end == end
    assert sum(finding.count for finding in report.violations) == len(stray) * (end == END)


def test_stray_rows_long_before_do_not_move_the_start(frames, checked):
    add("usage", occurred_at=datetime(1970, 1, 1))(frames)
    assert checked(frames)[1].start == LAST_DAY - timedelta(days=59)


def test_refunds_of_what_was_paid_pass(frames, checked):
    order = frames["orders"].iloc[0]
    refunds = pd.DataFrame(
        [
            # the rest of c1's order of p1, in two steps, and one at the very moment of the purchase
            order.to_dict() | {"ordered_at": LAST_DAY, "revenue": -30.0, "order_id": "r1"},
            order.to_dict() | {"ordered_at": LAST_DAY, "revenue": -40.0, "order_id": "r2"},
            frames["orders"].iloc[3].to_dict() | {"revenue": -80.0, "order_id": "r3"},
        ]
    )
    frames["orders"] = pd.concat([refunds, frames["orders"]], ignore_index=True)
    assert checked(frames)[1].findings == []


def test_of_equal_rows_set_aside_one_stays(frames, checked):
    add("customers", customer_id="c1", joined_at=datetime(2024, 2, 2))(frames)
    add("orders", order_id="o5", revenue=-20.0)(frames)
    keys = ["customers.customer_id: unique", "orders.order_id: unique"]
    dataset, _ = checked(frames, toml=f"[checks]\nset_aside = {keys}")
    assert [row["joined_at"] for row in rows(dataset, "customers") if row["customer_id"] == "c1"] == [
        datetime(2024, 1, 1)
    ]
    assert [row["revenue"] for row in rows(dataset, "orders") if row["order_id"] == "o5"] == [-30.0]


def test_rows_of_customers_set_aside_are_told(frames, checked):
    frames["customers"].loc[2, "joined_at"] = LATE
    after = "customers.joined_at: not after the end of the data"
    report = checked(frames, toml=f"[checks]\nset_aside = ['{after}']")[1]
    assert {finding.key: finding.count for finding in report.violations} == {
        "orders.customer_id: a known customer": 1,
        "usage.customer_id: a known customer": 60,
        "interactions.source_id: a known customer": 1,
        "interactions.target_id: a known customer": 1,
    }


def test_the_first_referral_of_a_customer_stays_and_others_are_set_aside(frames, checked):
    first = frames["interactions"].occurred_at.min()
    for source, days in [("c3", 1), ("c4", -1), ("c5", 0)]:
        add(
            "interactions",
            source_id=source,
            target_id="c2",
            kind="referral",
            occurred_at=first + timedelta(days=days),
        )(frames)
    dataset, report = checked(frames)
    assert report.violations == []
    [aside] = report.set_aside
    assert (aside.key, aside.count) == ("interactions.kind: one referrer for a customer", 3)
    referrals = [row for row in rows(dataset, "interactions") if row["kind"] == "referral"]
    assert [row["source_id"] for row in referrals] == ["c4"]
    assert len(rows(dataset, "interactions")) == 5 - 1


def test_a_referral_reported_late_does_not_displace_the_one_that_was_known(frames, checked):
    first = frames["interactions"].occurred_at.min()
    frames["interactions"]["known_at"] = pd.Series([None] * 4, dtype="datetime64[us]")
    add(
        "interactions",
        source_id="c3",
        target_id="c2",
        kind="referral",
        occurred_at=first - timedelta(days=20),
        known_at=first + timedelta(days=20),
    )(frames)
    dataset, report = checked(frames)
    assert [finding.count for finding in report.set_aside] == [1]
    referrals = [row for row in rows(dataset, "interactions") if row["kind"] == "referral"]
    assert [row["source_id"] for row in referrals] == ["c1"]


@pytest.mark.parametrize(
    ("table", "column", "value", "key", "remedy"),
    [
        ("orders", "revenue", "a lot", "orders.revenue: is a number", "write plain numbers such as 1234.5"),
        ("feedback", "score", "good", "feedback.score: is a number", "write plain numbers"),
        ("orders", "ordered_at", "yesterday", "orders.ordered_at: is a time", "write times as 2024-05-17 or"),
        ("usage", "occurred_at", "infinity", "usage.occurred_at: is a time", "write times as"),
        ("customers", "joined_at", "17/05/2024", "customers.joined_at: is a time", "write times as"),
    ],
)
def test_text_that_cannot_be_read_is_told_once(frames, found, form, table, column, value, key, remedy):
    frames[table][column] = frames[table][column].astype(str)
    put(table, column, value)(frames)
    violations = found(frames, form)
    assert set(violations) == {key}
    assert violations[key].count == 1
    assert violations[key].remedy.startswith(remedy)
    assert violations[key].examples[0][column] == value


def test_a_column_of_another_type_is_told(frames, found):
    frames["feedback"]["customer_id"] = [1.5, 2.5, 3.5]
    violations = found(frames)
    assert violations.keys() == {"feedback.customer_id: is an id"}
    assert violations["feedback.customer_id: is an id"].count == 3


def test_not_a_number_in_csv_is_no_number(frames, found):
    frames["feedback"]["score"] = ["0.5", "nan", "1"]
    assert INFINITE_SCORE in found(frames, "csv")
    frames["feedback"]["score"] = ["0.5", "1e999", "1"]
    assert INFINITE_SCORE in found(frames, "csv")


def test_without_any_event_in_time_what_could_not_be_read_is_told(frames, checked):
    for table, column in TIMES:
        frames[table][column] = "17/05/2024"
    with pytest.raises(InputError) as error:
        checked(frames, "csv")
    assert str(error.value).startswith("The tables hold no event with a time")
    assert "orders.ordered_at: is a time: 5 rows; write times as 2024-05-17" in str(error.value)


def test_an_empty_dataset_is_refused(frames, checked):
    with pytest.raises(InputError, match="The tables hold no event with a time"):
        checked({name: frame.iloc[:0] for name, frame in frames.items()})


def test_loading_refuses_with_every_violation_in_one_message(frames, write):
    put("feedback", "score", 3.0)(frames)
    for _ in range(5):
        add("usage", customer_id="ghost", occurred_at=LAST_DAY)(frames)
    folder = write(frames)
    with pytest.raises(InputError) as error:
        checks.load(folder, load(folder))
    lines = str(error.value).splitlines()
    assert lines[0] == f"{folder} breaks 2 rules of the input contract:"
    assert lines[1] == (
        "  usage.customer_id: a known customer: 5 rows; add the customer to customers or remove the row"
    )
    assert len([line for line in lines if "customer_id=ghost, occurred_at=2024-06-29 00:00:00" in line]) == 3
    assert "  feedback.score: between -1 and 1: 1 row; rescale the score" in lines
    assert "    customer_id=c2, occurred_at=2024-06-20 00:00:00, score=3.0" in lines
    assert len(lines) == 1 + 4 + 2


def test_loading_a_valid_dataset_gives_it_with_its_end(frames, write):
    folder = write(frames)
    dataset, report = checks.load(folder, load(folder))
    assert dataset.settings.until == report.end == END


def test_an_unknown_rule_cannot_be_set_aside(frames, checked):
    with pytest.raises(InputError) as error:
        checked(frames, toml="[checks]\nset_aside = ['orders.order_id: uniqe']")
    assert str(error.value) == (
        "checks.set_aside names an unknown rule 'orders.order_id: uniqe'"
        "; did you mean 'orders.order_id: unique'?"
    )


def test_examples_are_the_same_in_any_order_of_the_file(frames, found):
    for customer in "zyxw":
        add("usage", customer_id=customer)(frames)
    key = "usage.customer_id: a known customer"
    first = found(frames)[key].examples
    frames["usage"] = frames["usage"].iloc[::-1]
    assert found(frames)[key].examples == first
    assert [example["customer_id"] for example in first] == ["w", "x", "y"]
