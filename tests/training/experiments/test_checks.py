from dataclasses import replace

import pandas as pd

from ripple.training.examples.provenance import data_digests
from ripple.training.experiments.checks import check_experiment
from ripple.training.experiments.outcomes import outcomes
from ripple.training.experiments.participants import compliance, participants
from tests.support.runs.rendered_page import numbers

from .conftest import END, START, days


def checks(dataset, design, laid):
    found = participants(dataset, laid.assignments, laid.audience)
    ids = pd.Index(found.rows["id"])
    before = outcomes(dataset, START - (END - START), START, ids, found.audience, credited=False)
    complied = compliance(dataset, found.rows, START, END)
    return {
        check.name: check
        for check in check_experiment(dataset, design, laid.assignments, found, before, complied)
    }


def test_an_experiment_that_went_as_planned_passes(dataset, design, laid):
    design = design.model_copy(update={"data": data_digests(dataset.limited_to(START))})
    found = checks(dataset, design, laid)
    assert len(found) == 6
    assert all(check.passed for check in found.values())


def test_a_loss_in_one_arm_fails(company, design, laid, opened):
    held = laid.assignments.index[laid.assignments["arm"] == "holdout"]
    found = checks(opened(company.without(list(held[:12]))), design, laid)
    assert not found["lost customers"].passed
    assert "12 held-out" in found["lost customers"].finding


def test_held_out_customers_who_were_treated_fail(company, design, laid, opened):
    held = laid.assignments[laid.assignments["arm"] == "holdout"]["play"][:6]
    log = [{"customer_id": name, "play": play, "contacted_at": days(9)} for name, play in held.items()]
    found = checks(opened(company.with_rows(plays_log=log)), design, laid)
    assert not found["treated as planned"].passed
    assert "6 of the held-out arm" in found["treated as planned"].finding


def test_arms_that_differed_before_are_noticed(company, design, laid, opened):
    treated = laid.assignments.index[laid.assignments["arm"] == "treatment"]
    orders = [
        {"customer_id": name, "ordered_at": days(-30), "product": "old", "revenue": 500.0} for name in treated
    ]
    found = checks(opened(company.with_rows(orders=orders)), design, laid)
    assert not found["balance before the start"].passed
    assert "own revenue before" in found["balance before the start"].finding


def test_contamination_counts_members_by_what_they_spent_and_twice(company, design, laid, tmp_path):
    audience = laid.audience.assign(other_arm=0.0)
    audience.loc[0, "other_arm"] = 0.6
    tied = replace(laid, audience=audience)
    plain = checks(company.open(tmp_path / "plain"), design, tied)["contamination"]
    assert plain.passed
    spends = {"customer_id": audience.loc[0, "customer_id"], "ordered_at": days(-30), "product": "old"}
    rich = company.with_rows(orders=[spends | {"revenue": 1e6}])
    found = checks(rich.open(tmp_path / "rich"), design, tied)["contamination"]
    # nearly all that the audience spent was spent by the one of them whom the other arm reaches
    assert not found.passed
    assert numbers(found.finding)[:2] == ["0", "59"]
    assert found.finding.endswith("understated by about 100%")
    milder = replace(laid, audience=audience.assign(other_arm=0.04))
    finding = checks(company.open(tmp_path / "milder"), design, milder)["contamination"].finding
    assert numbers(finding) == ["4", "4", "8"]


def test_rows_that_were_changed_afterwards_are_noticed(dataset, design, laid):
    digests = data_digests(dataset.limited_to(START)) | {"orders": "of other rows"}
    check = checks(dataset, design.model_copy(update={"data": digests}), laid)["data as designed"]
    assert not check.passed
    assert "rows of orders" in check.finding
