"""The line of ripple.toml that makes unreadable values readable, found from the values themselves."""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import pytest

from ripple.features.validation.remedies import guess
from tests.support.oracles.broken_rules import rows

MOMENT = pd.Timestamp("2024-05-17 09:30:00")
SECONDS = int(MOMENT.timestamp())


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ([SECONDS, SECONDS - 10**8], {"format": "epoch s"}),
        ([f"{SECONDS}000"], {"format": "epoch ms"}),
        ([SECONDS * 10**6 + 1], {"format": "epoch us"}),
        ([SECONDS * 10**9], {"format": "epoch ns"}),
        ([float(SECONDS)], {"format": "epoch s"}),
        (["17/05/2024", "01/02/2024"], {"format": "%d/%m/%Y"}),
        (["05/17/2024 09:30", "01/02/2024 10:00"], {"format": "%m/%d/%Y %H:%M"}),
        (["17.05.2024 09:30:12"], {"format": "%d.%m.%Y %H:%M:%S"}),
        (["May 17, 2024"], {"format": "%b %d, %Y"}),
        (["17-Mar-2024"], {"format": "%d-%b-%Y"}),
        ([20240517], {"column": "CAST(t AS VARCHAR)", "format": "%Y%m%d"}),
        (["20240517"], {"format": "%Y%m%d"}),
        (["yesterday"], None),
        ([12], None),
    ],
)
def test_the_form_of_times_is_found(values, options):
    assert guess("time", values, "t") == options


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (["12,50", "1.234,5"], {"decimal": ","}),
        (["1,234.50", "7"], {"column": "replace(x, ',', '')"}),
        (["$12.50", "-$3"], {"column": "regexp_replace(x, '[^0-9.,-]', '', 'g')"}),
        (["12,50 EUR"], {"column": "regexp_replace(x, '[^0-9.,-]', '', 'g')", "decimal": ","}),
        (["a lot"], None),
    ],
)
def test_the_form_of_numbers_is_found(values, options):
    assert guess("number", values, "x") == options


def test_whole_numbers_with_a_point_become_ids():
    assert guess("id", [1.0, 2.0], "My Id") == {"column": 'CAST("My Id" AS BIGINT)'}
    assert guess("id", [1.5], "x") is None


@pytest.mark.parametrize("form_of_file", ["parquet", "csv"])
@pytest.mark.parametrize(
    "stored", [lambda t: t.astype("datetime64[s]").astype("int64"), lambda t: t.dt.strftime("%d/%m/%Y")]
)
def test_the_line_in_the_message_cures_what_it_names(frames, checked, stored, form_of_file):
    for table, column in (("orders", "ordered_at"), ("feedback", "occurred_at")):
        frames[table][column] = stored(frames[table][column])
    report = checked(frames, form_of_file)[1]
    assert [finding.key for finding in report.violations] == [
        "orders.ordered_at: is a time",
        "feedback.occurred_at: is a time",
    ]
    lines = [finding.remedy.partition("[tables.")[2].partition(".columns] ") for finding in report.violations]
    toml = "".join(f"[tables.{table}.columns]\n{line}\n" for table, _, line in lines)
    dataset, report = checked(frames, form_of_file, toml)
    assert report.findings == []
    assert min(row["ordered_at"] for row in rows(dataset, "orders")) == datetime(2024, 5, 3)


def test_the_line_keeps_what_the_mapping_says_already(frames, checked):
    frames["orders"] = frames["orders"].rename(columns={"revenue": "paid"})
    frames["orders"]["paid"] = ["100,0", "20,0", "50,5", "80,0", "-30,0"]
    mapping = '[tables.orders.columns]\nrevenue = { column = "paid", unit = "cents" }'
    [finding] = checked(frames, toml=mapping)[1].violations
    assert finding.remedy.endswith('revenue = { column = "paid", unit = "cents", decimal = "," }')
    assert "found '100,0'" in finding.remedy
