from datetime import datetime, timedelta

import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.features.validation.rules import rules
from tests.support.oracles.broken_rules import (
    CASES,
    END,
    INFINITE_SCORE,
    add,
    rows,
)
from tests.support.oracles.feature_frames import LAST_DAY


def test_every_rule_has_a_case(frames, opened):
    keys = {rule.key for rule in rules(opened(frames).tables, {}, END)}
    alone = {INFINITE_SCORE, "interactions.kind: one referrer for a customer"}
    alone |= {f"{table}.occurred_at: not repeated" for table in ("usage", "interactions", "feedback")}
    assert keys == {case.key for case in CASES} | alone


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_a_broken_rule_is_found_with_its_rows(frames, violations_of, case):
    case.break_rule(frames)
    violations = violations_of(frames, toml="until = 2024-06-30")
    assert set(violations) == {case.key}
    finding = violations[case.key]
    assert finding.count == case.count
    assert len(finding.examples) == min(case.count, 3)
    assert case.shown in str(finding)


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
    add("orders")(frames)
    keys = ["customers.customer_id: unique", "orders.ordered_at: not repeated"]
    dataset, _ = checked(frames, toml=f"[checks]\nset_aside = {keys}")
    assert [row["joined_at"] for row in rows(dataset, "customers") if row["customer_id"] == "c1"] == [
        datetime(2024, 1, 1)
    ]
    assert [row["revenue"] for row in rows(dataset, "orders") if row["order_id"] == "o5"] == [-30.0]


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


def test_not_a_number_in_csv_is_no_number(frames, violations_of):
    frames["feedback"]["score"] = ["0.5", "nan", "1"]
    assert INFINITE_SCORE in violations_of(frames, "csv")
    frames["feedback"]["score"] = ["0.5", "1e999", "1"]
    assert INFINITE_SCORE in violations_of(frames, "csv")


def test_an_unknown_rule_cannot_be_set_aside(frames, checked):
    with pytest.raises(InputError) as error:
        checked(frames, toml="[checks]\nset_aside = ['catalog.feature: uniqe']")
    assert str(error.value) == (
        "checks.set_aside names an unknown rule 'catalog.feature: uniqe'"
        "; did you mean 'catalog.feature: unique'?"
    )


def order(frames, index, **values):
    """Another order like the one at *index*, with other values."""
    row = frames["orders"].iloc[index].to_dict() | values
    frames["orders"] = pd.concat([frames["orders"], pd.DataFrame([row])], ignore_index=True)


def test_an_order_may_have_lines_of_the_same_product_and_its_refund_may_share_its_id(frames, checked):
    order(frames, 0, revenue=20.0)
    order(frames, 0, product="p9", revenue=0.0, margin=0.0)
    order(frames, 0, revenue=-30.0, ordered_at=LAST_DAY)
    dataset, report = checked(frames)
    assert report.findings == []
    assert sum(row["revenue"] for row in rows(dataset, "orders")) == 220.0 + 20.0 - 30.0
    assert [note for note in report.warnings if note.startswith("orders.order_id: 2 rows (25.0 %)")]


def test_a_line_number_tells_equal_lines_apart_and_is_unique_in_its_order(frames, checked):
    frames["orders"]["line"] = ["1", "1", "1", "1", None]
    order(frames, 0, line="2")
    assert checked(frames)[1].findings == []
    order(frames, 0, line="2", revenue=7.0)
    order(frames, 0, line="2", revenue=-7.0, ordered_at=LAST_DAY)
    report = checked(frames)[1]
    assert {(finding.key, finding.count) for finding in report.violations} == {
        ("orders.line: unique in its order", 1)
    }


@pytest.mark.parametrize(
    ("refunds", "accepted"),
    [
        ("same product", {"p1"}),
        ("customer", {"p1", "p9"}),
        ("any", {"p1", "p9", "before the data began"}),
    ],
)
def test_what_a_refund_has_to_follow_is_a_setting(frames, checked, refunds, accepted):
    values = {"order_id": "r1", "revenue": -60.0, "ordered_at": LAST_DAY}
    for what, more in {
        "p1": {"product": "p1"},
        "p9": {"product": "p9"},
        "before the data began": {"customer_id": "c4", "product": "p9"},
    }.items():
        changed = dict(frames)
        order(changed, 0, **values | more)
        report = checked(changed, toml=f"[checks]\nrefunds = '{refunds}'")[1]
        assert (report.findings == []) == (what in accepted)
    if refunds != "any":
        wider = {"same product": "customer", "customer": "any"}[refunds]
        assert f'[checks] refunds = "{wider}"' in report.violations[0].remedy


@pytest.mark.parametrize("table", ["usage", "interactions", "feedback"])
def test_repeated_events_are_told_and_dropped_on_request(frames, checked, table):
    add(table)(frames)
    add(table)(frames)
    key, before = f"{table}.occurred_at: not repeated", len(frames[table]) - 2
    dataset, report = checked(frames)
    assert report.violations == report.set_aside == []
    [warning] = report.warnings
    assert warning.startswith(f"{key}: 2 rows (")
    assert f'[checks] drop_repeats = ["{table}"]' in warning
    assert len(rows(dataset, table)) == before + 2
    dataset, report = checked(frames, toml=f"[checks]\ndrop_repeats = ['{table}']")
    assert report.warnings == report.violations == []
    assert [(aside.key, aside.count) for aside in report.set_aside] == [(key, 2)]
    assert len(rows(dataset, table)) == before


def test_of_events_that_differ_in_when_they_were_known_the_first_one_counts(frames, checked):
    frames["feedback"]["known_at"] = [LAST_DAY, LAST_DAY, LAST_DAY]
    add("feedback", known_at=LAST_DAY - timedelta(days=3))(frames)
    dataset, report = checked(frames, toml="[checks]\ndrop_repeats = ['feedback']")
    assert [finding.count for finding in report.set_aside] == [1]
    assert min(row["known_at"] for row in rows(dataset, "feedback")) == LAST_DAY - timedelta(days=3)


def test_kinds_are_compared_in_lower_case_and_without_spaces(frames, checked):
    frames["interactions"].loc[0, "kind"] = " Referral"
    dataset, report = checked(frames)
    assert report.warnings == []
    assert next(row["kind"] for row in rows(dataset, "interactions")) == "referral"
