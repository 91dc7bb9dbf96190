from datetime import datetime

import pytest

from ripple.errors import InputError
from ripple.training.measured_effects import FILE, FOLDER, MeasuredEffect, read, write


def effect(play: str, experiment: str, day: int, low: float = 0.02) -> MeasuredEffect:
    return MeasuredEffect(play, experiment, low + 0.05, low, low + 0.1, datetime(2025, 7, day), 40)


def test_the_experiment_that_ended_last_counts(tmp_path):
    assert read(tmp_path) == {}
    first, second, other = effect("rescue", "a", 20), effect("rescue", "b", 10), effect("nurture", "b", 10)
    write(tmp_path, "a", [first])
    write(tmp_path, "b", [second, other])
    assert read(tmp_path) == {"rescue": first, "nurture": other}
    # what had not ended by then is not known then
    assert read(tmp_path, datetime(2025, 7, 15)) == {"rescue": second, "nurture": other}


def test_a_later_readout_takes_the_place_of_an_earlier_one(tmp_path):
    write(tmp_path, "a", [effect("rescue", "a", 10)])
    write(tmp_path, "a", [])
    assert read(tmp_path) == {}


def test_a_file_that_no_readout_wrote_is_an_error(tmp_path):
    path = write(tmp_path, "a", [])
    path.write_text('[{"play": "rescue"}]', encoding="utf-8")
    with pytest.raises(InputError, match=f"{FOLDER}.a.{FILE}"):
        read(tmp_path)
