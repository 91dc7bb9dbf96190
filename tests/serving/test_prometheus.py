from __future__ import annotations

import json
import re
import subprocess
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import REGISTRY

from ripple.serving.prometheus import ServiceMetrics
from ripple.serving.scorer import Scorer
from tests.support.checkout import ROOT
from tests.support.metric_families import metric_families

MONITORING = ROOT / "docs/monitoring"


def test_the_service_counts_rows_errors_and_answers_and_dates_its_snapshot(client: httpx.Client) -> None:
    def value(name: str, **labels: str) -> float:
        listed = ",".join(f'{key}="{label}"' for key, label in sorted(labels.items()))
        line = f"{name}{{{listed}}} " if labels else f"{name} "
        samples = [text for text in client.get("/metrics").text.splitlines() if text.startswith(line)]
        return float(samples[0].removeprefix(line)) if samples else 0.0

    rows = value("ripple_scored_rows_total", model_version="1")
    errors = value("ripple_errors_total", code="one_of_two")
    answers = value("ripple_request_seconds_count", route="/v1/score")
    client.post("/v1/score", json={"customer_ids": ["c0001", "c0002", "nobody"]})
    client.post("/v1/score", json={})
    assert value("ripple_scored_rows_total", model_version="1") == rows + 2
    assert value("ripple_errors_total", code="one_of_two") == errors + 1
    assert value("ripple_request_seconds_count", route="/v1/score") == answers + 2
    assert value("ripple_snapshot_timestamp_seconds", model_version="1") == 1782777600
    assert value("ripple_snapshot_age_seconds") >= 0
    assert value("ripple_inexact_explanations_total") == 0
    best = client.get("/v1/top?limit=1").json()["customers"][0]["customer_id"]
    highest = value("ripple_scores_total", decile="10")
    client.post("/v1/score", json={"customer_ids": [best]})
    assert value("ripple_scores_total", decile="10") == highest + 1


def test_no_path_that_a_caller_makes_up_becomes_a_label(client: httpx.Client) -> None:
    for path in ("/v1/made-up", "/v1/customers/made-up", "/made-up"):
        client.get(path)
    assert "made-up" not in client.get("/metrics").text


def _sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_scores_are_counted_by_decile(scorer: Scorer) -> None:
    version = scorer.publication.version
    names = [("ripple_scored_rows_total", {"model_version": version})]
    names += [("ripple_scores_total", {"decile": decile}) for decile in ("1", "6", "10")]
    before = [_sample(name, **labels) for name, labels in names]
    percentiles = (0.25, 9.9, 50.0, 90.0, 100.0)
    ServiceMetrics().count_scores(scorer, [{"percentile": percentile} for percentile in percentiles])
    counts = [_sample(name, **labels) - old for (name, labels), old in zip(names, before, strict=True)]
    assert counts == [5, 2, 1, 2]


def test_an_answer_is_counted_by_route_and_status_and_its_latency_observed() -> None:
    metrics = ServiceMetrics(["/a-route"])
    assert _sample("ripple_request_seconds_count", route="/a-route") == 0
    assert REGISTRY.get_sample_value("ripple_request_seconds_count", {"route": "/a-route"}) == 0
    metrics.count_answer("/a-route", 503, 0.003)
    assert _sample("ripple_answers_total", route="/a-route", status="503") == 1
    assert _sample("ripple_request_seconds_bucket", route="/a-route", le="0.0025") == 0
    assert _sample("ripple_request_seconds_bucket", route="/a-route", le="0.005") == 1


@pytest.mark.parametrize(("as_of", "age"), [("2026-06-30T00:00:00", 3600.0), ("2099-01-01T00:00:00", 0.0)])
def test_the_age_of_a_snapshot_is_never_negative(
    as_of: str, age: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ripple.serving.prometheus.time", lambda: 1782777600.0 + 3600)
    publication = SimpleNamespace(version="of-age")
    served: Any = SimpleNamespace(publication=publication, customers=SimpleNamespace(as_of=as_of))
    taken = _sample("ripple_publications_total", outcome="taken")
    metrics = ServiceMetrics()
    metrics.count_publication("taken", served)
    assert _sample("ripple_publications_total", outcome="taken") == taken + 1
    assert f"ripple_snapshot_age_seconds {age}" in metrics.exposition().decode()


def test_the_snapshot_is_that_which_is_served() -> None:
    metrics = ServiceMetrics()
    assert "ripple_snapshot" not in metrics.exposition().decode()
    for version in ("1", "2", "1"):
        served: Any = SimpleNamespace(
            publication=SimpleNamespace(version=version), customers=SimpleNamespace(as_of="2026-06-30")
        )
        metrics.count_publication("taken", served)
        families = text_string_to_metric_families(metrics.exposition().decode())
        samples = [sample for family in families for sample in family.samples]
        of_snapshot = [one for one in samples if one.name == "ripple_snapshot_timestamp_seconds"]
        assert [(one.labels, one.value) for one in of_snapshot] == [({"model_version": version}, 1782777600)]


def test_alerts_fire_when_they_should_and_not_on_a_good_day() -> None:
    for arguments in (
        ["check", "config", "--syntax-only", "prometheus.yaml"],
        ["test", "rules", "alerts_test.yaml"],
    ):
        done = subprocess.run(
            ["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_operator_scrapes_each_replica_of_the_manifest_once_with_a_key() -> None:
    monitor = yaml.safe_load((MONITORING / "servicemonitor.yaml").read_text(encoding="utf-8"))
    assert (monitor["apiVersion"], monitor["kind"]) == ("monitoring.coreos.com/v1", "ServiceMonitor")
    manifest = list(yaml.safe_load_all((MONITORING.parent / "kubernetes.yaml").read_text(encoding="utf-8")))
    labels = monitor["spec"]["selector"]["matchLabels"].items()
    services = [one for one in manifest if one["kind"] == "Service"]
    (scraped,) = [one for one in services if labels <= one["metadata"].get("labels", {}).items()]
    # one address for each replica: behind a common one, a scrape would reach any of them
    assert scraped["spec"]["clusterIP"] == "None"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["port"] in {port["name"] for port in scraped["spec"]["ports"]}
    assert endpoint["path"] == "/metrics"
    assert endpoint["authorization"]["type"] == "Bearer"
    prometheus = yaml.safe_load((MONITORING / "prometheus.yaml").read_text(encoding="utf-8"))
    (job,) = prometheus["scrape_configs"]
    (names,) = job["dns_sd_configs"]
    assert names["names"] == [scraped["metadata"]["name"]]
    assert names["port"] == scraped["spec"]["ports"][0]["port"]
    assert endpoint["interval"] == job["scrape_interval"]


def test_alerts_and_the_dashboard_use_metrics_of_the_service() -> None:
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    panels = json.loads((MONITORING / "grafana.json").read_text(encoding="utf-8"))["panels"]
    expressions = [rule["expr"] for rule in rules]
    expressions += [target["expr"] for panel in panels for target in panel["targets"]]
    used = {name for expression in expressions for name in re.findall(r"\bripple_\w+", expression)}
    endings = {"counter": ["_total"], "histogram": ["_bucket"], "gauge": [""]}
    known = {family.name + ending for family in metric_families() for ending in endings[family.type]}
    assert used <= known
    tested = re.findall(r'alertname="(\w+)"', (MONITORING / "alerts_test.yaml").read_text(encoding="utf-8"))
    assert {rule["alert"] for rule in rules} == set(tested)
