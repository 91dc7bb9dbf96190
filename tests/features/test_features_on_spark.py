"""One definition on two engines: what Spark computes is what DuckDB computes."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ripple import cli, settings, simulation
from ripple.errors import InputError
from ripple.features.tables.contract import CONTRACT
from ripple.features.validation import checks
from ripple.training.examples.examples import features_at, frame

MONTHS = 18
CUTOFF = datetime(2025, 10, 1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("world") / "default"
    tables = simulation.simulate("default", 500, MONTHS, 7)
    simulation.write(tables, out, simulation.settings_toml(MONTHS))
    customers = tables["customers"].to_pandas()
    roles = pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "valid_from": customers["joined_at"],
            "role": np.resize(["user", "partner", None], len(customers)),
            "staff": np.arange(len(customers)) / 8,
            "vip": np.resize([True, False], len(customers)),
        }
    )
    moved = roles.iloc[::5].assign(role="partner", valid_from=CUTOFF - timedelta(days=10), staff=0.5)
    pd.concat([roles, moved]).to_parquet(out / "attributes.parquet", index=False)
    return out


@pytest.fixture(scope="module")
def on_duckdb(world: Path) -> pd.DataFrame:
    return frame(features_at(checks.load(world, settings.load(world))[0], CUTOFF))


def test_checks_features_and_past_credit_are_those_of_duckdb(
    spark: Any, world: Path, on_duckdb: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RIPPLE_HOME", str(tmp_path / "home"))
    out = tmp_path / "features.parquet"
    arguments = [
        "features",
        str(world),
        "--as-of",
        f"{CUTOFF:%Y-%m-%d}",
        "--out",
        str(out),
        "--engine",
        "spark",
    ]
    done = CliRunner().invoke(cli.app, arguments)
    assert done.exit_code == 0, done.output
    assert out.is_dir()
    spark_features = pd.read_parquet(out).set_index("customer_id").sort_index()
    assert on_duckdb["past_influence_value"].sum() > 0
    assert on_duckdb["attribute_role"].isna().any()
    assert on_duckdb[["attribute_staff", "attribute_vip"]].nunique().tolist() > [2, 1]
    pd.testing.assert_frame_equal(spark_features, on_duckdb, rtol=1e-9, atol=0)


def test_spark_reads_parquet_only(spark: Any, world: Path, tmp_path: Path) -> None:
    for name in CONTRACT:
        pd.read_parquet(world / f"{name}.parquet").to_csv(tmp_path / f"{name}.csv", index=False)
    with pytest.raises(
        InputError, match=f"Spark reads a folder of Parquet files, which customers in {tmp_path} is not"
    ):
        checks.load(tmp_path, settings.load(tmp_path), "spark")
