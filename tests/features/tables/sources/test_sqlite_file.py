"""Datasets in a SQLite file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime

import pytest

from ripple.features.dataset import open_dataset
from ripple.features.tables.sources import find
from ripple.features.tables.sources.sqlite_file import OpenSQLite
from ripple.settings import Settings
from tests.support.oracles.dataset_sources import counts, opening_error, write_sqlite

COUNTS = {"customers": 5, "orders": 5, "usage": 240, "catalog": 3, "interactions": 4, "feedback": 3}


@pytest.fixture
def file(frames, tmp_path):
    return write_sqlite(frames, tmp_path / "it's 100 %.db")


def run(file, *statements):
    with closing(sqlite3.connect(file)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_values_of_any_type_arrive_as_they_are(file):
    run(
        file,
        "DROP TABLE orders",
        "CREATE TABLE orders (customer_id, ordered_at, product, revenue, margin, order_id, known_at)",
        """INSERT INTO orders VALUES
            ('c1', '2024-05-17T00:30:00+02:00', 12, 0.1, 3, 9007199254740993, NULL),
            ('c2', '2024-05-17 09:30:00.123', 'ü', 5, 2.5, 'x', NULL),
            ('c3', '2024-05-17', x'FF00', '7.5', NULL, 1.5, NULL)""",
    )
    rows = open_dataset(file, Settings()).tables["orders"].order_by("customer_id").to_pyarrow().to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("c1", datetime(2024, 5, 16, 22, 30), "12", 0.1, 3.0, "9007199254740993", None),
        ("c2", datetime(2024, 5, 17, 9, 30, 0, 123_000), "ü", 5.0, 2.5, "x", None),
        ("c3", datetime(2024, 5, 17), "FF00", 7.5, None, "1.5", None),
    ]


def test_views_are_tables_and_the_file_stays_as_it_was(file):
    run(file, "ALTER TABLE usage RENAME TO used", "CREATE VIEW usage AS SELECT * FROM used")
    before = file.read_bytes()
    dataset = open_dataset(file, Settings())
    assert counts(dataset) == COUNTS
    assert dataset.unknown_tables == {"used": None}
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_missing_table_names_the_nearest(file):
    run(file, "ALTER TABLE orders RENAME TO 'Order'")
    assert opening_error(file) == f"{file}: no table or view orders in schema main; did you mean 'Order'?"


def test_a_view_that_does_not_work_is_named(file):
    run(file, "DROP TABLE feedback", "CREATE VIEW feedback AS SELECT * FROM gone")
    assert opening_error(file) == f"{file}: feedback cannot be read: no such table: main.gone"


@pytest.mark.parametrize("cut", [100, 5000])
def test_a_broken_file_is_named(file, cut):
    file.write_bytes(file.read_bytes()[:cut])
    assert opening_error(file).startswith(f"{file}: ")
    assert "malformed" in opening_error(file)


def test_all_tables_are_of_one_moment(file, monkeypatch):
    run(file, "PRAGMA journal_mode = WAL")
    copy = OpenSQLite._copy

    def meddle(*arguments):
        run(file, "DELETE FROM interactions")
        copy(*arguments)

    monkeypatch.setattr(OpenSQLite, "_copy", meddle)
    assert counts(open_dataset(file, Settings())) == COUNTS


def test_it_is_named_after_the_file(file):
    source = find(file)
    assert (source.name, str(source), source.folder) == ("it's 100 %", str(file), file.parent)
