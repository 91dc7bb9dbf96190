"""The command line as scripts depend on it: commands, columns, exit codes, streams, whole files."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ripple import Client
from ripple.serving.schemas import CustomerScore
from tests.support.postgres_server import told_of_password
from tests.support.processes import LENIENT, Ripple, TrainedWorld, becomes_ready, forking_ripple, free_port

COMMANDS = (
    "simulate",
    "check",
    "features",
    "label",
    "train",
    "score",
    "publish",
    "report",
    "promote",
    "compare",
    "monitor",
    "package",
    "serve",
    "key",
)
SCORES = [
    "customer_id",
    "network_value",
    "network_value_low",
    "network_value_high",
    "top_probability",
    "top_member",
    "rank",
]
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


@pytest.fixture(scope="module")
def forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ripple]:
    """Runs `ripple` without starting Python anew."""
    with forking_ripple(tmp_path_factory.mktemp("forking")) as ripple:
        yield ripple


@pytest.fixture(scope="module")
def scores(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path_factory: pytest.TempPathFactory
) -> pd.DataFrame:
    """What `ripple score` writes as of the end of the data."""
    return _scores(ripple, trained_world, tmp_path_factory.mktemp("scores") / "scores.parquet")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_one_example(ripple: Ripple, command: str, tmp_path: Path) -> None:
    shown = ripple(command, "--help", home=tmp_path)
    assert shown.returncode == 0
    assert shown.stdout.count(f"Example: ripple {command}") == 1


def test_train_prints_results_and_tells_progress_apart(trained_world: TrainedWorld) -> None:
    assert re.search(r"^version: +ripple 1 \(champion\)$", trained_world.printed, re.MULTILINE)
    assert re.search(r"^gate: +It passed all \d checks\.$", trained_world.printed, re.MULTILINE)
    assert "capture:" in trained_world.printed
    report = re.search(r"^report: +(.+)$", trained_world.printed, re.MULTILINE)
    assert report
    assert Path(report[1]).is_file()
    assert trained_world.printed.rstrip().endswith("make serve")
    assert "features and labels" in trained_world.progress
    assert "features and labels" not in trained_world.printed


def test_training_leaves_the_password_nowhere(trained_world: TrainedWorld) -> None:
    """The world was read from the server; the run is in MLflow, its model and report are written."""
    assert told_of_password(trained_world.printed + trained_world.progress) == []
    left = [file for file in trained_world.home.rglob("*") if file.is_file()]
    (result,) = (file for file in left if file.name == "evidence.json")
    assert '"dataset": "shop"' in result.read_text(encoding="utf-8")
    assert {file.name for file in left} >= {"mlflow.db", "ripple-v1.html"}
    for file in left:
        assert told_of_password(str(file) + file.read_bytes().decode("latin-1")) == []


def test_check_accepts_a_simulated_world(ripple: Ripple, trained_world: TrainedWorld) -> None:
    checked = ripple("check", trained_world.data, home=trained_world.home)
    assert checked.returncode == 0
    assert re.search(r"^customers +900 rows$", checked.stdout, re.MULTILINE)


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


def test_scores_rank_everybody(scores: pd.DataFrame) -> None:
    assert list(scores.columns) == SCORES
    assert sorted(scores["rank"]) == list(range(1, len(scores) + 1))
    assert scores["top_member"].sum() == np.ceil(0.01 * len(scores))
    assert scores.sort_values("rank")["network_value"].is_monotonic_decreasing
    assert scores["top_probability"].between(0, 1).all()
    assert (scores["network_value_low"] <= scores["network_value"]).all()
    assert (scores["network_value"] <= scores["network_value_high"]).all()


def test_until_uses_nothing_that_came_later(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path
) -> None:
    """Training until a date gives the same model as training on tables that end there."""
    cut = tmp_path / "cut"
    cut.mkdir()
    until = pd.Timestamp("2025-10-01")
    for file in trained_world.data.glob("*.parquet"):
        table = pd.read_parquet(file)
        for column in ("joined_at", "ordered_at", "occurred_at", "known_at", "released_at"):
            if column in table.columns:
                table = table[table[column] <= until]
        table.to_parquet(cut / file.name, index=False)
    few = "[cutoffs]\nstep_days = 90\n" + LENIENT
    (cut / "ripple.toml").write_text("until = 2025-10-01\n" + few, encoding="utf-8")
    (tmp_path / "few.toml").write_text(few, encoding="utf-8")
    home, printed = tmp_path / "home", []
    until_then = (trained_world.data, "--until", "2025-10-01", "--settings", tmp_path / "few.toml")
    for name, arguments in (("until", until_then), ("whole", (cut,))):
        trained = ripple("train", *arguments, "--name", name, home=home)
        assert trained.returncode == 0, trained.stderr
        printed.append(trained.stdout)
    first, second = (
        {file.name: file.read_bytes() for file in report.parent.glob("bundle/*")}
        for report in home.glob("artifacts/*/artifacts/report.html")
    )
    assert set(first) == {"bundle.json", "measures.json", "model_card.md", "top.txt", "value.txt"}
    assert first == second
    # so short a history leaves nothing to calibrate on, so the gate lets neither pass
    assert "ripple 2 (challenger)" in printed[1]
    assert "Calibration is unknown" in printed[1]
    _promoted_and_compared(partial(ripple, home=home))


def _promoted_and_compared(ripple: Ripple) -> None:
    """Two versions that foresee the same, of which the gate let none pass."""
    refused = ripple("promote")
    assert refused.returncode == 2
    assert 'ripple promote 2 --because "…"' in refused.stderr
    promoted = ripple("promote", "2", "--because", "a trial")
    assert promoted.returncode == 0, promoted.stderr
    assert "Version 2 is champion." in promoted.stdout
    compared = ripple("compare", "1", "champion")
    assert compared.returncode == 0, compared.stderr
    assert compared.stdout.startswith("capture ")
    assert "ripple 2 and ripple 1 put the same customers first: neither is better." in compared.stdout
    together = ripple("report", "1", "newest")
    assert together.returncode == 0, together.stderr
    both = Path(together.stdout.strip())
    assert both.name == "versions-2-1.html"
    assert "0 parameters differ" in both.read_text(encoding="utf-8")
    reported = ripple("report")
    page = Path(reported.stdout.strip()).read_text(encoding="utf-8")
    assert "It was promoted against the gate on " in page
    assert ", because: a trial." in page


def test_report_is_fetched_by_version_and_says_where_it_stands(
    ripple: Ripple, trained_world: TrainedWorld
) -> None:
    shown = ripple("report", "1", home=trained_world.home)
    assert shown.returncode == 0, shown.stderr
    page = Path(shown.stdout.strip()).read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<h2>Version 1 is champion.</h2><p>It was promoted by the gate on " in page
    assert "Version 1 is champion." in shown.stderr


def test_plays_are_exported_without_the_data(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path
) -> None:
    out = tmp_path / "crm" / "plays.csv"
    done = ripple("report", "--plays", out, home=trained_world.home, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(out)
    listed = pd.read_csv(out)
    assert {"customer_id", "play", "reasons", "value", "value_low", "value_high", "max_cost"} <= set(listed)
    assert len(listed) > 100
    assert listed.drop(columns=["reasons"]).notna().all(axis=None)
    assert [path.name for path in out.parent.iterdir()] == ["plays.csv"]


def _refused(
    ripple: Ripple, world: TrainedWorld, folder: Path, arguments: tuple[str, ...], expected: str
) -> None:
    done = ripple(*(argument.format(data=world.data) for argument in arguments), home=world.home, cwd=folder)
    assert done.returncode == 2
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("check", "nowhere"), "No dataset at nowhere"),
        (("report", "--plays", "plays.xlsx"), "must end in .csv"),
        (("simulate", "x", "--world", "atlantis"), "atlantis"),
        (("simulate", "x", "--customers", "3"), "3"),
        (("promote", "99"), "No version '99'"),
        (("report", "99"), "No version '99'"),
        (("promote", "1"), "champion already"),
        (("compare", "1", "99"), "No version '99'"),
        (("compare", "1", "champion"), "Both are version 1"),
        (("report", "1", "newest"), "Both are version 1"),
        (("score", "{data}", "--as-of", "2026-01-01", "--out", "s.xlsx"), ".parquet or .csv"),
        (("score", "{data}", "--as-of", "soon", "--out", "s.parquet"), "soon"),
        (("features", "{data}", "--as-of", "2025-01-01"), "--out"),
        (
            ("label", "{data}", "--from", "2025-06-01", "--to", "2025-01-01", "--out", "l.parquet"),
            "not after",
        ),
        (("check", "{data}", "--settings", "nowhere.toml"), "The settings nowhere.toml cannot be read"),
        (("check", "{data}", "--settings", "{data}"), "is a directory"),
        (("serve", "--host", "0.0.0.0"), "0.0.0.0 is open to the network, and nobody would need a key"),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_bad_input_ends_with_2_a_message_and_no_file(
    forked: Ripple, trained_world: TrainedWorld, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    _refused(forked, trained_world, tmp_path, arguments, expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("score", "{data}", "--as-of", "2031-01-01", "--out", "s.parquet"), "after the data end"),
        (("score", "{data}", "--as-of", "2010-01-01", "--out", "s.parquet"), "Nobody had joined"),
        (
            ("score", "{data}", "--as-of", "2026-01-01", "--out", "s.parquet", "--model", "9"),
            "No version '9'",
        ),
        (("label", "{data}", "--from", "2025-12-01", "--to", "2026-06-01", "--out", "l.parquet"), "data end"),
        (("train", "{data}", "--until", "2024-06-01"), "Too little history"),
        (("publish", "{data}", "--as-of", "2026-01-01", "--to", "s3://bucket"), "--to: 's3://bucket' is no"),
    ],
)
def test_what_is_refused_once_the_data_are_open_ends_likewise(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    _refused(ripple, trained_world, tmp_path, arguments, expected)


def test_a_killed_score_leaves_the_earlier_file(
    executable: Path, trained_world: TrainedWorld, tmp_path: Path
) -> None:
    out = tmp_path / "scores.parquet"
    out.write_bytes(b"earlier")
    started = subprocess.Popen(
        [executable, "score", trained_world.data, "--as-of", "2026-01-01", "--out", out],
        env=os.environ | {"RIPPLE_HOME": str(trained_world.home)},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stderr is not None
    for line in started.stderr:
        if "scoring" in line:
            started.send_signal(signal.SIGKILL)
            break
    started.stderr.close()
    assert started.wait() == -signal.SIGKILL
    assert out.read_bytes() == b"earlier"


def test_service_and_batch_agree_to_the_last_bit(
    ripple: Ripple, executable: Path, trained_world: TrainedWorld, scores: pd.DataFrame, tmp_path: Path
) -> None:
    """What the real server answers, by id and by features, is what `ripple score` wrote."""
    scores = scores.set_index("customer_id")
    out = tmp_path / "features.parquet"
    ripple("features", trained_world.data, "--as-of", "2026-01-01", "--out", out, home=trained_world.home)
    features = pd.read_parquet(out).set_index("customer_id")
    ids = [*scores.index[:40], *scores.sort_values("rank").index[:10]]
    rows = [
        {name: None if np.isnan(value) else value for name, value in features.loc[one].items()} for one in ids
    ]
    with _served(executable, trained_world.home, "--store", tmp_path / "store") as url, Client(url) as client:
        by_id = client.score([*ids, "nobody"])
        by_features = client.score(customers=[{"features": row} for row in rows], explain=3)
        assert by_id.as_of == "2026-01-01T00:00:00"
        assert by_id.not_found == ["nobody"]
        for answer in (by_id, by_features):
            _assert_same(answer.customers, scores.loc[ids])
        assert all(len(one.explanation.value.reasons) == 3 for one in by_features.customers)

        # and from the moment on that newer ones are published, those
        publish = ("publish", trained_world.data, "--as-of", "2025-11-01", "--to", tmp_path / "store")
        published = ripple(*publish, home=trained_world.home)
        assert published.returncode == 0, published.stderr
        assert re.match(r"v1-[0-9a-f]{12}: \d+ customers as of 2025-11-01, published to ", published.stdout)
        deadline = time.monotonic() + 30
        while client.model().as_of != "2025-11-01T00:00:00":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        earlier = _scores(ripple, trained_world, tmp_path / "earlier.parquet", "2025-11-01")
        earlier = earlier.set_index("customer_id").sort_values("rank")
        top = client.top(limit=100)
        assert [one.customer_id for one in top.customers] == earlier.index[:100].tolist()
        _assert_same(top.customers, earlier[:100])


def _assert_same(served: Sequence[CustomerScore], scores: pd.DataFrame) -> None:
    found = pd.DataFrame([dict(one) for one in served])
    exact = ["network_value", "network_value_low", "network_value_high", "top_probability"]
    for column in [*exact, "top_member", "rank"]:
        assert found[column].tolist() == scores[column].tolist(), column


@contextmanager
def _served(executable: Path, home: Path, *options: object) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [executable, "serve", "--port", str(port), *map(str, options)],
        env=os.environ | {"RIPPLE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert becomes_ready(server, url)
        yield url
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)


def test_scores_come_with_reasons_if_asked_for(
    ripple: Ripple, trained_world: TrainedWorld, scores: pd.DataFrame, tmp_path: Path
) -> None:
    out = tmp_path / "reasons.csv"
    options = ("--as-of", "2026-01-01", "--out", out, "--reasons", "2")
    done = ripple("score", trained_world.data, *options, home=trained_world.home)
    assert done.returncode == 0, done.stderr
    told = pd.read_csv(out)
    assert list(told.columns) == [
        *scores.columns,
        *("value_reason_1", "value_reason_2", "top_reason_1", "top_reason_2"),
    ]
    assert told["value_reason_1"].str.contains("the expected network value ×").all()
    assert told["top_reason_2"].str.contains("the odds of being at the top ×").all()


def test_a_key_is_made_with_the_hash_by_which_it_is_known(ripple: Ripple, tmp_path: Path) -> None:
    printed = dict(line.split() for line in ripple("key", home=tmp_path).stdout.splitlines())
    assert hashlib.sha256(printed["key:"].encode()).hexdigest() == printed["hash:"]
    assert len(printed["key:"]) >= 40


def test_packaging_prints_the_tag_of_the_bento(ripple: Ripple, trained_world: TrainedWorld) -> None:
    packed = ripple("package", home=trained_world.home)
    assert packed.returncode == 0, packed.stderr
    assert re.fullmatch(r"ripple-service:v1-[0-9a-f]{12}", packed.stdout.strip())


def test_evidence_is_plain_json_without_nan(trained_world: TrainedWorld) -> None:
    (file,) = trained_world.home.glob("artifacts/*/artifacts/evidence.json")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in evidence.json")

    result = json.loads(file.read_text(encoding="utf-8"), parse_constant=refuse)
    assert result["rows"]["customers"] == 900
    assert result["label"].endswith("incremental credit")


def _scores(ripple: Ripple, world: TrainedWorld, out: Path, as_of: str = "2026-01-01") -> pd.DataFrame:
    done = ripple("score", world.data, "--as-of", as_of, "--out", out, home=world.home)
    assert done.returncode == 0, done.stderr
    return pd.read_parquet(out)
