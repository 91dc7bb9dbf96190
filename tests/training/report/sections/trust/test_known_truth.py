from ripple.training.report.sections.trust.known_truth import WORLDS, known_truth_section
from tests.support.runs.rendered_page import numbers

COLUMNS = ("label", "total", "credited", "true", "model", "rule")


def test_the_finding_has_the_range_of_captures_and_the_falsely_credited_share() -> None:
    section = known_truth_section()
    worlds = {name: dict(zip(COLUMNS, cells, strict=True)) for name, cells, _ in section["rows"]}
    assert set(worlds) == set(WORLDS.values())
    predicted = [row for row in worlds.values() if not row["model"].missing]
    ranges = [
        numbers(bound([row[column] for row in predicted], key=lambda cell: cell.sort).text)[0]
        for column in ("model", "rule")
        for bound in (min, max)
    ]
    credited = numbers(worlds[WORLDS["none"]]["credited"].text)[0]
    assert numbers(section["finding"])[1:] == [*ranges[:2], str(len(predicted)), *ranges[2:], credited]


def test_numbers_that_a_world_cannot_have_are_missing() -> None:
    rows = {name: [cell.missing for cell in cells] for name, cells, _ in known_truth_section()["rows"]}
    assert rows[WORLDS["none"]] == [True, True, False, False, True, True]
    assert not any(rows[WORLDS["default"]])
