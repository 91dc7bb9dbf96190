"""Findings, the report they make, and rows that Python cannot hold."""

from collections import Counter
from datetime import datetime

import pytest

from ripple.features.tables.sources.source import connect
from ripple.features.validation.findings import Finding, Report, count_with_share, example_rows

START = datetime(2024, 1, 1)


def test_a_finding_stops_the_work_unless_it_is_set_aside_or_a_warning():
    stop, aside = Finding("a.b: c", "do", 1, [], False), Finding("a.b: d", "do", 2, [], True)
    warn = Finding("a.b: e", "do", 3, [], set_aside=False, warning=True)
    report = Report({"a": 60}, START, START, [stop, aside, warn], [], Counter(), ["a note"])
    assert report.violations == [stop]
    assert report.set_aside == [aside]
    assert report.warnings == ["a.b: e: 3 rows (5.0 %); do", "a note"]


def rows_of(query: str):
    connection = connect()
    connection.raw_sql(f"CREATE TEMP VIEW query AS {query}")
    return connection.table("query")


@pytest.mark.parametrize(
    ("count", "total", "text"),
    [(1, 4, "1 row (25.0 %)"), (1204, 38000, "1,204 rows (3.2 %)"), (1, 10**6, "1 row (under 0.1 %)")],
)
def test_a_count_comes_with_its_share(count, total, text):
    assert count_with_share(count, total) == text


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("make_timestamp(254402300800000000)", "10031-09-09 01:46:40.000000"),
        ("'infinity'::TIMESTAMP", "<value out of range: 9223372036854775807>"),
        ("union_value(a := 1)", "1"),
        ("{'a': [1]}", "{'a': [1]}"),
        ("INTERVAL 1 DAY", "1 day"),
    ],
)
def test_what_python_cannot_hold_is_shown_as_text(sql, text):
    rows = rows_of(f"SELECT {sql} AS x, 1 AS y")
    assert example_rows(rows) == [{"x": text, "y": 1}]


def test_three_rows_are_shown():
    assert len(example_rows(rows_of("SELECT range AS x FROM range(9)"))) == 3
