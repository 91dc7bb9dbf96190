from datetime import datetime

import pandas as pd
import pytest

from ripple.cli.datasets import validate_not_after_end, write_table
from ripple.errors import InputError
from ripple.settings import Settings

FRAME = pd.DataFrame({"a": [1.5, None]}, index=pd.Index(["c1", "c2"], name="customer_id"))
END = datetime(2025, 7, 1)


@pytest.mark.parametrize(("suffix", "read"), [(".csv", pd.read_csv), (".parquet", pd.read_parquet)])
def test_a_table_is_written_whole_with_its_index(tmp_path, capsys, suffix, read):
    out = tmp_path / f"table{suffix}"
    write_table(FRAME, out)
    pd.testing.assert_frame_equal(read(out), FRAME.reset_index())
    assert capsys.readouterr().out == f"{out}: 2 customers, 1 columns\n"
    assert list(tmp_path.iterdir()) == [out]


def test_a_moment_up_to_the_end_of_the_data_is_allowed():
    validate_not_after_end(END, Settings(until=END), "--as-of")
    validate_not_after_end(END, Settings(), "--as-of")


def test_a_later_one_is_not():
    with pytest.raises(InputError, match=r"--to 2025-07-02 is after the data end \(2025-07-01 00:00\)"):
        validate_not_after_end(datetime(2025, 7, 2), Settings(until=END), "--to")
