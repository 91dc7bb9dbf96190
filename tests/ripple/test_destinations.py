import pytest

from ripple.destinations import validate_file, validate_folder
from ripple.errors import InputError


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    validate_folder(tmp_path / "new" / "newer")
    validate_file(tmp_path / "new" / "file.csv")
    (tmp_path / "there.csv").write_text("kept")
    validate_file(tmp_path / "there.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "folder"):
        with pytest.raises(InputError, match=r"cannot be written: .*file: Not a directory\. Make it"):
            validate_folder(place)
    with pytest.raises(InputError, match="cannot be written"):
        validate_file(tmp_path / "file" / "out.csv")


def test_a_folder_in_the_way_of_a_file_is_told(tmp_path):
    with pytest.raises(InputError, match="is a folder, and a file is to be written there"):
        validate_file(tmp_path)
