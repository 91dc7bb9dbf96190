import json

import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.training.experiments.design import ASSIGNMENTS, AUDIENCE, DESIGN, read_design, write_design


@pytest.fixture
def folder(tmp_path, design, laid):
    write_design(tmp_path / "july", design, laid, "# july\n")
    return tmp_path / "july"


def test_a_design_is_read_as_it_was_written(folder, design, laid):
    found, assignments, audience = read_design(folder)
    assert found.model_copy(update={"digests": {}}) == design
    pd.testing.assert_frame_equal(assignments, laid.assignments, check_dtype=False)
    pd.testing.assert_frame_equal(audience, laid.audience, check_dtype=False)


def test_arms_that_were_changed_are_refused_and_named(folder):
    path = folder / ASSIGNMENTS
    rows = path.read_text(encoding="utf-8").splitlines()
    rows[3] = (
        rows[3]
        .replace("holdout", "TREATMENT")
        .replace("treatment", "holdout")
        .replace("TREATMENT", "treatment")
    )
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"not in the arm that was drawn, such as .*{rows[3].split(',')[0]}"):
        read_design(folder)


def test_customers_that_were_removed_are_refused(folder):
    path = folder / ASSIGNMENTS
    path.write_text("\n".join(path.read_text(encoding="utf-8").splitlines()[:-2]), encoding="utf-8")
    with pytest.raises(InputError, match="58 customers, and 60 were designed"):
        read_design(folder)


def test_a_changed_plan_is_refused(folder):
    path = folder / DESIGN
    plan = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(plan | {"end": "2025-07-20T00:00:00"}), encoding="utf-8")
    with pytest.raises(InputError, match="was changed after the design"):
        read_design(folder)
    path.write_text(json.dumps(plan | {"units": "families"}), encoding="utf-8")
    with pytest.raises(InputError, match="units"):
        read_design(folder)


@pytest.mark.parametrize("name", [DESIGN, ASSIGNMENTS, AUDIENCE])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(InputError, match=name):
        read_design(folder)


def test_a_changed_audience_is_refused(folder):
    with (folder / AUDIENCE).open("a", encoding="utf-8") as file:
        file.write("new,c00,0.0\n")
    with pytest.raises(InputError, match=f"{AUDIENCE} was changed"):
        read_design(folder)
