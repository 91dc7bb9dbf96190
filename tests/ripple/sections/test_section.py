"""Sections of the settings."""

import pytest
from pydantic import ValidationError

from ripple.sections.section import Section


class Part(Section):
    days: int = 3


def test_a_section_stays_as_it_was_read():
    with pytest.raises(ValidationError):
        Part().days = 4


def test_an_unknown_key_is_an_error():
    with pytest.raises(ValidationError):
        Part(day=4)
