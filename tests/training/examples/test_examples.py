from dataclasses import replace
from datetime import timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from ripple import digests
from ripple.digests import code_digest
from ripple.features.attribute_features import Encoding
from ripple.features.tables.attributes import AttributeHistory
from ripple.features.tables.tables import Tables
from ripple.training.attribution import LABEL_COLUMNS, network_value
from ripple.training.estimators.heads import fit
from ripple.training.examples.examples import (
    attributes,
    encodings_at,
    examples_at,
    features_at,
    frame,
    labels_at,
)


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
    known = dataset.tables.before(cutoff)
    past = frame(network_value(known, cutoff - horizon, cutoff, dataset.settings))["network_value"]
    last = one.features["past_network_value"].reindex(past.index)
    assert last.sum() > 0
    assert last.equals(past.rename("past_network_value"))


def test_past_credit_of_newcomers_is_what_they_have_brought_since_they_joined(opened, plan, examples):
    dataset, days = opened[0], plan.horizon.days
    cutoff, past = next(
        (cutoff, past)
        for cutoff, one in examples.items()
        for past in [one.features.query(f"tenure_days < {days}")["past_network_value"]]
        if past.any()
    )
    start, known = cutoff - plan.horizon, dataset.tables.before(cutoff)
    label = frame(network_value(known, start, cutoff, dataset.settings))
    brought = frame(network_value(known, start, cutoff, dataset.settings, joined_before=cutoff))
    pd.testing.assert_frame_equal(brought.loc[label.index], label, check_exact=True)
    assert sorted(past.index) == sorted(brought.index.difference(label.index))
    assert past.equals(brought["network_value"].reindex(past.index).rename("past_network_value"))


def test_what_became_known_after_the_window_is_evaluated_on_but_not_trained_on(opened, plan):
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


def test_a_cutoff_that_is_only_trained_on_has_no_labels_to_evaluate_by(opened, plan, examples):
    cutoff = plan.grid[0]
    one = examples_at(opened[0], cutoff, evaluated=False)
    pd.testing.assert_frame_equal(one.labels, examples[cutoff].labels, check_exact=True)
    with pytest.raises(RuntimeError, match="no evaluation cutoff"):
        _ = one.realised


def test_features_at_a_cutoff_know_nothing_later(opened, plan, examples):
    dataset = opened[0]
    cutoff = plan.grid[-2]
    standing_there = dataset.limited_to(cutoff - timedelta(microseconds=1))
    earlier = frame(features_at(standing_there, cutoff))
    pd.testing.assert_frame_equal(earlier, examples[cutoff].features.sort_index(), check_exact=True)


def test_past_credit_knows_nothing_that_became_known_later(opened, plan, examples):
    dataset = opened[0]
    cutoff = plan.grid[-2]
    orders = dataset.tables["orders"]
    known_at = orders.ordered_at + ibis.ifelse(
        orders.revenue > 100, ibis.interval(days=40), ibis.interval(days=0)
    )
    late = Tables({**dataset.tables.tables, "orders": orders.mutate(known_at=known_at)})
    features = frame(features_at(replace(dataset, tables=late), cutoff))
    blind = frame(features_at(replace(dataset, tables=late.before(cutoff)), cutoff))
    pd.testing.assert_frame_equal(features, blind, check_exact=True)
    assert features["past_network_value"].sum() < examples[cutoff].features["past_network_value"].sum()


@pytest.fixture
def with_attributes(opened):
    """The dataset with what customers were, some of it known late: `role` counts, `staff` is a number."""
    dataset = opened[0]
    customers = dataset.tables["customers"].to_pyarrow().to_pandas()
    random = np.random.default_rng(4)
    size, joined = len(customers), customers["joined_at"]
    rows = [
        pd.DataFrame(
            {
                "customer_id": customers["customer_id"],
                "name": name,
                "value": value,
                "valid_from": joined + pd.to_timedelta(days, "D"),
                "known_at": joined + pd.to_timedelta(days + random.integers(0, 90, size), "D"),
            }
        )
        for days in (0, 150)
        for name, value in (
            ("role", random.choice(["user", "partner"], size)),
            ("staff", random.integers(1, 99, size).astype(str)),
        )
    ]
    backend = dataset.tables["customers"].get_backend()
    table = backend.create_table("attribute_rows", pd.concat(rows), temp=True, overwrite=True)
    history = AttributeHistory.of(table, ())
    return replace(dataset, attribute_history=history, feature_attributes=history.names)


def test_attributes_are_features_which_know_nothing_later(with_attributes, plan, examples):
    dataset, cutoff = with_attributes, plan.grid[-2]
    table = frame(features_at(dataset, cutoff))
    own = examples[cutoff].features.sort_index()
    pd.testing.assert_frame_equal(table[own.columns], own, check_exact=True)
    assert list(table.columns.difference(own.columns)) == ["attribute_role", "attribute_staff"]
    assert table["attribute_staff"].between(1, 99).any()
    levels = attributes(dataset, cutoff)["role"].reindex(table.index)
    encoding = encodings_at(dataset, cutoff)["role"]
    pd.testing.assert_series_equal(
        table["attribute_role"], levels.map(encoding.levels), check_names=False, check_exact=True
    )
    assert levels.nunique() == 2
    standing_there = dataset.limited_to(cutoff - timedelta(microseconds=1))
    earlier = frame(features_at(standing_there, cutoff))
    pd.testing.assert_frame_equal(earlier, table, check_exact=True)


def test_levels_are_valued_by_the_last_closed_window_as_it_was_known(with_attributes, plan):
    dataset, cutoff = with_attributes, plan.grid[-2]
    start, known = cutoff - plan.horizon, dataset.tables.before(cutoff)
    credit = frame(network_value(known, start, cutoff, dataset.settings))["network_value"]
    levels = attributes(dataset, start)["role"].reindex(credit.index)
    assert encodings_at(dataset, cutoff) == {"role": Encoding.of(levels, credit)}


def test_heads_take_attributes_whose_values_are_not_known(with_attributes, plan):
    cutoffs = plan.grid[:2]
    training = [examples_at(with_attributes, cutoff) for cutoff in cutoffs]
    assert training[0].features["attribute_role"].isna().any()
    settings = with_attributes.settings
    few_trees = settings.model.model_copy(update={"trees": 5})
    heads = fit(training, settings.model_copy(update={"model": few_trees}))
    assert {"attribute_role", "attribute_staff"} <= set(heads.names)
    assert np.isfinite(heads.predict_value(training[1].features)).all()


def test_the_order_of_rows_is_not_that_of_ids(examples):
    for one in examples.values():
        assert not one.features.index.is_monotonic_increasing


LABEL = "ripple.training.attribution.label"
TABLES = "ripple.features.tables.tables"


@pytest.fixture
def change_code(monkeypatch, tmp_path):
    """Changes the source of a module that digests of code are made from."""
    real = digests._file
    changed = tmp_path / "changed.py"

    def change(name):
        changed.write_text(real(name).read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        monkeypatch.setattr(digests, "_file", lambda module: changed if module == name else real(module))
        code_digest.cache_clear()

    code_digest.cache_clear()
    yield change
    code_digest.cache_clear()


def kept_labels(folder):
    return {path.relative_to(folder) for path in folder.rglob("*.parquet") if "labels" in path.parts}


def test_a_kept_label_is_used_again_until_the_code_it_follows_from_changes(
    opened, plan, tmp_path_factory, change_code
):
    folder = tmp_path_factory.mktemp("cache")

    def keep():
        """As a new run would, which knows nothing but what is in the folder."""
        frame(labels_at(replace(opened[0], cache=folder), plan.grid[0]))
        return kept_labels(folder)

    first = keep()
    assert len(first) == 1
    assert keep() == first
    change_code(TABLES)  # `Tables.orders_in` picks the orders that are credited
    assert len(keep() - first) == 1


@pytest.mark.parametrize("module", [TABLES, "ripple.training.attribution.influence", "ripple.arrays"])
def test_the_digest_of_the_label_follows_from_every_module_it_runs_through(module, change_code):
    before = code_digest(LABEL)
    change_code(module)
    assert code_digest(LABEL) != before


def test_the_digest_of_the_label_does_not_follow_from_the_report(change_code):
    before = code_digest(LABEL)
    change_code("ripple.training.report.page")
    assert code_digest(LABEL) == before


@pytest.mark.parametrize("library", ["duckdb", "ibis-framework", "networkit", "scipy", "numpy"])
def test_the_digest_of_the_label_follows_from_the_libraries_that_compute_it(
    library, change_code, monkeypatch
):
    before, real = code_digest(LABEL), digests.version
    monkeypatch.setattr(digests, "version", lambda name: "0.0.1" if name == library else real(name))
    code_digest.cache_clear()
    assert code_digest(LABEL) != before
