"""Numbers, times and nested objects are told from each other by all values of a column."""

from __future__ import annotations

import time
from datetime import datetime

import pytest

from ripple.features.profiling import values


@pytest.fixture
def zone_of_tokyo(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["1", "2.5"], ([1.0, 2.5], ".")),
        (["1.234,50", "3"], ([1234.5, 3.0], ",")),
        (["1", "one"], None),
        ([], None),
    ],
)
def test_numbers_are_numbers_only_if_all_are(texts, expected):
    assert values.numbers(texts) == expected


@pytest.mark.parametrize(
    ("form", "per_second"), [("epoch s", 1), ("epoch ms", 1e3), ("epoch us", 1e6), ("epoch ns", 1e9)]
)
def test_the_size_of_a_number_tells_the_form_of_its_time(form, per_second):
    assert values.epoch_form([1.6e9 * per_second, 1.7e9 * per_second]) == form
    assert values.epoch_form([1, 2]) is None


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["2024-05-17", "2024-05-18T10:30:00Z"], ""),
        (["17/05/2024", "01/02/2024"], "%d/%m/%Y"),
        (["05/17/2024 10:00:00"], "%m/%d/%Y %H:%M:%S"),
        (["17.05.2024 10:00"], "%d.%m.%Y %H:%M"),
        (["20240517"], "%Y%m%d"),
    ],
)
def test_texts_are_times_of_a_form(texts, form):
    assert values.text_forms(texts)[0] == form
    assert values.moment(texts[0], form) is not None
    assert values.text_forms([*texts, "no time"]) == []


def test_days_up_to_the_twelfth_fit_two_forms():
    assert {"%d/%m/%Y", "%m/%d/%Y"} <= set(values.text_forms(["01/02/2024", "11/12/2024"]))


def test_a_moment_is_utc(zone_of_tokyo):
    assert values.moment("1700000000", "epoch s") == datetime(2023, 11, 14, 22, 13, 20)
    assert values.moment("nonsense", "") is None


def test_leaves_of_objects_are_scalars_by_path():
    rows = ['{"a": {"b": "x"}, "n": 1, "l": [1]}', None, '{"n": true}']
    assert values.leaves(rows) == {
        ("a", "b"): ["x", None, None],
        ("n",): ["1", None, "true"],
        ("l", "[0]"): ["1", None, None],
    }
    assert values.leaves(['[{"id": 1}, {"id": 2}]']) == {("[0]", "id"): ["1"], ("[1]", "id"): ["2"]}
    assert values.leaves(['{"a": 1}', "plain"]) == {}
