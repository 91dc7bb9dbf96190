"""An open dataset: its tables, attributes, and what was there at a moment."""

from datetime import datetime

import pytest

CUTOFF = datetime(2024, 6, 1)


def values(table, column):
    return table[column].to_pyarrow().to_pylist()


@pytest.fixture(params=["parquet", "csv"])
def form(request):
    return request.param


def test_every_table_opens_with_the_columns_of_the_contract(frames, opened, form):
    dataset = opened(frames, form)
    assert list(dataset.tables.tables) == list(frames)
    assert dataset.absent == []
    for name, frame in frames.items():
        assert list(dataset.tables[name].columns) == list(frame.columns)
        assert dataset.tables[name].count().execute() == len(frame)


def test_only_customers_keep_further_columns(frames, opened, form):
    frames["orders"]["colour"] = "blue"
    dataset = opened(frames, form)
    assert dataset.attributes == ["industry"]
    assert "colour" not in dataset.tables["orders"].columns


@pytest.mark.parametrize("absent", ["usage", "interactions", "catalog", "feedback"])
def test_an_optional_table_may_be_absent(frames, opened, absent):
    del frames[absent]
    dataset = opened(frames)
    assert dataset.absent == [absent]
    assert absent not in dataset.tables


def test_a_dataset_limited_to_a_moment_is_what_was_there_then(frames, opened):
    moment = datetime(2024, 5, 20)
    dataset = opened(frames).limited_to(moment)
    assert dataset.settings.until == moment
    assert max(values(dataset.tables["usage"], "occurred_at")) <= moment
    assert dataset.limited_to(CUTOFF).settings.until == moment
    assert values(dataset.tables["orders"], "order_id") == ["o1", "o2"]
