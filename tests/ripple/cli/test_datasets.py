from datetime import datetime, timedelta

import pandas as pd
import pytest

from ripple.cli.datasets import (
    MAX_QUIET_DAYS,
    validate_as_of,
    validate_interactions,
    validate_not_after_end,
    write_table,
)
from ripple.errors import InputError
from ripple.features.dataset import open_dataset
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


def test_features_may_be_as_of_a_few_quiet_days_after_the_end_which_is_said(caplog):
    caplog.set_level("INFO", "ripple")
    validate_as_of(END, Settings(until=END))
    assert not caplog.messages
    validate_as_of(END + timedelta(days=MAX_QUIET_DAYS), Settings(until=END))
    assert "nothing is known of the time from there to --as-of 2025-07-08" in caplog.text
    with pytest.raises(InputError, match=r"--as-of 2025-07-09 is after the data end .* by more than 7 days"):
        validate_as_of(END + timedelta(days=MAX_QUIET_DAYS + 1), Settings(until=END))


def test_network_value_is_refused_where_only_orders_are_known(tmp_path):
    pd.DataFrame({"customer_id": ["a"], "joined_at": [END]}).to_parquet(tmp_path / "customers.parquet")
    orders = {"customer_id": ["a"], "ordered_at": [END], "product": ["p"], "revenue": [1.0]}
    pd.DataFrame(orders).to_parquet(tmp_path / "orders.parquet")
    with pytest.raises(InputError, match=r"no table interactions.*needs contacts or referrals.* published"):
        validate_interactions(open_dataset(tmp_path, Settings()))
    contact = {"source_id": ["a"], "target_id": ["a"], "kind": ["follow"], "occurred_at": [END]}
    pd.DataFrame(contact).to_parquet(tmp_path / "interactions.parquet")
    validate_interactions(open_dataset(tmp_path, Settings()))
