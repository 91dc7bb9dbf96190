from datetime import timedelta

import pytest

from ripple.training.experiments.participants import compliance, participants

from .conftest import END, START, days


def arm_of(laid, arm, number=2):
    return list(laid.assignments.index[laid.assignments["arm"] == arm][:number])


def test_everybody_is_found_where_nothing_happened(dataset, laid):
    found = participants(dataset, laid.assignments, laid.audience)
    assert list(found.rows.index) == list(laid.assignments.index)
    assert list(found.rows["id"]) == list(laid.assignments.index)
    assert len(found.audience) == len(laid.audience) == 180
    assert (len(found.lost), found.merged) == (0, ())


def test_lost_customers_are_left_out_with_their_audience(company, laid, opened):
    gone = arm_of(laid, "treatment", 1)
    found = participants(opened(company.without(gone)), laid.assignments, laid.audience)
    assert list(found.lost.index) == gone
    assert not set(gone) & set(found.rows.index)
    assert not set(gone) & set(found.audience["owner"])


def test_customers_of_one_arm_who_became_one_count_once(company, laid, opened):
    one, other = arm_of(laid, "treatment")
    merged = company.with_rows(merges=[{"old_id": other, "new_id": one}])
    found = participants(opened(merged), laid.assignments, laid.audience)
    assert one in found.rows.index
    assert other not in found.rows.index
    assert "count once" in found.merged[0]


def test_customers_of_two_arms_who_became_one_are_left_out(company, laid, opened):
    one, other = arm_of(laid, "treatment", 1) + arm_of(laid, "holdout", 1)
    merged = company.with_rows(merges=[{"old_id": other, "new_id": one}])
    found = participants(opened(merged), laid.assignments, laid.audience)
    assert not {one, other} & set(found.rows.index)
    assert "left out" in found.merged[0]


def test_who_became_part_of_another_customer_counts_as_that(company, laid, opened):
    (one,) = arm_of(laid, "treatment", 1)
    merged = company.with_rows(
        customers=[{"customer_id": "new", "joined_at": days(-300)}], merges=[{"old_id": one, "new_id": "new"}]
    )
    found = participants(opened(merged), laid.assignments, laid.audience)
    assert found.rows.loc[one, "id"] == "new"
    assert "new" in set(found.audience["owner"])
    assert len(found.rows) == len(laid.assignments)


def log(laid, arm, number, on=5.0):
    rows = laid.assignments[laid.assignments["arm"] == arm][:number]
    return [
        {"customer_id": name, "play": play, "contacted_at": days(on)} for name, play in rows["play"].items()
    ]


def test_the_log_says_who_was_treated(company, laid, opened):
    treated = laid.assignments["arm"].eq("treatment").sum()
    dataset = opened(company.with_rows(plays_log=log(laid, "treatment", treated) + log(laid, "holdout", 3)))
    rows = participants(dataset, laid.assignments, laid.audience).rows
    complied = compliance(dataset, rows, START, END)
    assert (complied.recorded, complied.treated, len(complied.held)) == (True, 1.0, 3)
    assert complied.held_share == pytest.approx(3 / (60 - treated))
    # contacts before the start are no treatment
    assert compliance(dataset, rows, START + timedelta(days=6), END).held == ()


def test_without_a_log_nobody_knows(dataset, laid):
    rows = participants(dataset, laid.assignments, laid.audience).rows
    assert not compliance(dataset, rows, START, END).recorded
