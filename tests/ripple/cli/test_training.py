"""Training from the command line: what it prints, keeps, uses and refuses."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from subprocess import CompletedProcess

import pandas as pd
import pytest

from ripple import simulation
from ripple.models.bundle import HEADS, RANGE_HEADS
from tests.support.servers.postgres_server import password_leaks
from tests.support.servers.processes import Ripple, TrainedWorld, assert_refused
from tests.support.small_settings import LENIENT


def test_train_prints_results_and_logs_progress_apart(trained_world: TrainedWorld) -> None:
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
    assert password_leaks(trained_world.printed + trained_world.progress) == []
    left = [file for file in trained_world.home.rglob("*") if file.is_file()]
    (result,) = (file for file in left if file.name == "evidence.json")
    assert '"dataset": "shop"' in result.read_text(encoding="utf-8")
    assert {file.name for file in left} >= {"mlflow.db", "ripple-v1.html"}
    for file in left:
        assert password_leaks(str(file) + file.read_bytes().decode("latin-1")) == []


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
    for name, arguments in (("until", until_then), ("same", (cut,)), ("whole", (cut, "--again"))):
        trained = ripple("train", *arguments, "--name", name, home=home)
        assert trained.returncode == 0, trained.stderr
        printed.append(trained.stdout)
        if name == "same":
            assert_nothing_was_trained(trained, home)
    first, second = (
        {file.name: file.read_bytes() for file in report.parent.glob("bundle/*")}
        for report in home.glob("artifacts/*/artifacts/report.html")
    )
    boosters = {f"{name}.txt" for name in (*HEADS, *RANGE_HEADS)}
    assert set(first) == {"bundle.json", "measures.json", "model_card.md", *boosters}
    assert first == second
    # so short a history leaves nothing to calibrate on, so the gate lets neither pass
    assert "ripple 2 (challenger)" in printed[2]
    assert "Calibration is unknown" in printed[2]
    _promoted_and_compared(partial(ripple, home=home))


def assert_nothing_was_trained(command: CompletedProcess[str], home: Path) -> None:
    """The command named the version that `until` had registered, and its report, and did nothing else."""
    assert "features and labels" not in command.stderr
    assert re.search(r"^version: +ripple 1 \(challenger\)$", command.stdout, re.MULTILINE)
    assert "The run 'until' had the same data, settings, code and libraries" in command.stdout
    report = re.search(r"^report: +(.+)$", command.stdout, re.MULTILINE)
    assert report
    assert "Version 1 is challenger." in Path(report[1]).read_text(encoding="utf-8")
    assert len(list(home.glob("artifacts/*/artifacts/report.html"))) == 1


def _promoted_and_compared(ripple: Ripple) -> None:
    """Two versions with the same predictions, of which the gate let none pass."""
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
    assert both.name == "ripple-v2-v1.html"
    assert "0 parameters of the runs differ" in both.read_text(encoding="utf-8")
    reported = ripple("report")
    page = Path(reported.stdout.strip()).read_text(encoding="utf-8")
    assert "It was promoted against the gate on " in page
    assert ", because: a trial." in page


def test_evidence_is_plain_json_without_nan(trained_world: TrainedWorld) -> None:
    (file,) = trained_world.home.glob("artifacts/*/artifacts/evidence.json")

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} in evidence.json")

    result = json.loads(file.read_text(encoding="utf-8"), parse_constant=refuse)
    assert result["rows"]["customers"] == 900
    assert result["label"].endswith("incremental credit")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("train", "{data}", "--until", "2024-06-01"), "Too little history"),
    ],
)
def test_what_is_refused_once_the_data_are_open_ends_likewise(
    ripple: Ripple, trained_world: TrainedWorld, tmp_path: Path, arguments: tuple[str, ...], expected: str
) -> None:
    assert_refused(ripple, trained_world, tmp_path, arguments, expected)


@pytest.fixture(scope="module")
def orders_alone(trained_world: TrainedWorld, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The customers and orders of the world, and settings for few cutoffs."""
    out = tmp_path_factory.mktemp("orders_alone") / "shop"
    out.mkdir()
    for name in ("customers", "orders"):
        (out / f"{name}.parquet").write_bytes((trained_world.data / f"{name}.parquet").read_bytes())
    (out / "ripple.toml").write_text(
        "horizon_days = 60\n[cutoffs]\nstep_days = 240\nevaluate = 1\n[model]\ntrees = 30\n",
        encoding="utf-8",
    )
    return out


def test_orders_alone_give_lifetime_value_and_say_first_what_network_value_needs(
    ripple: Ripple, orders_alone: Path, tmp_path: Path
) -> None:
    trained = ripple("train", orders_alone, home=tmp_path)
    assert trained.returncode == 0, trained.stderr
    first, *_ = trained.stdout.splitlines()
    assert first.startswith("network:  not predicted. Network value needs contacts or referrals: a table")
    printed = dict(line.split(":", 1) for line in trained.stdout.splitlines())
    assert "none was registered" in printed["version"]
    table = pd.read_csv(printed["table"].strip())
    assert len(table) == len(pd.read_parquet(orders_alone / "customers.parquet"))
    assert Path(printed["report"].strip()).is_file()
    assert "No version" in ripple("versions", home=tmp_path).stderr


def test_nothing_is_published_of_orders_alone(
    ripple: Ripple, trained_world: TrainedWorld, orders_alone: Path, tmp_path: Path
) -> None:
    publish = ("publish", str(orders_alone), "--as-of", "2025-12-01", "--to", str(tmp_path / "store"))
    expected = "has no table interactions. Network value needs contacts or referrals"
    assert_refused(ripple, trained_world, tmp_path, publish, expected)


def test_one_product_and_many_features_show_who_moves_others_to_use_them(
    ripple: Ripple, tmp_path: Path
) -> None:
    """Everybody subscribes on joining, before any contact: no purchase can have been caused by another."""
    tables = simulation.simulate("strong", 150, 12, 3, features_spread=True)
    tables.pop("feedback")
    joined = tables["customers"].to_pandas()[["customer_id", "joined_at"]]
    months = pd.DataFrame({"month": range(24)})
    orders = joined.merge(months, how="cross")
    orders["ordered_at"] = orders["joined_at"] + pd.to_timedelta(30 * orders["month"], unit="D")
    orders = orders[orders["ordered_at"] < simulation.END].assign(product="subscription", revenue=20.0)
    contacts = tables["interactions"].to_pandas()
    data = tmp_path / "service"
    data.mkdir()
    for name, table in tables.items():
        table.to_pandas().to_parquet(data / f"{name}.parquet", index=False)
    orders.drop(columns=["joined_at", "month"]).to_parquet(data / "orders.parquet", index=False)
    contacts[contacts["kind"] != "referral"].to_parquet(data / "interactions.parquet", index=False)
    few = "horizon_days = 60\n[cutoffs]\nstep_days = 120\nhistory_days = 60\nevaluate = 1\n"
    (data / "ripple.toml").write_text(few + "[model]\ntrees = 20\n", encoding="utf-8")
    trained = ripple("train", data, home=tmp_path / "home")
    assert trained.returncode == 0, trained.stderr
    first, *_ = trained.stdout.splitlines()
    assert first.startswith("network:  not predicted. No purchase is credited to another customer")
    printed = dict(line.split(":", 1) for line in trained.stdout.splitlines())
    assert "first uses would not have come without another customer" in printed["features"]
    assert "none was registered" in printed["version"]
    table = pd.read_csv(printed["table"].strip())
    assert table["influenced_feature_adoptions"].max() > 1
    assert (table["influenced_adopters"] <= table["influenced_feature_adoptions"] + 1e-5).all()
    page = Path(printed["report"].strip()).read_text(encoding="utf-8")
    assert "Who moves others to use a feature?" in page
    most = table.nlargest(1, "influenced_feature_adoptions")["customer_id"].item()
    assert most in page
