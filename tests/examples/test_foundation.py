"""Real data, where they are at hand: the invite tree of an auction platform, from conversion to scores."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from examples.foundation.convert import convert
from tests.support.checkout import ROOT
from tests.support.servers.processes import Ripple

SOURCE = Path(os.environ.get("FOUNDATION_DATA", ROOT.parent / "shared" / "data" / "foundation"))

pytestmark = pytest.mark.skipif(
    not (SOURCE / "sales.csv").is_file(),
    reason=f"no Foundation extract at {SOURCE}: set FOUNDATION_DATA to the folder that holds sales.csv",
)


@pytest.fixture(scope="module")
def foundation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("foundation") / "data"
    convert(SOURCE, out)
    return out


@pytest.fixture(scope="module")
def trained(ripple: Ripple, foundation: Path) -> Path:
    """Trained on every second of the example's cutoffs, which captures as much in half of the time."""
    home, settings = foundation.with_name("home"), foundation.with_name("fewer_cutoffs.toml")
    every, second = "step_days = 3", "step_days = 6"
    text = (foundation / "ripple.toml").read_text(encoding="utf-8")
    assert every in text
    settings.write_text(text.replace(every, second), encoding="utf-8")
    done = ripple("train", foundation, "--settings", settings, "--until", "2021-05-01", home=home)
    assert done.returncode == 0, done.stderr
    return home


def test_every_sale_and_every_known_invitation_survives_the_conversion(foundation: Path) -> None:
    users = pd.read_csv(SOURCE / "users.csv", dtype=str, keep_default_na=False)
    sales = pd.read_csv(SOURCE / "sales.csv", dtype=str, keep_default_na=False)
    orders = pd.read_parquet(foundation / "orders.parquet")
    interactions = pd.read_parquet(foundation / "interactions.parquet")
    invited = users[(users["inviter_id"] != "") & (users["first_listing_ts"] != "")]
    referrals = interactions[interactions["kind"] == "referral"]
    assert len(orders) == len(sales)
    assert orders["revenue"].sum() == pytest.approx(sales["price_usd"].astype(float).sum())
    assert set(zip(referrals["source_id"], referrals["target_id"], strict=True)) == set(
        zip(invited["inviter_id"], invited["user_id"], strict=True)
    )


def test_the_dataset_keeps_the_contract(ripple: Ripple, foundation: Path, tmp_path: Path) -> None:
    checked = ripple("check", foundation, home=tmp_path)
    assert checked.returncode == 0, checked.stderr


def test_referrals_are_the_whole_label(ripple: Ripple, foundation: Path, tmp_path: Path) -> None:
    out = tmp_path / "label.parquet"
    window = ("--from", "2021-04-01", "--to", "2021-04-16")
    assert ripple("label", foundation, *window, "--out", out, home=tmp_path).returncode == 0
    labels = pd.read_parquet(out).set_index("customer_id")
    sales = pd.read_csv(SOURCE / "sales.csv", dtype={"ts": int, "price_usd": float})
    users = pd.read_csv(SOURCE / "users.csv", dtype=str, keep_default_na=False)
    known = users[users["first_listing_ts"] != ""].set_index("user_id")["inviter_id"]
    inside = sales[(sales["ts"] > 1617235200) & (sales["ts"] <= 1618531200)]
    expected = inside.assign(inviter=inside["seller_id"].map(known)).groupby("inviter")["price_usd"].sum()
    expected = expected[expected.index.isin(labels.index)]
    assert labels["influence_value"].sum() == 0
    assert labels["network_value"].sum() == pytest.approx(expected.sum())
    assert labels.loc[expected.index, "network_value"].tolist() == pytest.approx(expected.tolist())


def test_the_model_captures_more_than_the_simple_rules(trained: Path) -> None:
    """At the first cutoff, with three weeks of history, the last label and revenue of invitees do better."""
    (file,) = trained.glob("artifacts/*/artifacts/evidence.json")
    result = json.loads(file.read_text(encoding="utf-8"))
    cutoffs = [cutoff[:10] for cutoff in result["evaluation_cutoffs"]]
    assert cutoffs == ["2021-03-15", "2021-04-01", "2021-04-15"]
    captured = {(row["ranking"], row["cutoff"]): row["capture"] for row in result["rankings"]}
    rules = {ranking for ranking, _ in captured} - {"Ripple"}
    assert {"revenue of own referrals", "number of referrals", "own revenue", "last label"} <= rules
    for cutoff in cutoffs[1:]:
        assert captured["Ripple", cutoff] > max(captured[rule, cutoff] for rule in rules)


def test_scores_as_of_the_last_day(ripple: Ripple, foundation: Path, trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.parquet"
    scored = ripple("score", foundation, "--as-of", "2021-05-01", "--out", out, home=trained)
    assert scored.returncode == 0, scored.stderr
    assert len(pd.read_parquet(out)) == len(pd.read_parquet(foundation / "customers.parquet"))
