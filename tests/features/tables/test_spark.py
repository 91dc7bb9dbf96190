"""Spark as a person gets it: the session, its settings, and what is said where it cannot be had."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pytest

from ripple.errors import InputError
from ripple.features.dataset import open_dataset
from ripple.features.tables.spark import connect, session
from tests.support.checkout import ROOT
from tests.support.oracles import feature_frames
from tests.support.oracles.dataset_sources import rows
from tests.support.oracles.mapped_company import SETTINGS, contract, theirs


def test_the_session_that_runs_is_taken_and_set_up(spark: Any) -> None:
    spark.conf.set("spark.sql.session.timeZone", "America/New_York")
    assert session() is spark
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"


def test_ibis_runs_on_it(spark: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame({"at": [datetime(2025, 3, 30, 1, 59, 59), None], "revenue": [0.1, 1e300]})
    frame.to_parquet(tmp_path / "orders.parquet")
    orders = connect().read_parquet(tmp_path / "orders.parquet")
    rows = orders.order_by("revenue").to_pyarrow().to_pandas()
    pd.testing.assert_frame_equal(rows, frame, check_exact=True, check_dtype=False)
    assert orders["at"].max().to_pyarrow().as_py() == datetime(2025, 3, 30, 1, 59, 59)


def test_what_cannot_be_computed_is_an_error(spark: Any) -> None:
    connection = connect()
    with pytest.raises(Exception, match="OVERFLOW"):
        connection.execute(ibis.literal(2**62, "int64") + ibis.literal(2**62, "int64"))


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark.sql", None)
    with pytest.raises(InputError, match=r"pip install 'ripple-.*\.whl\[spark\]'.*--extra spark"):
        connect()


def test_without_java_it_says_which_to_install(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from ripple.features.tables.spark import connect; connect()"],
        cwd=ROOT,
        env=os.environ | {"JAVA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert f"InputError: Spark found no Java that it can run on (JAVA_HOME is {tmp_path})" in done.stderr


def test_a_company_s_own_tables_are_mapped_as_on_duckdb(spark: Any, tmp_path: Path) -> None:
    folder = feature_frames.write(theirs(contract()), tmp_path / "theirs")
    here, there = open_dataset(folder, SETTINGS), open_dataset(folder, SETTINGS, "spark")
    assert there.tables.tables.keys() == here.tables.tables.keys()
    for name in here.tables.tables:
        assert rows(there, name) == rows(here, name)
    assert [problem.rows.count().to_pyarrow().as_py() for problem in there.unreadable["orders"]] == [0] * len(
        there.unreadable["orders"]
    )
    assert there.unused == here.unused
