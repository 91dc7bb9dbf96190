"""docs/serving.md is true to the code."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from ripple import Client
from ripple.models.what_if import CONTROLLABLE_FAMILIES, FIXED
from ripple.serving.publications.stores import FolderStore
from tests.support.checkout import ROOT
from tests.support.metric_families import metric_families
from tests.support.servers.scoring_server import ScoringServer

PAGE = (ROOT / "docs/serving.md").read_text(encoding="utf-8")
ADDRESS, CUSTOMER = "http://127.0.0.1:3000", "c004663"
"""The address and the customer in examples."""


def _raised_errors() -> set[tuple[int, str]]:
    """Status and code of every error that the service makes itself."""
    raised = set()
    for file in (ROOT / "serving").rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                arguments = [
                    argument.value if isinstance(argument, ast.Constant) else None for argument in call.args
                ]
                if call.func.id == "unavailable":
                    raised.add((503, str(arguments[0])))
                elif call.func.id == "RequestError" and arguments[1] is not None:
                    raised.add((int(arguments[0] or 0), str(arguments[1])))
    return raised


def test_it_lists_every_error_and_none_that_there_is_not() -> None:
    listed = {
        (int(status), code) for status, code in re.findall(r"^\| (\d{3}) \| `(\w+)` \|", PAGE, re.MULTILINE)
    }
    assert len(_raised_errors()) > 10
    assert listed == _raised_errors() | {(400, "json_invalid")}


def test_it_lists_every_measure_and_none_that_there_is_not() -> None:
    names = {family.name + "_total" * (family.type == "counter") for family in metric_families()}
    assert set(re.findall(r"`(ripple_\w+)`", PAGE)) == names


def _examples(heading: str, language: str) -> str:
    """The code of a section of the page."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert blocks
    return "\n".join(blocks).replace(CUSTOMER, "c0003")


@pytest.fixture(scope="module")
def with_history(
    serve: Callable[..., ScoringServer],
    publication: Callable[..., Path],
    published: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ScoringServer]:
    """A real server of a publication that has another one before it."""
    store = FolderStore(tmp_path_factory.mktemp("store"))
    later = publication(7, datetime(2026, 7, 1), after=published)
    store.publish(later, later.name)
    with serve(store=store.folder) as server:
        yield server


def test_the_calls_for_plays_history_and_changes_give_what_it_says(
    with_history: ScoringServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with Client(with_history.url) as client:
        names: dict[str, Any] = {"client": client}
        code = _examples("Plays, history and changes", "python")
        exec(compile(code, "docs/serving.md", "exec"), names)
        assert client.changes(min_change=0).total > 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "c0003 call them unhappy; reach is 4 4.5"
    assert lines[1] == "1 [('rescue', 2), ('connect', 2)]"
    # both publications have the customer, and nothing has changed since the one that is served
    assert [line.split()[1] for line in lines[2:]] == ["2026-07-01T00:00:00Z", "2026-06-30T00:00:00Z"]


def test_the_example_of_what_if_is_flagged_and_gets_suggestions(
    with_history: ScoringServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with Client(with_history.url) as client:
        # of the tests' features, one of days
        code = _examples("What if", "python").replace("active_days_30d", "orders_30d")
        exec(compile(code, "docs/serving.md", "exec"), {"client": client})
    flag, *suggestions = capsys.readouterr().out.splitlines()
    assert flag == "orders_30d impossible orders 30d = -3 is impossible: expected at least 0."
    assert 1 <= len(suggestions) <= 3
    assert all(line.endswith("EUR more.") for line in suggestions)


def test_what_it_says_is_controllable_is_what_the_code_says() -> None:
    text = " ".join(PAGE.split("**Controllable**")[1].split("\n\n")[0].split())
    families = text.split("the families ")[1].split(". Not")[0].replace(" and ", ", ").split(", ")
    assert set(families) == CONTROLLABLE_FAMILIES
    fixed = re.findall(r"`(\w+)`", text.split("Not those")[1].split("what referred")[0])
    assert fixed
    assert all(FIXED.fullmatch(name) or FIXED.fullmatch(f"{name}_30d") for name in fixed)


def test_everybody_is_written_to_a_file(
    with_history: ScoringServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    with Client(with_history.url) as client:
        code = _examples("Everybody at once", "python")
        exec(compile(code, "docs/serving.md", "exec"), {"client": client})
        scores = pd.read_parquet("scores.parquet")
        for kind in ("arrow", "ndjson"):
            client.export(kind, format=kind)  # type: ignore[arg-type]
        top = client.top(limit=400)
        one = client.score([str(scores["customer_id"][7])], explain=3).customers[0]
    assert capsys.readouterr().out.split()[1:] == ["2026-07-01T00:00:00Z", "400"]
    assert scores["network_value"].tolist() == [one.network_value for one in top.customers]
    with pa.ipc.open_stream(Path("arrow").read_bytes()) as stream:
        assert stream.read_all()["customer_id"].to_pylist() == scores["customer_id"].tolist()
    lines = [json.loads(line) for line in Path("ndjson").read_text(encoding="utf-8").splitlines()]
    assert [line["rank"] for line in lines] == list(range(1, 401))
    assert one.explanation is not None
    reasons = [reason["feature"] for reason in scores["top_reasons"][7]]
    assert reasons == [reason.feature for reason in one.explanation.top.reasons]
    headers = with_history.http.head("/v1/export").headers
    assert headers["x-ripple-customers"] == "400"
    refused = with_history.http.get("/v1/export", params={"format": "csv"})
    assert (refused.status_code, refused.json()["error"]["where"]) == (422, "format")
    assert with_history.http.get("/v1/export", headers={"if-none-match": headers["etag"]}).status_code == 304


def test_polling_again_gets_no_body(with_history: ScoringServer, tmp_path: Path) -> None:
    code = _examples("Plays, history and changes", "sh").replace(ADDRESS, with_history.url)
    done = subprocess.run(["bash", "-eu", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "304\n", "")
