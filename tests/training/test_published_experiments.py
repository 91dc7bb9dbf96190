from datetime import timedelta

import pandas as pd
import pytest

from ripple.features.validation.checks import load
from ripple.serving.experiment_schemas import Experiment
from ripple.serving.schemas import ExperimentArm
from ripple.settings import Settings
from ripple.training.experiments.text import play_sentences
from ripple.training.kept_experiments import keep_design, keep_readout, read_experiments
from ripple.training.published_experiments import described, published_experiments
from tests.support.small_experiment import ARMS, DESIGNED, END, START, small_readout, write_small_design


@pytest.fixture
def home(tmp_path):
    write_small_design(tmp_path / "july")
    keep_design(tmp_path / "home", tmp_path / "july")
    return tmp_path / "home"


def test_a_design_is_told_with_its_counts_and_moments(home):
    (kept,) = read_experiments(home, START)
    told = Experiment.model_validate(described(kept, START))
    assert (told.name, told.status, told.model_version, told.units) == ("july", "running", "1", "customer")
    assert (told.designed, told.start, told.end, told.horizon_days) == (
        *("2025-06-30T22:15:00Z", "2025-07-01T00:00:00Z", "2025-08-30T00:00:00Z"),
        60,
    )
    (play,) = told.plays
    assert (play.play, play.treated, play.held_out, play.treated_units) == ("rescue", 2, 2, 2)
    assert (play.verdict, play.finding, play.effects, told.read_until) == ("not read", None, [], None)
    assert told.primary_outcome in told.outcomes
    assert not told.final


def test_what_was_read_is_told_as_the_command_tells_it(home):
    keep_readout(home, small_readout())
    (kept,) = read_experiments(home, END)
    told = Experiment.model_validate(described(kept, END))
    assert (told.status, told.read_until, told.final) == ("ended", "2025-08-30T00:00:00Z", True)
    assert told.failed_checks == ["treated as planned: 1 of the held-out arm were too (50%)"]
    readout = small_readout()
    (play,), (reading,) = told.plays, readout.plays
    assert play.finding == " ".join(play_sentences(reading, readout))
    assert (play.verdict, play.through_others) == ("worked", 0.6)
    assert [(one.outcome, one.effect, one.low, one.high) for one in play.effects] == [
        (one.outcome, one.effect.effect, one.effect.low, one.effect.high) for one in reading.outcomes
    ]


def test_arms_are_told_while_an_experiment_runs(home):
    moments = (DESIGNED - timedelta(days=1), DESIGNED, START, END)
    before, planned, running, ended = (published_experiments(home, moment) for moment in moments)
    assert before == ([], {})
    assert [told[0]["status"] for told, _ in (planned, running, ended)] == ["planned", "running", "ended"]
    assert planned[1] == ended[1] == {}
    arms = {name: ExperimentArm.model_validate(arm) for name, (arm,) in running[1].items()}
    assert {name: arm.arm for name, arm in arms.items()} == ARMS
    assert (arms["c2"].experiment, arms["c2"].play) == ("july", "rescue")
    assert (arms["c2"].start, arms["c2"].end) == ("2025-07-01T00:00:00Z", "2025-08-30T00:00:00Z")


def test_arms_are_those_of_the_customers_that_ids_became(home, tmp_path):
    ids = ["c1", "c2", "c3", "a1", "a2", "new", "both"]
    joined = pd.DataFrame({"customer_id": ids, "joined_at": START - timedelta(days=100)})
    orders = pd.DataFrame(
        [{"customer_id": "new", "ordered_at": START + timedelta(days=9), "product": "p", "revenue": 5.0}]
    )
    became = pd.Series({"c1": "new", "c2": "both", "c3": "both"}, name="new_id")
    merges = became.rename_axis("old_id").reset_index().assign(merged_at=START + timedelta(days=5))
    (tmp_path / "data").mkdir()
    for name, table in (("customers", joined), ("orders", orders), ("merges", merges)):
        table.to_parquet(tmp_path / "data" / f"{name}.parquet", index=False)
    dataset, _ = load(tmp_path / "data", Settings())
    _, arms = published_experiments(home, START + timedelta(days=10), dataset)
    # c2 and c3, of different arms, became one, and c4 is gone
    assert {name: arm["arm"] for name, (arm,) in arms.items()} == {"new": "treatment"}
