from dataclasses import replace
from datetime import timedelta

import ibis
import pandas as pd

from ripple.features.tables.tables import Tables
from ripple.training.attribution import LABEL_COLUMNS, network_value
from ripple.training.examples.examples import examples_at, features_at, frame


def test_features_and_labels_are_of_the_customers_alive_at_the_cutoff(opened, plan, examples):
    customers = opened[0].tables["customers"].to_pyarrow().to_pandas()
    for cutoff, one in examples.items():
        assert one.cutoff == cutoff
        assert one.features.index.equals(one.labels.index)
        alive = customers["customer_id"][customers["joined_at"] < cutoff]
        assert sorted(one.features.index) == sorted(alive)
        assert list(one.labels.columns) == list(LABEL_COLUMNS)
        assert (one.features.dtypes == "float64").all()
    assert list(examples) == plan.all


def test_labels_look_ahead_and_the_last_label_is_a_feature(opened, plan, examples):
    dataset, horizon = opened[0], plan.horizon
    cutoff = plan.grid[3]
    one = examples[cutoff]
    known = dataset.tables.until(cutoff + horizon)
    for labels, tables in ((one.labels, known), (one.realised, dataset.tables)):
        ahead = frame(network_value(tables, cutoff, cutoff + horizon, dataset.settings))
        pd.testing.assert_frame_equal(labels.sort_index(), ahead, check_exact=True)
    past = network_value(dataset.tables.before(cutoff), cutoff - horizon, cutoff, dataset.settings)
    last = frame(past)["network_value"].reindex(one.features.index, fill_value=0.0)
    assert last.sum() > 0
    assert one.features["past_network_value"].equals(last.rename("past_network_value"))


def test_what_became_known_after_the_window_judges_but_does_not_teach(opened, plan):
    dataset = opened[0]
    cutoff = plan.grid[-2]
    one = examples_at(dataset, cutoff)
    closed = cutoff + plan.horizon
    standing_there = examples_at(dataset.limited_to(closed), cutoff)
    pd.testing.assert_frame_equal(one.labels, standing_there.labels, check_exact=True)
    orders = dataset.tables["orders"]
    late = orders.mutate(known_at=ibis.greatest(orders.ordered_at, ibis.literal(closed + timedelta(days=1))))
    later = examples_at(replace(dataset, tables=Tables({**dataset.tables.tables, "orders": late})), cutoff)
    assert later.labels["direct_value"].sum() == 0
    assert later.realised["direct_value"].sum() == one.realised["direct_value"].sum() > 0


def test_features_at_a_cutoff_know_nothing_later(opened, plan, examples):
    dataset = opened[0]
    cutoff = plan.grid[-2]
    standing_there = dataset.limited_to(cutoff - timedelta(microseconds=1))
    found = frame(features_at(standing_there, cutoff))
    pd.testing.assert_frame_equal(found, examples[cutoff].features.sort_index(), check_exact=True)


def test_past_credit_knows_nothing_that_became_known_later(opened, plan, examples):
    dataset = opened[0]
    cutoff = plan.grid[-2]
    orders = dataset.tables["orders"]
    known_at = orders.ordered_at + ibis.ifelse(
        orders.revenue > 100, ibis.interval(days=40), ibis.interval(days=0)
    )
    late = Tables({**dataset.tables.tables, "orders": orders.mutate(known_at=known_at)})
    found = frame(features_at(replace(dataset, tables=late), cutoff))
    blind = frame(features_at(replace(dataset, tables=late.before(cutoff)), cutoff))
    pd.testing.assert_frame_equal(found, blind, check_exact=True)
    assert found["past_network_value"].sum() < examples[cutoff].features["past_network_value"].sum()


def test_the_order_of_rows_is_not_that_of_ids(examples):
    for one in examples.values():
        assert not one.features.index.is_monotonic_increasing
