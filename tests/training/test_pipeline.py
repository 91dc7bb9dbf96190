import os
import pickle
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import mlflow
import pytest

from ripple.errors import InputError
from ripple.training import pipeline
from ripple.training.evaluation.tuning import Search, Trial
from ripple.training.registry import history, model_versions, runs, tracking
from ripple.training.report.text.version_status import with_version
from tests.support.checkout import ROOT
from tests.support.runs.results import altered

SCORES = ["network_value", "network_value_low", "network_value_high", "top_probability"]

# trains once for every line it reads: the line names the function at which the process kills itself
KILLED = """
import os, pickle, signal, sys
from pathlib import Path
from types import SimpleNamespace
import mlflow, mlflow.pyfunc, mlflow.store.model_registry.sqlalchemy_store
import ripple.training.report
from ripple.training.registry import recording, model_versions
from ripple.training import pipeline

evidence = pickle.loads(Path(sys.argv[1]).read_bytes())
pipeline.fit_and_evaluate = lambda *given: evidence
ripple.training.report.render = lambda *given: "<html></html>"
places = {"log": recording, "log_model": mlflow.pyfunc, "_log_cutoffs": recording}
places["fit_and_evaluate"] = pipeline

for line in sys.stdin:
    stage = line.strip()
    child = os.fork()
    if child == 0:
        place = places.get(stage, model_versions)
        setattr(place, stage, lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
        pipeline.train(SimpleNamespace(settings=evidence.settings), None, "killed")
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def client(opened, trained):
    return tracking.connect(opened[0].settings)


@pytest.fixture(scope="module")
def trainer(result, trained, tmp_path_factory):
    file = tmp_path_factory.mktemp("evidence") / "evidence.pickle"
    file.write_bytes(pickle.dumps(result))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(file)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.communicate(timeout=60)


def versions(client):
    return sorted(int(one.version) for one in client.search_model_versions("name = 'ripple'"))


def running(client):
    experiment = client.get_experiment_by_name("ripple").experiment_id
    return client.search_runs([experiment], "attributes.status = 'RUNNING'")


def test_training_registers_one_version_and_makes_it_champion(client, trained):
    assert trained.version == "1"
    assert model_versions.find(client).number == "1"
    assert versions(client) == [1]


def test_the_report_lies_where_it_says_and_in_the_run(client, opened, trained, tmp_path):
    assert trained.report == opened[0].settings.home / "reports" / "ripple-v1.html"
    html = trained.report.read_text(encoding="utf-8")
    assert html.lstrip().lower().startswith(("<!doctype html>", "<html"))
    champion = model_versions.find(client)
    logged = tracking.download(champion.run_id, "report.html", tmp_path).read_text(encoding="utf-8")
    assert with_version(logged, champion.number, history.made_at(client, champion)) == html
    assert [file.name for file in trained.report.parent.iterdir()] == ["ripple-v1.html"]


@pytest.mark.parametrize(
    ("stage", "registered"),
    [
        *(("fit_and_evaluate", 0), ("log", 0), ("_log_cutoffs", 0), ("log_model", 0), ("register", 0)),
        *(("set_challenger", 1), ("set_champion", 1)),
    ],
)
def test_a_killed_training_leaves_registry_and_champion_as_they_were(
    client, opened, trainer, stage, registered
):
    before, champion = versions(client), model_versions.find(client)
    trainer.stdin.write(f"{stage}\n")
    trainer.stdin.flush()
    assert int(trainer.stdout.readline()) == -signal.SIGKILL
    assert len(versions(client)) == len(before) + registered
    assert model_versions.find(client) == champion
    # whatever is registered is whole: it says what the gate decided, and holds the model
    for number in set(versions(client)) - set(before):
        version = client.get_model_version("ripple", str(number))
        assert version.tags["gate"] == "passed"
        assert mlflow.pyfunc.load_model(f"models:/ripple/{number}").metadata.signature is not None
    # nor does its run seem to go on
    assert bool(running(client)) == (stage in ("_log_cutoffs", "log_model"))
    runs.end_abandoned(client, opened[0].settings.home)
    assert not running(client)


def test_the_next_training_moves_the_champion(client, opened, result, monkeypatch, progress):
    before, champion = versions(client), model_versions.find(client)
    left = client.create_run(client.get_experiment_by_name("ripple").experiment_id, run_name="left").info
    (opened[0].settings.home / runs.LOCKS / left.run_id).mkdir(parents=True)
    monkeypatch.setattr(pipeline, "fit_and_evaluate", lambda *given: result)
    monkeypatch.setattr("ripple.training.report.render", lambda *given: "<html></html>")
    again = pipeline.train(*opened, "second")
    assert progress()[0] == "run left, whose process was killed, is marked so in MLflow"
    assert client.get_run(left.run_id).info.status == "KILLED"
    assert again.champion
    assert int(again.version) == max(before) + 1
    assert model_versions.find(client).number == again.version
    assert versions(client) == [*before, int(again.version)]
    assert again.decision.comparison.difference == 0
    changes = again.result.changes
    assert changes.number == champion.number
    assert (changes.stayed, changes.entered, changes.left) == (
        result.population.scores["top_member"].sum(),
        0,
        0,
    )


@pytest.fixture
def ends_with(copied_store, opened, monkeypatch):
    """Trains in a copy of the store, where learning finds what it is given."""

    def run(fitted):
        monkeypatch.setattr(pipeline, "fit_and_evaluate", lambda *given: fitted)
        dataset = replace(
            opened[0], settings=opened[0].settings.model_copy(update={"home": copied_store.home})
        )
        return pipeline.train(dataset, opened[1], "again"), tracking.connect(copied_store)

    return run


def test_every_trial_has_a_child_run(result, ends_with):
    trials = (Trial(1, {"trees": 100}, 0.5), Trial(2, {"trees": 50}, None))
    trained, client = ends_with(altered(result, search=Search(trials, 1, 0.0, 0.0, 0.0)))
    parent = client.get_run(model_versions.find(client, trained.version).run_id).data
    assert (parent.metrics["search.best"], parent.metrics["search.adopted"]) == (1, 0)
    assert parent.tags["search"] == trained.result.evaluation.search.text
    experiment = client.get_experiment_by_name("ripple").experiment_id
    trial_runs = client.search_runs(
        [experiment], "tags.kind = 'trial'", order_by=["params.`model.trees` ASC"]
    )
    assert [run.data.params["model.trees"] for run in trial_runs] == ["100", "50"]
    assert trial_runs[0].data.metrics == {"tuning_capture": 0.5}
    assert trial_runs[1].data.tags["trial"] == "given up"
    assert [run.info.run_name for run in trial_runs] == ["first, trial 1", "first, trial 2"]


def test_parameters_that_were_searched_are_those_of_the_run(opened, examples, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "examples_at", lambda dataset, cutoff, *_: examples[cutoff])
    chosen = opened[0].settings.model_copy(
        update={"home": tmp_path, "cutoffs": opened[0].settings.cutoffs.model_copy(update={"evaluate": 1})}
    )
    tuned = pipeline.fit_and_evaluate(replace(opened[0], settings=chosen), opened[1], "tuned", trials=2)
    search = tuned.evaluation.search
    used = search.trials[search.best - 1 if search.adopted else 0].parameters["trees"]
    assert tuned.settings.model.trees == used == tuned.population.bundle.value.num_trees()
    assert tuned.record()["trials"][0]["parameters"]["trees"] == chosen.model.trees
    assert tuned.record()["search"]["adopted"] == search.adopted


def test_a_version_that_does_not_pass_is_challenger_and_the_report_says_why(result, ends_with):
    heads = result.evaluation.backtest.heads.assign(predicted_share=40.0)
    training, client = ends_with(altered(result, backtest=replace(result.evaluation.backtest, heads=heads)))
    assert not training.champion
    assert model_versions.find(client).number == "1"
    assert model_versions.find(client, "challenger").number == training.version
    html = training.report.read_text(encoding="utf-8")
    assert "It did not pass 1 of 7 checks: level." in html
    assert (
        "Predicted ÷ realised total is 40.00, the median of the evaluation cutoffs; 0.05 to 20.00 is allowed."
        in html
    )


def test_a_champion_of_the_meantime_is_not_replaced(result, ends_with, monkeypatch):
    training, client = ends_with(result)
    model_versions.promote(client, "1", "another run won")
    champions = iter([model_versions.find(client, training.version), model_versions.find(client, "1")])
    monkeypatch.setattr(model_versions, "champion", lambda client: next(champions))
    again, client = ends_with(result)
    assert again.decision.passed
    assert not again.champion
    assert model_versions.find(client).number == "1"
    assert model_versions.find(client, "challenger").number == again.version


def test_a_run_without_influence_is_recorded_but_not_registered(result, ends_with):
    tested = replace(result.label.robustness, influence=0.0)
    totals = result.label.totals | {"network_value": 50.0, "referral_value": 0.0, "influence_value": 50.0}
    training, client = ends_with(altered(result, name="empty", robustness=tested, totals=totals))
    assert training.version is None
    assert not training.champion
    assert model_versions.find(client).number == "1"
    with pytest.raises(InputError, match="No version 'challenger'"):
        model_versions.find(client, "challenger")
    assert training.report.name.startswith("ripple-run-")
    html = training.report.read_text(encoding="utf-8")
    assert "No influence was found" in html
    assert "Nothing is registered" in html
    (run, *_) = client.search_runs(
        [client.get_experiment_by_name("ripple").experiment_id], "attributes.run_name = 'empty'"
    )
    assert run.info.status == "FINISHED"
    assert run.data.tags["gate"] == "failed"
    assert run.data.tags["gate.reasons"].startswith("No influence was found")


def test_training_goes_on_where_the_champion_is_gone(opened, result, copied_store, monkeypatch, progress):
    before = tracking.connect(copied_store)
    shutil.rmtree(
        copied_store.home / "artifacts" / model_versions.find(before).run_id / "artifacts" / "bundle"
    )
    monkeypatch.setattr(pipeline, "fit_and_evaluate", lambda *given: result)
    settings = opened[0].settings.model_copy(update={"home": copied_store.home})
    again = pipeline.train(replace(opened[0], settings=settings), opened[1], "again")
    assert (again.version, again.champion, again.decision.champion) == ("2", True, None)
    assert any("version 1, the champion, is gone: " in line for line in progress())
