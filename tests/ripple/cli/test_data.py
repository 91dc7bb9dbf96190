"""Commands on tables, as scripts depend on them: columns, exit codes, whole files."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.support.oracles import feature_frames
from tests.support.servers.processes import (
    Ripple,
    TrainedWorld,
    assert_refused,
)

LABELS = [
    "customer_id",
    "network_value",
    "referral_value",
    "influence_value",
    "one_step_value",
    "direct_value",
    "influenced_purchases",
    "influenced_customers",
]


def test_check_accepts_a_simulated_world(ripple: Ripple, trained_world: TrainedWorld) -> None:
    checked = ripple("check", trained_world.data, home=trained_world.home)
    assert checked.returncode == 0
    assert re.search(r"^customers +900 rows$", checked.stdout, re.MULTILINE)
    assert re.search(r"^training: \d+ closed cutoffs .* candidates for credit$", checked.stdout, re.MULTILINE)
    assert "warning" not in checked.stdout


def test_check_prints_warnings_and_why_nothing_can_be_trained_a_line_each(
    ripple: Ripple, tmp_path: Path
) -> None:
    frames = feature_frames.small()
    frames["orders"]["Known_At"] = "2024-06-01"
    frames["usage"] = pd.concat([frames["usage"], frames["usage"].head(3)])
    checked = ripple("check", feature_frames.write(frames, tmp_path / "data"), home=tmp_path)
    assert checked.returncode == 0, checked.stderr
    warnings = [line for line in checked.stdout.splitlines() if line.startswith("warning: ")]
    assert [line.split(": ")[1] for line in warnings] == ["usage.occurred_at", "orders"]
    assert "3 rows (1.2 %)" in warnings[0]
    assert "known_at" in warnings[1]
    assert "\ntraining: not possible. Too little history" in checked.stdout
    assert "warnings about the data" not in checked.stderr


def test_features_are_written_for_everybody_alive(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path
) -> None:
    out = tmp_path / "features.parquet"
    done = ripple("features", trained_world.data, "--as-of", "2025-07-01", "--out", out, home=tmp_path)
    assert done.returncode == 0, done.stderr
    features = pd.read_parquet(out)
    customers = pd.read_parquet(trained_world.data / "customers.parquet")
    alive = customers[customers["joined_at"] < "2025-07-01"]
    assert sorted(features["customer_id"]) == sorted(alive["customer_id"])
    assert len(features.columns) > 25


def test_label_is_written_zeros_included(ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path) -> None:
    out = tmp_path / "label.parquet"
    arguments = ("--from", "2025-01-01", "--to", "2025-06-30", "--out", out)
    assert ripple("label", trained_world.data, *arguments, home=tmp_path).returncode == 0
    labels = pd.read_parquet(out)
    assert list(labels.columns) == LABELS
    customers = pd.read_parquet(trained_world.data / "customers.parquet")
    assert len(labels) == (customers["joined_at"] < "2025-01-01").sum()
    assert (labels["network_value"] == 0).any()
    assert np.allclose(labels["network_value"], labels["referral_value"] + labels["influence_value"])


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("check", "nowhere"), "No dataset at nowhere"),
        (("simulate", "x", "--world", "atlantis"), "atlantis"),
        (("simulate", "x", "--customers", "3"), "3"),
        (("simulate", "x", "--factor", "spend=1.5"), "belong together"),
        (("simulate", "x", "--design", "."), "belong together"),
        (("simulate", "x", "--design", ".", "--factor", "luck=2"), "write voice, use or spend"),
        (("simulate", "x", "--design", "july", "--factor", "spend=2"), "--design july has no design.json"),
        (("simulate", "x", "--design", ".", "--factor", "spend=much"), "write voice, use or spend"),
        (("features", "{data}", "--as-of", "2025-01-01"), "--out"),
        (
            ("label", "{data}", "--from", "2025-06-01", "--to", "2025-01-01", "--out", "l.parquet"),
            "not after",
        ),
        (("check", "{data}", "--settings", "nowhere.toml"), "The settings nowhere.toml cannot be read"),
        (("check", "{data}", "--settings", "{data}"), "is a directory"),
    ],
)
def test_bad_input_ends_with_2_a_message_and_no_file(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    assert_refused(ripple, trained_world, tmp_path, arguments, expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("label", "{data}", "--from", "2025-12-01", "--to", "2026-06-01", "--out", "l.parquet"), "data end"),
    ],
)
def test_what_is_refused_once_the_data_are_open_ends_likewise(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    assert_refused(ripple, trained_world, tmp_path, arguments, expected)
