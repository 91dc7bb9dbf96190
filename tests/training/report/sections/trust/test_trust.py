from ripple.training.report.sections.trust.placebos import placebo_caveat
from ripple.training.report.sections.trust.trust import trust_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers


def test_the_finding_has_both_captures_with_their_intervals(result: TrainingResult) -> None:
    section = trust_section(result)
    model, rule = ["62", "95", "55", "70"], ["47", "95", "40", "55"]
    assert numbers(section["finding"]) == ["5", *model, "3", *rule]
    assert "“last label”" in section["finding"]
    assert section["caveat"] == placebo_caveat(result)
