"""What a Bento holds, and that this is enough to serve it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from ripple.serving.options import PREFIX
from tests.support.checkout import ROOT
from tests.support.servers.processes import free_port
from tests.support.servers.scoring_server import ScoringServer

COPIED = ("__init__", "atomic", "environment", "locks", "redaction", "suggestions")
"""The modules of `ripple` itself that a Bento holds."""


def test_a_bento_holds_the_code_it_runs_and_nothing_else(store: Any, tag: str) -> None:
    bento = store.bento(tag)
    contents = {path.relative_to(bento / "src") for path in (bento / "src").rglob("*.py")}
    code = {path.relative_to(ROOT) for name in ("serving", "models") for path in (ROOT / name).rglob("*.py")}
    code |= {Path(f"{name}.py") for name in COPIED}
    assert contents == {"ripple" / path for path in code}


def test_a_bento_s_requirements_are_pinned_and_few(store: Any, tag: str) -> None:
    requirements = (store.bento(tag) / "env/python/requirements.txt").read_text().split()
    assert all(requirement.count("==") == 1 for requirement in requirements)
    names = {requirement.split("==")[0] for requirement in requirements}
    assert names >= {"bentoml", "lightgbm", "uvloop", "httptools", "starlette", "uvicorn", "pydantic-core"}
    assert not names & {"mlflow", "shap", "ibis-framework", "matplotlib", "scikit-learn", "pytest"}
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    assert set(requirements) <= {f"{item['name']}=={item['version']}" for item in lock if "version" in item}
    assert "build-essential" not in (store.bento(tag) / "env/docker/Dockerfile").read_text()


# what BentoML's own template does, which cannot be changed from here
IGNORED = ("DL3046", "SC3020", "DL4006", "DL3066")


# a version of libgomp1 would be gone from Debian's mirrors with its next release
UNPINNED = "DL3008"


def test_the_dockerfile_of_a_bento_passes_its_linter(store: Any, tag: str) -> None:
    file = store.bento(tag) / "env/docker/Dockerfile"
    command = [Path(sys.executable).with_name("hadolint"), "--no-color", "--failure-threshold", "info"]
    command += [option for rule in (*IGNORED, UNPINNED) for option in ("--ignore", rule)]
    done = subprocess.run([*command, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "USER bentoml" in file.read_text()


def test_a_bento_serves_in_an_environment_of_nothing_but_its_requirements(
    store: Any, tag: str, tmp_path: Path
) -> None:
    uv = Path(sys.executable).with_name("uv")
    environment, home = tmp_path / "environment", tmp_path / "home"
    shutil.copytree(store.home, home)
    requirements = store.bento(tag) / "env/python/requirements.txt"
    installed = [uv, "pip", "freeze", "--quiet", "--python", environment / "bin/python"]
    for command in (
        ["venv", "--quiet", "--python", sys.executable, environment],
        ["pip", "install", "--quiet", "--python", environment / "bin/python", "-r", requirements],
    ):
        subprocess.run([uv, *command], check=True)
    frozen = subprocess.run(installed, check=True, capture_output=True, text=True).stdout
    assert sorted(frozen.split()) == sorted(requirements.read_text().split())
    port = free_port()
    process = subprocess.Popen(
        [environment / "bin/bentoml", "serve", tag, "--host", "127.0.0.1", "--port", str(port)],
        cwd=tmp_path,
        env={
            "BENTOML_HOME": str(home),
            "BENTOML_DO_NOT_TRACK": "True",
            "PATH": f"{environment / 'bin'}:{os.defpath}",
            f"{PREFIX}HOST": "127.0.0.1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )
    with ScoringServer(process, f"http://127.0.0.1:{port}") as server:
        answer = server.http.post("/v1/score", json={"customer_ids": ["c0001"], "explain": 1}).json()
    assert answer["customers"][0]["customer_id"] == "c0001"
    assert len(answer["customers"][0]["explanation"]["value"]["reasons"]) == 1
