from ripple.training.report.sections.trust.known_truth import WORLDS, known_truth


def test_the_finding_spans_the_worlds_and_tells_false_credit() -> None:
    found = known_truth()
    shown = {
        name: dict(zip(("label", "total", "credited", "true", "own", "rule"), cells, strict=True))
        for name, cells, _ in found["rows"]
    }
    foreseen = [row for row in shown.values() if not row["own"].missing]
    assert f"In {len(foreseen)} simulated worlds whose truth is known" in found["finding"]
    ends = sorted(foreseen, key=lambda row: row["own"].sort)
    assert f"held {ends[0]['own'].text} to {ends[-1]['own'].text} of the value" in found["finding"]
    assert f"{shown[WORLDS['none']]['credited'].text} of revenue was credited" in found["finding"]


def test_what_a_world_cannot_tell_has_a_reason() -> None:
    rows = {name: cells for name, cells, _ in known_truth()["rows"]}
    assert rows[WORLDS["none"]][0].text == "not available: nobody has any true value"
    assert rows[WORLDS["none"]][4].text == "not available: not measured in this world"
    assert not any(cell.missing for cell in rows[WORLDS["default"]])
