import re
from collections.abc import Callable
from dataclasses import replace

from ripple.settings import Plays
from ripple.training.insights.plays import playbook
from ripple.training.report import render
from ripple.training.report.sections.value.plays import turn
from ripple.training.result import TrainingResult
from tests.support.rendered_page import visible_text


def unhappy(result: TrainingResult, **plays: object) -> TrainingResult:
    """The same run with feedback, every other customer being unhappy, and other rules."""
    features = result.features.assign(feedback_latest=[-0.8, 0.8] * (len(result.features) // 2))
    settings = result.settings.model_copy(update={"plays": Plays(**plays)})
    book = playbook(features, result.customer_value, result.bundle, settings)
    return replace(result, features=features, settings=settings, playbook=book)


def test_the_finding_is_the_network_value_at_risk(result: TrainingResult) -> None:
    changed = unhappy(result, fading_below=0.0)
    customers, found = changed.customer_value.customers, changed.playbook.segment_of
    at_risk = customers["network_value"][(found["network"] == "high") & (found["sentiment"] == "unhappy")]
    told = turn(changed)
    assert told["finding"].startswith(f"{len(at_risk)} of 40 influential customers are unhappy or fading; ")
    assert f"{at_risk.sum():,.0f}\u00a0US$<" in told["finding"]
    by_name = {name: (int(count), share) for name, count, _, _, share in told["risks"]}
    assert by_name["unhappy"][0] == by_name["any of these"][0] == len(at_risk)
    assert by_name["all influential customers"][0] == 40
    assert by_name["fading"] == (0, "0\u00a0%")


def test_where_nobody_is_at_risk_it_says_so(result: TrainingResult) -> None:
    calm = unhappy(result, fading_below=0.0, unhappy_below=-1.0)
    assert turn(calm)["finding"].startswith("Not one of the 40 influential customers is seen to be unhappy")


def test_every_play_with_customers_is_told_and_the_others_are_named(result: TrainingResult) -> None:
    changed = unhappy(result)
    told, book = turn(changed), changed.playbook
    used = book.plays[book.plays["customers"] > 0]
    assert [row["name"] for row in told["plays"]] == used["play"].tolist()
    assert set(told["idle"]) == set(book.plays["play"]) - set(used["play"])
    assert {row["play"] for row in told["customers"]} == set(used["play"])
    for row in told["customers"]:
        own = book.customers.loc[row["id"]]
        assert row["reasons"] == own["reasons"]
        assert row["value"].sort == round(own["value"], 6)


def test_without_tables_it_says_who_cannot_be_told_apart(
    result: TrainingResult, bleak: TrainingResult
) -> None:
    assert turn(result)["absent"] == [
        "There is no feedback table, so nobody is known to be happy or unhappy: all are silent."
    ]
    told = turn(bleak)
    assert [sentence.split(",")[0] for sentence in told["absent"]] == [
        "There is no feedback table",
        "There is no usage table",
        "Orders do not tell the margin",
    ]
    assert told["finding"].startswith("It cannot be seen who of the 2 influential customers is unhappy")


def test_costs_that_are_not_known_say_why(bleak: TrainingResult) -> None:
    told = turn(bleak)
    assert told["plays"]
    for row in told["plays"] + told["customers"]:
        assert row["cost"].text.startswith("not available: no margin is known")


def test_rules_that_fit_nobody_leave_a_sentence_and_no_table(result: TrainingResult) -> None:
    rule = {"play": "greet", "action": "say hello", "sentiment": "happy"}
    settings = result.settings.model_copy(update={"plays": Plays(rules=[rule])})
    book = playbook(result.features, result.customer_value, result.bundle, settings)
    assert book.customers.empty
    html = render(replace(result, settings=settings, playbook=book))
    section = html[html.index('<section id="turn"') : html.index('<section id="earn"')]
    assert "No customer fits any rule of" in visible_text(section)
    assert 'aria-label="Plays"' not in section
    assert not re.search(r"<tbody>\s*</tbody>", section)


def test_forecasts_that_were_too_high_are_warned_of(result: TrainingResult) -> None:
    def caution(realised_ratio: float) -> str:
        return turn(
            replace(result, customer_value=replace(result.customer_value, realised_ratio=realised_ratio))
        )["caution"]

    assert "only 60\u00a0% of the network value that was foreseen came true" in caution(0.6)
    assert "came true" not in caution(1.0)


def test_where_all_may_be_coincidence_nobody_counts_as_influential(result: TrainingResult) -> None:
    customer_value = replace(result.customer_value, credible=0.0)
    book = playbook(result.features, customer_value, result.bundle, result.settings)
    changed = replace(result, customer_value=customer_value, playbook=book)
    told = turn(changed)
    assert "nobody counts as influential here; 40 customers get a play for what they spend" in told["finding"]
    assert set(book.customers["play"]) <= {"win back", "connect"}
    assert told["risks"] == []
    assert "So no network value is known to be at risk." in visible_text(render(changed))


def test_without_influence_the_section_says_so(with_influence: Callable[..., TrainingResult]) -> None:
    assert turn(with_influence(90.0, 60.0, 3.0))["caution"].startswith("No influence was found.")


def test_every_segment_names_its_plays(result: TrainingResult) -> None:
    changed = unhappy(result)
    rows = turn(changed)["segments"]
    assert sum(row["customers"].sort for row in rows) == len(changed.features)
    quiet = [row for row in rows if (row["network"], row["direct"]) == ("low", "low")]
    assert quiet
    assert all(row["plays"] == "no play" for row in quiet)
