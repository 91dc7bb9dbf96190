from datetime import datetime, timedelta

import pytest

from ripple.errors import InputError
from ripple.features.validation import checks
from ripple.settings import Settings, load
from tests.support.oracles.broken_rules import (
    END,
    LATE,
    ONE_CASE_PER_RULE,
    TIMES,
    add,
    put,
    rows,
)
from tests.support.oracles.feature_frames import LAST_DAY


def test_a_valid_dataset_passes_and_is_described(frames, checked, form):
    dataset, report = checked(frames, form)
    assert report.findings == []
    assert report.rows == {name: len(frame) for name, frame in frames.items()}
    assert report.absent == []
    assert (report.start, report.end) == (LAST_DAY - timedelta(days=59), END)
    assert dataset.settings.until == END


def test_only_what_is_there_is_checked(frames, checked):
    for absent in ("usage", "catalog", "feedback"):
        del frames[absent]
    frames["orders"] = frames["orders"].drop(columns=["margin", "order_id"])
    frames["interactions"] = frames["interactions"].drop(columns="weight")
    report = checked(frames)[1]
    assert report.findings == []
    assert report.absent == ["usage", "catalog", "feedback"]


@pytest.mark.parametrize("case", ONE_CASE_PER_RULE, ids=lambda case: case.key)
def test_a_rule_may_be_set_aside_and_its_rows_are_gone(frames, checked, case):
    case.break_rule(frames)
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
def test_without_a_given_end_a_single_time_years_later_is_found(frames, violations_of, table, column):
    put(table, column, datetime(2031, 1, 1))(frames)
    key = f"{table}.{column}: not after the end of the data"
    violations = violations_of(frames)
    assert set(violations) == {key}
    assert violations[key].count == 1
    assert "the data end on 2024-06-30 00:00 (set `until` in ripple.toml" in violations[key].remedy


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


def test_rows_of_customers_set_aside_are_reported(frames, checked):
    frames["customers"].loc[2, "joined_at"] = LATE
    after = "customers.joined_at: not after the end of the data"
    report = checked(frames, toml=f"[checks]\nset_aside = ['{after}']")[1]
    assert {finding.key: finding.count for finding in report.violations} == {
        "orders.customer_id: a known customer": 1,
        "usage.customer_id: a known customer": 60,
        "interactions.source_id: a known customer": 1,
        "interactions.target_id: a known customer": 1,
    }


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
def test_text_that_cannot_be_read_is_reported_once(
    frames, violations_of, form, table, column, value, key, remedy
):
    frames[table][column] = frames[table][column].astype(str)
    put(table, column, value)(frames)
    violations = violations_of(frames, form)
    assert set(violations) == {key}
    assert violations[key].count == 1
    assert violations[key].remedy.startswith(remedy)
    assert violations[key].examples[0][column] == value


def test_a_column_of_another_type_is_reported(frames, violations_of):
    frames["feedback"]["customer_id"] = [1.5, 2.5, 3.5]
    violations = violations_of(frames)
    assert violations.keys() == {"feedback.customer_id: is an id"}
    assert violations["feedback.customer_id: is an id"].count == 3


def test_without_any_event_in_time_unreadable_times_are_reported(frames, checked):
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


@pytest.mark.parametrize("place", [4, 30])
def test_a_file_that_is_damaged_inside_is_bad_input(frames, write, place):
    folder = write(frames)
    file = folder / "orders.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:place] + b"\xff" * 20 + whole[place + 20 :])
    with pytest.raises(InputError, match=r"data cannot be read: .* A file may be damaged"):
        checks.load(folder, Settings())


def test_loading_a_valid_dataset_gives_it_with_its_end(frames, write):
    folder = write(frames)
    dataset, report = checks.load(folder, load(folder))
    assert dataset.settings.until == report.end == END


def test_examples_are_the_same_in_any_order_of_the_file(frames, violations_of):
    for customer in "zyxw":
        add("usage", customer_id=customer)(frames)
    key = "usage.customer_id: a known customer"
    first = violations_of(frames)[key].examples
    frames["usage"] = frames["usage"].iloc[::-1]
    assert violations_of(frames)[key].examples == first
    assert [example["customer_id"] for example in first] == ["w", "x", "y"]
