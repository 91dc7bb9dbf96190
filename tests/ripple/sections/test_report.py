import pytest
from pydantic import ValidationError

from ripple.sections.report import Plays, Report
from ripple.settings import Settings


def test_sections_are_those_of_the_settings():
    assert Settings().plays == Plays()
    assert Settings().report == Report()


@pytest.mark.parametrize(
    ("section", "wrong"),
    [
        (Plays, {"feedback_days": 0}),
        (Plays, {"feedback_days": 36_526}),
        (Plays, {"network_share": 1.0}),
        (Report, {"name": ""}),
        (Report, {"atributes": ["plan"]}),
    ],
)
def test_what_makes_no_sense_is_refused(section, wrong):
    with pytest.raises(ValidationError):
        section(**wrong)
