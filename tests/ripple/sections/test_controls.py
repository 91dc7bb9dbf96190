import pytest

from ripple.errors import InputError
from ripple.settings import load


def test_controls_are_read_from_the_file_and_bounded(tmp_path):
    file = tmp_path / "ripple.toml"
    assert load(file.parent).controls.outcomes == ()
    file.write_text('[controls]\noutcomes = ["price rise", "birthday"]\n', encoding="utf-8")
    assert load(file).controls.outcomes == ("price rise", "birthday")
    assert load(file).controls.credited_share == 0.05
    file.write_text("[controls]\ncredited_share = 2\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"controls\.credited_share"):
        load(file)
