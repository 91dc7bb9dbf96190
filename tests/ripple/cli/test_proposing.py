"""ripple init writes a proposal once, whole, and checks the data with it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.support.oracles import feature_frames
from tests.support.proposals import company
from tests.support.servers.processes import Ripple


def test_a_proposal_is_written_and_checked(ripple: Ripple, tmp_path: Path) -> None:
    data = feature_frames.write(company(), tmp_path / "data", "csv")
    done = ripple("init", data, home=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(tomllib.loads((data / "ripple.toml").read_text())["tables"]) >= {"customers", "orders"}
    assert "The dataset keeps the input contract." in done.stdout
    assert ripple("check", data, home=tmp_path).returncode == 0


def test_settings_that_are_there_are_kept(ripple: Ripple, tmp_path: Path) -> None:
    data = feature_frames.write(company(), tmp_path / "data")
    settings = data / "ripple.toml"
    settings.write_text("horizon_days = 60\n")
    refused = ripple("init", data, home=tmp_path)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    assert settings.read_text() == "horizon_days = 60\n"
    other = tmp_path / "other.toml"
    assert ripple("init", data, "--out", other, home=tmp_path).returncode == 0
    assert other.exists()
    assert ripple("init", data, "--force", home=tmp_path).returncode == 0
    assert settings.read_text() == other.read_text()


def test_the_contract_s_own_names_need_no_settings(ripple: Ripple, tmp_path: Path) -> None:
    data = feature_frames.write(feature_frames.random(), tmp_path / "data")
    done = ripple("init", data, home=tmp_path)
    assert not (data / "ripple.toml").exists()
    assert "no ripple.toml is needed" in done.stdout


def test_a_proposal_with_questions_is_written_though_the_check_fails(ripple: Ripple, tmp_path: Path) -> None:
    frames = company()
    data = feature_frames.write({"accounts": frames["accounts"]}, tmp_path / "data")
    done = ripple("init", data, home=tmp_path)
    assert done.returncode == 2
    assert "no orders.parquet" in done.stderr
    assert "# ? orders:" in (data / "ripple.toml").read_text()
