from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from serving.package import package
from serving.publication import PublicationError

ROOT = Path(__file__).parents[2]

LOADED = """
import sys
from _bentoml_impl.loader import load
service = load(sys.argv[1], standalone_load=True)
from serving.service import API
service.inner()
print(API.scorer.publication.name, sys.modules["serving.scorer"].__file__, sys.modules["models"].__file__)
"""


def _bento(store: Any, tag: str) -> Path:
    return store.home / "bentos" / Path(*tag.split(":"))


def test_a_bento_holds_the_code_it_runs_and_nothing_else(store: Any, tag: str) -> None:
    bento = _bento(store, tag)
    held = {path.relative_to(bento / "src") for path in (bento / "src").rglob("*.py")}
    code = {path.relative_to(ROOT) for name in ("serving", "models") for path in (ROOT / name).glob("*.py")}
    assert held == code | {Path("atomic.py"), Path("passwords.py")}


def test_a_bento_s_requirements_are_pinned_and_few(store: Any, tag: str) -> None:
    requirements = (_bento(store, tag) / "env/python/requirements.txt").read_text().split()
    assert all(requirement.count("==") == 1 for requirement in requirements)
    names = {requirement.split("==")[0] for requirement in requirements}
    assert names >= {"bentoml", "lightgbm", "uvloop", "httptools"}
    assert not names & {"mlflow", "shap", "ibis-framework", "matplotlib", "scikit-learn"}
    assert "build-essential" not in (_bento(store, tag) / "env/docker/Dockerfile").read_text()


def test_packing_the_same_again_changes_nothing_but_what_is_latest(
    store: Any, source: Path, tag: str
) -> None:
    before = store.items()
    latest = _bento(store, tag).with_name("latest")
    latest.write_text("another")
    assert store.pack(source, "1", cwd=ROOT) == tag
    assert store.items() == before
    assert f"ripple-service:{latest.read_text()}" == tag


def test_a_bento_serves_its_own_model_and_code(store: Any, tag: str, tmp_path: Path) -> None:
    shutil.copytree(store.home, tmp_path / "home")
    copy = type(store)(tmp_path / "home")
    [model] = [copy.home / item for item in copy.items() if item.startswith("models")]
    newer = shutil.copytree(model, model.with_name("v2-newer")) / "model.yaml"
    newer.write_text(newer.read_text().replace(model.name, "v2-newer"))
    (model.parent / "latest").write_text("v2-newer")

    # from within the checkout, whose own serving/ must not be what runs
    version, *files = copy.output(LOADED, tag, cwd=ROOT).split()
    assert version == model.name
    code = _bento(copy, tag) / "src"
    assert files == [str(code / "serving/scorer.py"), str(code / "models/__init__.py")]


def test_a_snapshot_of_another_model_is_not_packed(
    source: Path, empty_store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENTOML_HOME", str(empty_store.home))
    shutil.copytree(source, tmp_path / "other")
    spec = tmp_path / "other/bundle/bundle.json"
    spec.write_text(spec.read_text().replace('"level": 1.07', '"level": 1.08'))
    with pytest.raises(PublicationError, match="first customer"):
        package(tmp_path / "other", "1")
    assert empty_store.items() == {}
    assert list((empty_store.home / "tmp").iterdir()) == []


def test_a_folder_without_a_bundle_is_not_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENTOML_HOME", str(tmp_path / "home"))
    with pytest.raises(FileNotFoundError, match="bundle"):
        package(tmp_path, "1")


def test_packing_killed_half_way_leaves_no_item_behind(source: Path, empty_store: Any) -> None:
    process = empty_store.start_packing(source, "1")
    while not list(empty_store.home.glob("tmp/package-*/home/models/ripple/*/publication")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert empty_store.items() == {}


def test_serving_what_is_not_there_fails(store: Any) -> None:
    process = store.start_serving("ripple-service:v9-none", 3999)
    log, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "not found" in log
