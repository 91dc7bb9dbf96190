import json
import math
import re
import shutil
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss
from typer.testing import CliRunner

from ripple import cli
from ripple.errors import InputError
from ripple.training import monitoring as module
from ripple.training.evaluation.cutoff_evaluation import MODEL
from ripple.training.evaluation.drift import SCORES, SHIFTED
from ripple.training.evaluation.membership_changes import ScoredVersion
from ripple.training.examples.examples import frame, labels_at
from ripple.training.monitoring import evaluate_log, monitor, record_monitoring
from ripple.training.registry import model_versions, tracking
from ripple.training.report.text.monitoring_text import monitoring_text


@pytest.fixture(scope="module")
def start(plan):
    """Of the cutoffs at which the run has features and labels, the last but two."""
    return plan.grid[-3]


@pytest.fixture(scope="module")
def version(result, examples, start):
    """The run's model, as if its training data had ended at *start*: how it was made does not matter here."""
    features = examples[start].features
    return ScoredVersion(
        "1", start, result.population.bundle, features, result.population.bundle.score(features)
    )


@pytest.fixture(scope="module")
def look(opened, examples):
    """Monitors a version with the features and labels that the run has already."""

    def run(version, parameters=None, promised=None, by_cutoff=examples, dataset=opened[0], log=None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "examples_at", lambda dataset, cutoff: by_cutoff[cutoff])
            return monitor(dataset, version, parameters or {}, promised or {"capture": 0.4}, log)

    return run


@pytest.fixture(scope="module")
def monitored(look, version):
    return look(version)


def with_level(version, factor):
    spec = replace(version.bundle.spec, level=factor * version.bundle.spec.level)
    return replace(version, bundle=replace(version.bundle, spec=spec))


def failed(monitored):
    return [check.name for check in monitored.checks if not check.passed]


def test_a_version_is_evaluated_wherever_a_window_has_closed_since(monitored, plan, opened, start):
    later = [cutoff for cutoff in plan.grid if cutoff >= start]
    assert list(monitored.backtest.heads["cutoff"]) == [f"{cutoff:%Y-%m-%d}" for cutoff in later]
    step = timedelta(days=opened[0].settings.cutoffs.step_days)
    assert monitored.next_close == later[-1] + step + plan.horizon
    assert monitored.windows == math.ceil((monitored.end - start) / step)


def test_figures_are_those_of_the_scores_and_of_the_realised_values(monitored, version, examples, opened):
    """By pandas alone, from the label as the command line writes it."""
    share = opened[0].settings.top_share
    for row in monitored.backtest.heads.to_dict("records"):
        cutoff = pd.Timestamp(row["cutoff"]).to_pydatetime()
        scores = version.bundle.score(examples[cutoff].features)
        value = frame(labels_at(opened[0], cutoff))["network_value"].reindex(scores.index)
        count = math.ceil(share * len(value))
        best = value.nlargest(count)
        held = value[scores["network_value"].nlargest(count).index].sum()
        rankings = monitored.backtest.rankings.set_index(["cutoff", "ranking"])
        assert rankings.loc[(row["cutoff"], MODEL), "capture"] == pytest.approx(held / best.sum())
        degree = value[examples[cutoff].features["out_degree"].nlargest(count).index].sum()
        assert rankings.loc[(row["cutoff"], "degree"), "capture"] == pytest.approx(
            degree / best.sum(),
            abs=0.05,  # equals may stand in another order
        )
        assert row["predicted_share"] == pytest.approx(scores["network_value"].sum() / value.sum())
        inside = value.between(scores["network_value_low"], scores["network_value_high"])
        assert row["coverage"] == pytest.approx(inside.mean())
        at_top = value.index.isin(best[best > 0].index)
        assert row["brier"] == pytest.approx(brier_score_loss(at_top, scores["top_probability"]))


def test_where_nothing_speaks_against_a_version_it_is_kept(monitored):
    assert monitored.verdict == "keep"
    # that scores drift does not count once values are realised
    assert monitored.drift.loc[SCORES, "psi"].max() > SHIFTED
    names = ["capture", "promise", "level", "coverage", "probability"]
    assert [check.name for check in monitored.checks] == names
    assert monitored.reasons == [check.text for check in monitored.checks]


def test_customers_who_joined_since_are_evaluated_apart(monitored, version, examples, plan):
    new = set(examples[plan.grid[-1]].rows.index) - set(version.features.index)
    kinds = monitored.backtest.slices.set_index("slice")
    assert kinds.loc["new since training", "customers"] >= len(new) > 0


def test_before_a_window_has_closed_there_is_nothing_but_drift(look, version, opened, result):
    today = replace(version, as_of=result.population.as_of, features=result.population.features)
    monitoring = look(today)
    assert monitoring.verdict == "wait"
    assert monitoring.backtest is None
    assert monitoring.windows == 0
    assert monitoring.next_close == result.population.as_of + timedelta(days=opened[0].settings.horizon_days)
    assert (monitoring.drift["psi"] < 0.01).all()
    assert "verdict:  wait" in monitoring_text(monitoring)


@pytest.mark.parametrize("factor", [30.0, 1 / 30])
def test_totals_that_are_far_off_call_for_training(look, version, factor):
    monitoring = look(with_level(version, factor))
    assert monitoring.verdict == "retrain"
    assert "level" in failed(monitoring)
    assert any("Predicted ÷ realised total" in reason for reason in monitoring.reasons)


def test_doing_worse_than_promised_calls_for_training(look, version, opened):
    gate = opened[0].settings.gate.model_copy(update={"capture_loss": 0.0})
    strict = replace(opened[0], settings=opened[0].settings.model_copy(update={"gate": gate}))
    monitoring = look(version, promised={"capture": 1.1}, dataset=strict)
    assert "promise" in failed(monitoring)
    assert any("where its backtest captured 1.100" in reason for reason in monitoring.reasons)
    assert "promise" not in failed(look(version, promised={"capture": 0.01}, dataset=strict))
    assert "promise" not in [check.name for check in look(version, promised={"lead": 0.1}).checks]


def test_scores_that_have_shifted_call_for_training_before_a_window_closes(look, version, result):
    then = result.population.features.assign(**dict.fromkeys(result.population.bundle.spec.names, 0.0))
    monitoring = look(replace(version, as_of=result.population.as_of, features=then))
    assert monitoring.backtest is None
    assert monitoring.drift.loc[SCORES, "psi"].max() > SHIFTED
    assert (monitoring.verdict, failed(monitoring)) == ("retrain", ["drift"])


def test_a_window_without_any_credit_is_reported(look, version, examples, plan):
    last = examples[plan.grid[-1]]
    nothing = replace(last, known_today=last.realised * 0.0)
    monitoring = look(version, by_cutoff=examples | {last.cutoff: nothing})
    assert failed(monitoring) == ["credit"]
    assert f"{last.cutoff:%Y-%m-%d}" in monitoring.reasons[0]
    assert len(monitoring.backtest.heads) == 2


def test_settings_that_predict_something_else_are_refused(look, version, opened):
    longer = replace(opened[0], settings=opened[0].settings.model_copy(update={"horizon_days": 90}))
    with pytest.raises(InputError, match=r"horizon_days = 90 \(trained with 60\).*--settings"):
        look(version, {"horizon_days": "60", "seed": "1"}, dataset=longer)
    with pytest.raises(InputError, match=r"credit\.window_days = 112\.0 \(trained with 30\.0\)"):
        look(version, {"credit.window_days": "30.0"})


def test_data_that_end_before_those_of_the_training_are_refused(look, version, result):
    with pytest.raises(InputError, match="nothing has been realised yet"):
        look(replace(version, as_of=result.population.as_of + timedelta(days=1)))


def test_data_without_a_feature_that_is_needed_are_refused(look, version, examples, start):
    one = examples[start]
    poor = replace(one, rows=type(one.rows).of(one.features.drop(columns="out_degree")))
    with pytest.raises(InputError, match="'out_degree' is missing"):
        look(version, by_cutoff={**examples, start: poor})


def test_logged_scores_are_compared_with_the_realised_values_of_these_customers(opened, version, result):
    scores = version.bundle.score(version.features).iloc[::3]
    logged = scores.reset_index(names="customer_id").assign(as_of=version.as_of, model_version="1-a")
    stranger = logged.head(1).assign(customer_id="nobody")
    fresh = logged.assign(as_of=result.population.as_of)
    log = pd.concat([logged, stranger, fresh], ignore_index=True)
    (row,) = evaluate_log(opened[0], log, result.population.as_of).to_dict("records")
    value = frame(labels_at(opened[0], version.as_of))["network_value"].reindex(scores.index)
    assert (row["as_of"], row["model_version"]) == (f"{version.as_of:%Y-%m-%d}", "1-a")
    assert row["customers"] == len(scores)
    assert row["predicted_share"] == pytest.approx(scores["network_value"].sum() / value.sum())
    inside = value.between(scores["network_value_low"], scores["network_value_high"])
    assert row["coverage"] == pytest.approx(inside.mean())
    nothing = evaluate_log(opened[0], fresh, result.population.as_of)
    assert nothing.empty
    assert list(nothing.columns) == list(row)


def test_the_text_has_a_line_by_cutoff_and_never_a_nan(monitored, look, version, start, opened):
    said = monitoring_text(monitored)
    assert said.startswith(f"ripple 1, trained on data until {start:%Y-%m-%d}")
    for day in monitored.backtest.heads["cutoff"]:
        assert f"\n{day}" in said
    assert "verdict:  keep" in said
    assert re.search(r"^backtest +0\.40 +–$", said, re.MULTILINE)
    scores = version.bundle.score(version.features)
    log = scores.reset_index(names="customer_id").assign(as_of=version.as_of, model_version="1-a")
    assert "predictions that the service returned" in monitoring_text(look(version, log=log))
    assert "nan" not in said
    assert all(line == line.rstrip() for line in said.splitlines())


@pytest.fixture
def store(copied_store, opened):
    """A copy of the store, whose artifacts are those of the first run: what is added to these is removed."""
    yield copied_store
    for added in opened[0].settings.home.glob("artifacts/*/artifacts/monitor"):
        shutil.rmtree(added)


def test_what_became_of_a_version_is_kept_with_it(monitored, store):
    client = tracking.connect(store)
    version = model_versions.find(client, "1")
    record_monitoring(client, version, monitored)
    metrics = client.get_run(version.run_id).data.metrics
    assert metrics["monitor.capture"] == monitored.backtest.capture(MODEL)
    tags = client.get_model_version("ripple", "1").tags
    assert tags["monitor"] == "keep"
    said = model_versions.status(client, version)[-1]
    assert said.startswith(f"Monitored by data until {monitored.end:%Y-%m-%d}: keep.")
    kept = json.loads(json.dumps(monitored.record(), allow_nan=False))
    assert [row["cutoff"] for row in kept["heads"]] == list(monitored.backtest.heads["cutoff"])


@pytest.fixture
def run_monitor(store, folder, version, examples, monkeypatch):
    """Runs `ripple monitor` as if the champion were *version* at another level."""
    monkeypatch.setenv("RIPPLE_HOME", str(store.home))
    monkeypatch.setattr(module, "examples_at", lambda dataset, cutoff: examples[cutoff])

    def run(factor):
        monkeypatch.setattr(
            model_versions, "scored", lambda client, found_version: with_level(version, factor)
        )
        return CliRunner().invoke(cli.app, ["monitor", str(folder)])

    return run


@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (30.0, 3)])
def test_the_exit_code_says_whether_to_train_again(run_monitor, store, factor, code):
    done = run_monitor(factor)
    assert done.exit_code == code, done.output
    said = "verdict:  keep" if code == 0 else "verdict:  retrain"
    assert said in done.stdout
    client = tracking.connect(store)
    run = model_versions.find(client, "champion").run_id
    assert [artifact.path for artifact in client.list_artifacts(run, "monitor")]
    assert np.isfinite(client.get_run(run).data.metrics["monitor.psi"])


def test_a_log_is_read_with_its_salt_alone(copied_store, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("RIPPLE_HOME", str(copied_store.home))
    arguments = ["monitor", str(folder), "--log", str(tmp_path)]
    assert "RIPPLE_SERVE_LOG_SALT" in str(CliRunner().invoke(cli.app, arguments).exception)
    monkeypatch.setenv("RIPPLE_SERVE_LOG_SALT", "salt")
    assert "holds no log" in str(CliRunner().invoke(cli.app, arguments).exception)
