"""The controls of a training, and what of them is recorded."""

from dataclasses import replace

from ripple.features.tables.tables import Tables
from ripple.settings import Controls, Settings
from ripple.training.attribution.controls.negative_controls import TWO_HOP, negative_controls

from .conftest import NAMES, SETTINGS, WINDOW


def test_paths_that_skip_the_middle_get_far_less_than_contacts(controls):
    assert controls.two_hop.skipping < 0.2 * controls.two_hop.direct
    assert controls.two_hop.error > 0


def test_findings_exceed_a_limit_only_beyond_their_error(controls):
    findings = {finding.name: finding for finding in controls.findings()}
    assert list(findings) == [TWO_HOP, *NAMES]
    assert findings["p01"].exceeds(0.05)
    assert not findings["price rise"].exceeds(0.1)
    assert not replace(findings["p01"], error=1.0).exceeds(0.05)
    assert "'p01'" in findings["p01"].text


def test_the_record_and_the_metrics_hold_the_same_numbers(controls):
    record, metrics = controls.record(), controls.metrics()
    assert record["two_hop"]["skipping"] == metrics["control_two_hop_share"]
    assert max(outcome["credited"] for outcome in record["outcomes"]) == metrics["control_outcomes_share"]


def test_too_few_times_say_nothing(world):
    rare = world["orders"].filter(world["orders"]["product"] == "price rise").limit(20)
    few = Tables({"customers": world["customers"], "interactions": world["interactions"], "orders": rare})
    settings = Settings(controls=Controls(outcomes=("price rise",)))
    found = negative_controls(few, *WINDOW, settings)
    assert found.two_hop is None
    assert found.record()["outcomes"][0]["credited"] is None
    assert not any(finding.exceeds(0.0) for finding in found.findings())
    assert found.metrics() == {}


def test_without_interactions_there_is_nothing_to_test(world):
    bare = Tables({name: world[name] for name in ("customers", "orders")})
    assert negative_controls(bare, *WINDOW, SETTINGS) is None
