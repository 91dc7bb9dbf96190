from ripple.training.report.sections.trust.trust import trust_section
from ripple.training.result import TrainingResult
from tests.support.runs.rendered_page import numbers


def test_the_finding_counts_the_answers(result: TrainingResult, bleak: TrainingResult) -> None:
    for run in (result, bleak):
        section = trust_section(run)
        given = [row.word for row in section["rows"]]
        counts = [given.count(word) for word in ("good", "fair", "poor", "not known")]
        assert [int(number) for number in numbers(section["finding"])] == [
            counts[0],
            8,
            *counts[1:3],
            *(counts[3:] if counts[3] else []),
        ]
