"""The events that a play adds to the tables."""

from datetime import timedelta

import numpy as np
import pyarrow.compute as pc
import pytest

from ripple.simulation import END, Play, PotentialOutcomes
from ripple.simulation.tables import assembly
from ripple.simulation.world.columns import customer_ids

START = END - timedelta(days=180)
PLAY = Play(START, 90.0, voice=3.0, use=2.0)


@pytest.fixture(scope="module")
def treated(history):
    return np.random.default_rng(3).random(history.population.size) < 0.3


@pytest.fixture(scope="module")
def seen(history, treated):
    return assembly.tables(PotentialOutcomes.draw(history, PLAY).treat(treated))


@pytest.mark.parametrize(
    ("name", "customer", "factor"), [("usage", "customer_id", 2.0), ("interactions", "source_id", 3.0)]
)
def test_the_treated_have_as_many_more_events_as_the_play_says(seen, tables, treated, name, customer, factor):
    ids = customer_ids(np.flatnonzero(treated))

    def counts(table):
        table = table.filter(pc.not_equal(table["kind"], "referral")) if name == "interactions" else table
        day = table["occurred_at"].to_numpy()
        inside = (day >= np.datetime64(START)) & (day < np.datetime64(START + timedelta(days=90)))
        own = pc.is_in(table[customer], ids).to_numpy(zero_copy_only=False)
        return np.array([(inside & own).sum(), (inside & ~own).sum(), (~inside).sum()])

    before, after = counts(tables[name]), counts(seen[name])
    assert after[0] / before[0] == pytest.approx(factor, rel=0.05)
    assert after[1:].tolist() == before[1:].tolist()
    assert seen[name].schema == tables[name].schema
    assert (np.diff(seen[name]["occurred_at"].to_numpy()) >= np.timedelta64(0)).all()


def test_a_referral_happens_once(seen, tables):
    referrals = [
        table.filter(pc.equal(table["kind"], "referral")).num_rows
        for table in (seen["interactions"], tables["interactions"])
    ]
    assert referrals[0] == referrals[1] > 0
