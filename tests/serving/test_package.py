from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes_validate import validate

from ripple.serving.http.middleware import HEALTH
from ripple.serving.options import PREFIX, Options
from ripple.serving.package import package
from ripple.serving.publications.publication import PublicationError
from tests.support.checkout import ROOT

LOADED = """
import sys
from _bentoml_impl.loader import load
service = load(sys.argv[1], standalone_load=True)
from ripple.serving.service import API
service.inner()
files = [sys.modules[name].__file__ for name in ("ripple.serving.scorer", "ripple.models")]
print(API.scorer.publication.name, *files)
"""


def test_packing_the_same_again_changes_nothing_but_what_is_latest(
    store: Any, source: Path, tag: str
) -> None:
    before = store.items()
    latest = store.bento(tag).with_name("latest")
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
    code = copy.bento(tag) / "src"
    assert files == [str(code / "ripple/serving/scorer.py"), str(code / "ripple/models/__init__.py")]


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


def test_serving_an_unknown_bento_fails(store: Any) -> None:
    process = store.start_serving("ripple-service:v9-none", 3999)
    log, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "not found" in log


def test_the_kubernetes_manifest_is_valid_and_names_existing_options() -> None:
    resources = list(yaml.safe_load_all((ROOT / "docs/kubernetes.yaml").read_text(encoding="utf-8")))
    for resource in resources:
        validate(resource, "1.34", strict=True)
    specs = {resource["kind"]: resource["spec"] for resource in resources}
    pod = specs["Deployment"]["template"]["spec"]
    (container,) = pod["containers"]
    assert specs["Deployment"]["replicas"] >= 2
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in HEALTH
    options = {PREFIX + name.upper() for name in Options.model_fields}
    assert {variable["name"] for variable in container["env"]} <= options | {"BENTOML_HOME"}
    assert (
        specs["Service"]["selector"].items() <= specs["Deployment"]["template"]["metadata"]["labels"].items()
    )
    job = specs["CronJob"]["jobTemplate"]["spec"]["template"]["spec"]
    assert not pod["enableServiceLinks"]
    assert not job["enableServiceLinks"]
    for spec in (pod, job):
        assert spec["securityContext"]["runAsNonRoot"]
        for one in spec["containers"]:
            assert one["securityContext"]["readOnlyRootFilesystem"]
    drain = float(_variables(container)["RIPPLE_SERVE_DRAIN_SECONDS"])
    assert drain <= Options.model_fields["drain_seconds"].metadata[1].le
    _, pause = container["lifecycle"]["preStop"]["exec"]["command"]
    ready = container["readinessProbe"]
    assert drain > ready["periodSeconds"] * ready["failureThreshold"] + ready["timeoutSeconds"]
    assert pod["terminationGracePeriodSeconds"] >= float(pause) + drain + 10


def _variables(container: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container["env"]}


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        (["--host", "0.0.0.0"], {}, "0.0.0.0 is open to the network"),
        ([], {"RIPPLE_SERVE_KEYS": "a key in clear"}, "RIPPLE_SERVE_KEYS: String should match"),
    ],
)
def test_ripple_serve_validates_its_options_first(
    arguments: list[str], variables: dict[str, str], message: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("ripple"), "serve", *arguments],
        cwd=tmp_path,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert message in done.stderr
    assert "a key in clear" not in done.stderr
    assert list(tmp_path.iterdir()) == []
