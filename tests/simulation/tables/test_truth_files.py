import json
from datetime import timedelta

import pandas as pd
import pytest

from ripple import simulation
from ripple.simulation.diffusion.truth import leave_one_out, referral_value, revenue, total_influence, traits
from ripple.simulation.tables.truth_files import write_truth
from ripple.simulation.world.calendar import END

START = END - timedelta(days=180)


def test_the_truth_is_a_row_per_customer_and_the_totals(history, tmp_path):
    write_truth(history, START, END, tmp_path / "truth")
    customers = pd.read_parquet(tmp_path / "truth" / "truth.parquet")
    influence = leave_one_out(history, START, END)
    pd.testing.assert_frame_equal(customers[influence.columns], influence)
    pd.testing.assert_frame_equal(customers[["referral_value"]], referral_value(history, START, END))
    known = traits(history)
    pd.testing.assert_frame_equal(customers[known.columns], known.loc[influence.index])
    assert len(customers.columns) == len(influence.columns) + 1 + len(known.columns)
    assert json.loads((tmp_path / "truth" / "truth.json").read_text()) == {
        "start": START.isoformat(),
        "end": END.isoformat(),
        "revenue": pytest.approx(revenue(history, START, END), abs=0.01),
        "total_influence": pytest.approx(total_influence(history, START, END), abs=0.01),
    }


def test_an_earlier_truth_is_replaced_and_anything_else_is_left_alone(history, tmp_path):
    folder = tmp_path / "truth"
    write_truth(history, START, END, folder)
    write_truth(history, START - timedelta(days=30), END, folder)
    assert json.loads((folder / "truth.json").read_text())["start"] != START.isoformat()
    (folder / "notes.txt").touch()
    with pytest.raises(FileExistsError, match=r"also holds notes\.txt.*a simulated truth"):
        write_truth(history, START, END, folder)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("inside", ["", "truth", "deep/er/truth"])
def test_no_truth_goes_into_a_dataset(history, tables, tmp_path, inside):
    data = tmp_path / "data"
    simulation.write(tables, data, "")
    before = sorted(path.name for path in data.rglob("*"))
    with pytest.raises(ValueError, match="what may be learnt from must not show it"):
        write_truth(history, START, END, data / inside)
    assert sorted(path.name for path in data.rglob("*")) == before


def test_the_tables_show_no_truth(history, tables):
    columns = {column for table in tables.values() for column in table.column_names}
    hidden = {
        *traits(history),
        *leave_one_out(history, START, END),
        "community",
        "cause",
        "active_until",
        "left",
    }
    assert not columns & hidden
