"""Scoring and serving from the command line: batch and service agree, files are whole."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ripple import Client
from ripple.models.bundle import RANGE_SCORES
from ripple.serving.options import Options
from ripple.serving.schemas import CustomerScore
from tests.support.servers.processes import Ripple, Served, TrainedWorld, assert_refused

SCORES = [
    "customer_id",
    "network_value",
    "network_value_low",
    "network_value_high",
    "top_probability",
    *RANGE_SCORES,
    "top_member",
    "rank",
]


@pytest.fixture(scope="module")
def scores(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path_factory: pytest.TempPathFactory
) -> pd.DataFrame:
    """What `ripple score` writes as of the end of the data."""
    return _scores(ripple, trained_world, tmp_path_factory.mktemp("scores") / "scores.parquet")


def test_scores_rank_everybody(scores: pd.DataFrame) -> None:
    assert list(scores.columns) == SCORES
    assert sorted(scores["rank"]) == list(range(1, len(scores) + 1))
    assert scores["top_member"].sum() == np.ceil(0.01 * len(scores))
    assert scores.sort_values("rank")["network_value"].is_monotonic_decreasing
    assert scores["top_probability"].between(0, 1).all()
    assert scores["any_value_probability"].between(0, 1).all()
    assert (scores["network_value_low"] <= scores["network_value_high"]).all()
    assert (scores["if_any_value_low"] < scores["if_any_value_high"]).all()
    ends = scores[["network_value_low", "network_value_high"]]
    assert not ends.eq(scores["network_value"], axis=0).any(axis=None)


def test_scores_come_with_reasons_if_asked_for(
    ripple: Ripple, trained_world: TrainedWorld, scores: pd.DataFrame, tmp_path: Path
) -> None:
    out = tmp_path / "reasons.csv"
    options = ("--as-of", "2026-01-01", "--out", out, "--reasons", "2")
    done = ripple("score", trained_world.data, *options, home=trained_world.home)
    assert done.returncode == 0, done.stderr
    written = pd.read_csv(out)
    assert list(written.columns) == [
        *scores.columns,
        *("value_reason_1", "value_reason_2", "top_reason_1", "top_reason_2"),
    ]
    assert written["value_reason_1"].str.contains("the expected network value ×").all()
    assert written["top_reason_2"].str.contains("the odds of being at the top ×").all()


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
    ripple: Ripple, trained_world: TrainedWorld, served: Served, scores: pd.DataFrame, tmp_path: Path
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
    with Client(served.url) as client:
        for waiting in (served.process, *served.process.children()):
            assert waiting.memory_info().rss < 150e6, waiting.cmdline()
        by_id = client.score([*ids, "nobody"])
        by_features = client.score(customers=[{"features": row} for row in rows], explain=3)
        assert by_id.as_of == "2026-01-01T00:00:00Z"
        assert by_id.not_found == ["nobody"]
        for answer in (by_id, by_features):
            _assert_same(answer.customers, scores.loc[ids])
        assert all(len(one.explanation.value.reasons) == 3 for one in by_features.customers)

        # and from the moment on that newer ones are published, those
        publish = ("publish", trained_world.data, "--as-of", "2025-11-01", "--to", served.store)
        published = ripple(*publish, home=trained_world.home)
        assert published.returncode == 0, published.stderr
        assert re.match(r"v1-[0-9a-f]{12}: \d+ customers as of 2025-11-01, published to ", published.stdout)
        deadline = time.monotonic() + 30
        while client.model().as_of != "2025-11-01T00:00:00Z":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        earlier = _scores(ripple, trained_world, tmp_path / "earlier.parquet", "2025-11-01")
        earlier = earlier.set_index("customer_id").sort_values("rank")
        top = client.top(limit=100)
        assert [one.customer_id for one in top.customers] == earlier.index[:100].tolist()
        _assert_same(top.customers, earlier[:100])
        # with whom they influenced in the window that closed then
        influence = client.influence(top.customers[0].customer_id)
        assert (influence.window_start, influence.window_end) == (
            "2025-05-05T00:00:00Z",
            "2025-11-01T00:00:00Z",
        )
        assert influence.influenced
        assert all(one.value > 0 and 0 < one.probability <= 1 for one in influence.influenced)
        # who was referred may have joined before the window in which they bought
        bought = [one.date for one in influence.influenced if one.contact != "referral"]
        assert all("2025-05-05" <= day <= "2025-11-01" for day in bought)
        # the plays are those that the run of the model lists, but of who had not joined then
        listed = pd.read_csv(_plays(ripple, trained_world, tmp_path), dtype={"customer_id": str})
        listed = listed[listed["customer_id"].isin(earlier.index)]
        plays = client.plays(limit=1000)
        assert plays.plays_as_of == "2026-01-01T00:00:00Z"
        assert [one.customer_id for one in plays.customers] == listed["customer_id"].tolist()
        assert [one.play for one in plays.customers] == listed["play"].tolist()
        # nothing was published before; the next one takes along what this one says
        first = client.history(top.customers[0].customer_id).history
        assert [(one.as_of, one.rank, one.top_member) for one in first] == [("2025-11-01T00:00:00Z", 1, True)]
        again = ripple(*publish, home=trained_world.home)
        assert again.stdout == published.stdout
        next_day = (*publish[:3], "2025-11-02", *publish[4:])
        assert ripple(*next_day, home=trained_world.home).returncode == 0
        while client.model().as_of != "2025-11-02T00:00:00Z":
            assert time.monotonic() < deadline + 30
            time.sleep(0.1)
        changes = client.changes(since=first[0].publication, min_change=0.0, limit=1000)
        assert changes.total == len(changes.customers) > 10
        before = earlier.loc[[one.customer_id for one in changes.customers if one.rank_before]]
        found = [one for one in changes.customers if one.rank_before]
        assert [one.network_value_before for one in found] == before["network_value"].tolist()
        assert [one.rank_before for one in found] == before["rank"].tolist()
        other = client.influence(influence.influenced[0].customer_id)
        assert influence.customer_id in {one.customer_id for one in other.influenced_by}


def _plays(ripple: Ripple, trained_world: TrainedWorld, folder: Path) -> Path:
    report = ("report", "1", "--plays", folder / "plays.csv")
    assert ripple(*report, home=trained_world.home).returncode == 0
    return folder / "plays.csv"


def test_a_key_is_made_with_the_hash_by_which_it_is_known(ripple: Ripple, tmp_path: Path) -> None:
    printed = dict(line.split() for line in ripple("key", home=tmp_path).stdout.splitlines())
    assert hashlib.sha256(printed["key:"].encode()).hexdigest() == printed["hash:"]
    assert len(printed["key:"]) >= 40


def test_packaging_prints_the_tag_of_the_bento(ripple: Ripple, trained_world: TrainedWorld) -> None:
    packed = ripple("package", home=trained_world.home)
    assert packed.returncode == 0, packed.stderr
    assert re.fullmatch(r"ripple-service:v1-[0-9a-f]{12}", packed.stdout.strip())


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("score", "{data}", "--as-of", "2026-01-01", "--out", "s.xlsx"), ".parquet or .csv"),
        (("score", "{data}", "--as-of", "soon", "--out", "s.parquet"), "soon"),
        (("serve", "--host", "0.0.0.0"), "0.0.0.0 is open to the network, and nobody would need a key"),
    ],
)
def test_bad_input_ends_with_2_a_message_and_no_file(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    assert_refused(ripple, trained_world, tmp_path, arguments, expected)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("score", "{data}", "--as-of", "2031-01-01", "--out", "s.parquet"), "after the data end"),
        (("score", "{data}", "--as-of", "2010-01-01", "--out", "s.parquet"), "Nobody had joined"),
        (
            ("score", "{data}", "--as-of", "2026-01-01", "--out", "s.parquet", "--model", "9"),
            "No version '9'",
        ),
        (("publish", "{data}", "--as-of", "2026-01-01", "--to", "s3://bucket"), "--to: 's3://bucket' is no"),
    ],
)
def test_what_is_refused_once_the_data_are_open_ends_likewise(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    assert_refused(ripple, trained_world, tmp_path, arguments, expected)


def _assert_same(served: Sequence[CustomerScore], scores: pd.DataFrame) -> None:
    served_table = pd.DataFrame([dict(one) for one in served])
    exact = ["network_value", "network_value_low", "network_value_high", "top_probability", *RANGE_SCORES]
    for column in [*exact, "top_member", "rank"]:
        assert served_table[column].tolist() == scores[column].tolist(), column


def _scores(ripple: Ripple, world: TrainedWorld, out: Path, as_of: str = "2026-01-01") -> pd.DataFrame:
    done = ripple("score", world.data, "--as-of", as_of, "--out", out, home=world.home)
    assert done.returncode == 0, done.stderr
    return pd.read_parquet(out)


def test_a_key_with_a_name_scopes_and_a_rate_is_what_the_service_takes(
    ripple: Ripple, tmp_path: Path
) -> None:
    done = ripple("key", "--name", "crm", "--scopes", "read+export", "--rate", "2.5", home=tmp_path)
    printed = dict(line.split() for line in done.stdout.splitlines())
    entry = hashlib.sha256(printed["key:"].encode()).hexdigest() + ":crm:read+export:2.5"
    assert printed["hash:"] == entry
    Options.validate_key(entry)
    for options in (("--scopes", "write"), ("--name", "a b"), ("--rate", "0")):
        refused = ripple("key", *options, home=tmp_path)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "make no key" in refused.stderr
        assert "Example: --name crm --scopes read+export --rate 50" in refused.stderr
