"""Where the truth is known: no credit where nobody has influence, and those who have it come first."""

from datetime import timedelta

import ibis
import pytest

from ripple import simulation
from ripple.features.tables.tables import Tables
from ripple.settings import Settings
from ripple.training.attribution import decayed_credit, network_value

CUSTOMERS, MONTHS = 1500, 24
WINDOW = simulation.END - timedelta(days=180), simulation.END


def labelled(world, seed):
    history = simulation.simulate_with_truth(world, CUSTOMERS, MONTHS, seed)
    tables = Tables({name: ibis.memtable(table) for name, table in simulation.tables(history).items()})
    label = network_value(tables, *WINDOW, Settings()).to_pandas().set_index("customer_id")
    decayed = decayed_credit(tables, *WINDOW, Settings()).to_pandas().set_index("customer_id")
    return history, label, decayed["influence_value"].reindex(label.index).fillna(0.0)


def test_without_influence_hardly_anything_is_credited():
    _, label, decayed = labelled("none", 3)
    assert label["influence_value"].sum() < 0.03 * label["direct_value"].sum()
    assert decayed.sum() > 0.3 * label["direct_value"].sum()
    assert not label["referral_value"].any()


def test_the_influential_are_found_and_far_better_than_by_decayed_credit():
    lead = []
    for seed in (3, 11):
        history, label, decayed = labelled("strong", seed)
        truth = simulation.leave_one_out(history, *WINDOW)["influence_value"]
        top = CUSTOMERS // 50
        captured, by_decayed = (
            truth[ranking.nlargest(top).index].sum() / truth.nlargest(top).sum()
            for ranking in (label["influence_value"], decayed)
        )
        assert captured > 0.8
        assert label["influence_value"].sum() / truth.sum() == pytest.approx(1, abs=0.4)
        lead.append(captured - by_decayed)
    assert min(lead) > 0.03
    assert sum(lead) / len(lead) > 0.06
