"""Attributes of customers as features: kinds, values of levels, and what a cutoff may see of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ripple.errors import InputError
from ripple.features import attribute_features
from ripple.features.attribute_features import (
    AVERAGE,
    MIN_CUSTOMERS,
    AttributeFeature,
    Encoding,
    values,
)
from ripple.features.dataset import open_dataset
from ripple.features.tables.attributes import AttributeHistory
from ripple.features.tables.sources.source import connect
from ripple.settings import load
from tests.support.oracles import feature_frames

START, CUTOFF = datetime(2024, 1, 1), datetime(2024, 3, 1)
CONNECTION = connect()
ATTRIBUTES = tuple(
    AttributeFeature(*one) for one in (("plan", "category"), ("seats", "number"), ("vip", "flag"))
)
ENCODINGS = {"plan": Encoding({"free": 0.5, "pro": 2.25}, 0.75)}


def credible(groups: list[list[float]]) -> list[float]:
    """Bühlmann and Straub's shrunken means of *groups*, whose mean is 1, straight from their formulas."""
    total = sum(map(len, groups))
    means = [sum(group) / len(group) for group in groups]
    within = sum((x - mean) ** 2 for group, mean in zip(groups, means, strict=True) for x in group)
    within /= total - len(groups)
    spread = sum(len(group) * (mean - 1) ** 2 for group, mean in zip(groups, means, strict=True))
    between = (spread - (len(groups) - 1) * within) / (total - sum(len(g) ** 2 for g in groups) / total)
    if between <= 0:
        return [1.0] * len(groups)
    weights = [len(group) * between / (len(group) * between + within) for group in groups]
    return [1 + weight * (mean - 1) for weight, mean in zip(weights, means, strict=True)]


def drawn(seed: int, effect: float, sizes: tuple[int, ...] = (200, 100, 50)) -> tuple[pd.Series, pd.Series]:
    """Levels of customers and their outcomes, which few hold; those of a are *effect* times as large."""
    random = np.random.default_rng(seed)
    levels = pd.Series(np.repeat(["a", "b", "c"][: len(sizes)], sizes))
    outcome = random.gamma(0.3, 10, len(levels)) * np.where(levels == "a", effect, 1.0)
    return levels, pd.Series(outcome)


@hypothesis_settings(max_examples=20)
@given(st.integers(0, 1000), st.sampled_from([1.0, 5.0]))
def test_levels_have_shrunken_means_whatever_the_order_and_the_names(seed, effect):
    levels, outcome = drawn(seed, effect)
    encoding = Encoding.of(levels, outcome)
    capped = outcome.clip(upper=np.quantile(outcome[outcome > 0], attribute_features.OUTCOME_QUANTILE))
    groups = [(capped / capped.mean())[levels == level].tolist() for level in "abc"]
    assert list(encoding.levels) == ["a", "b", "c"]
    assert list(encoding.levels.values()) == pytest.approx(credible(groups), abs=1e-4)
    shuffled = np.random.default_rng(seed).permutation(len(levels))
    assert Encoding.of(levels[shuffled], outcome[shuffled]) == encoding
    renamed = Encoding.of(levels.map({"a": "z", "b": "y", "c": "x"}), outcome)
    assert list(renamed.levels.values()) == list(encoding.levels.values())


def test_what_says_something_is_told_from_noise():
    clear = [Encoding.of(*drawn(seed, 5.0)).levels for seed in range(20)]
    assert all(levels["a"] > 1.1 > 0.9 > levels["b"] for levels in clear)
    noise = [Encoding.of(*drawn(seed, 1.0)).levels for seed in range(20)]
    assert sum(set(levels.values()) == {AVERAGE} for levels in noise) >= 8
    assert all(abs(value - 1) < 0.5 for levels in noise for value in levels.values())


def test_rare_and_new_levels_share_a_value_and_undefined_ones_have_none():
    levels, outcome = drawn(1, 5.0)
    rare = pd.Series([f"r{i}" for i in range(MIN_CUSTOMERS + 9)] + [None] * 5)
    encoding = Encoding.of(
        pd.concat([levels, rare], ignore_index=True),
        pd.concat([outcome, rare.notna() * 1.0], ignore_index=True),
    )
    assert {encoding.levels[level] for level in rare.dropna()} == {encoding.other}
    assert len(set(encoding.levels.values())) == 4
    table = ibis.memtable(pd.DataFrame({"customer_id": list("wxyz"), "plan": ["a", "r1", "new", None]}))
    found = CONNECTION.to_pandas(values(table, ATTRIBUTES[:1], {"plan": encoding}))["attribute_plan"]
    assert found[:3].tolist() == [encoding.levels["a"], encoding.other, encoding.other]
    assert np.isnan(found[3])


def test_without_outcomes_or_with_one_level_all_stand_at_the_average():
    levels, outcome = drawn(0, 5.0)
    for encoding in (Encoding.of(levels, outcome * 0), Encoding.of(levels.replace(["b", "c"], "a"), outcome)):
        assert set(encoding.levels.values()) == {AVERAGE} == {encoding.other}
    assert Encoding.of(levels[:0], outcome[:0]) == Encoding({})


def test_of_many_levels_only_the_most_frequent_have_values_of_their_own(monkeypatch):
    monkeypatch.setattr(attribute_features, "MAX_LEVELS", 1)
    encoding = Encoding.of(*drawn(1, 5.0))
    assert encoding.levels["a"] > encoding.levels["b"] == encoding.levels["c"] == encoding.other


days = st.none() | st.integers(0, 120).map(lambda day: START + timedelta(days=day))
rows = st.builds(
    lambda customer, one, valid_from, known_at: {
        "customer_id": customer,
        "name": one[0],
        "value": one[1],
        "valid_from": valid_from,
        "known_at": known_at,
    },
    st.sampled_from(["c1", "c2"]),
    st.sampled_from(
        [("plan", "free"), ("plan", "pro"), ("plan", "new"), ("plan", None), ("seats", "3"), ("vip", "true")]
    ),
    days,
    days,
)


def is_later(row: dict[str, object]) -> bool:
    return any(row[time] is not None and row[time] >= CUTOFF for time in ("valid_from", "known_at"))


def features_of(history: list[dict[str, object]]) -> list[dict[str, object]]:
    frame = pd.DataFrame(history)
    for time in ("valid_from", "known_at"):
        frame[time] = frame[time].astype("datetime64[us]")
    table = CONNECTION.create_table(
        "attribute_rows", frame.astype({"value": "str"}), temp=True, overwrite=True
    )
    wide = AttributeHistory(table, tuple(one.name for one in ATTRIBUTES)).before(CUTOFF)
    found = values(wide, ATTRIBUTES, ENCODINGS).order_by("customer_id").to_pyarrow().to_pylist()
    return [row for row in found if any(row[one.feature] is not None for one in ATTRIBUTES)]


@hypothesis_settings(max_examples=25)
@given(st.lists(rows, min_size=1, max_size=10))
def test_features_are_blind_to_what_comes_or_becomes_known_later(history):
    before = [row for row in history if not is_later(row)]
    assert features_of(history) == (features_of(before) if before else [])


def test_the_newest_row_holds_number_flag_and_level():
    early, late = START, START + timedelta(days=9)
    history = [
        {"customer_id": "c1", "name": name, "value": value, "valid_from": when, "known_at": None}
        for name, value, when in (
            ("plan", "free", early),
            ("plan", "pro", late),
            ("seats", "3", early),
            ("seats", "40.5", late),
            ("vip", "true", early),
            ("vip", None, late),
        )
    ]
    assert features_of(history) == [
        {"customer_id": "c1", "attribute_plan": 2.25, "attribute_seats": 40.5, "attribute_vip": None}
    ]


WIDE = pd.DataFrame(
    {
        "customer_id": ["c00", "c00", "c02"],
        "valid_from": [datetime(2024, 1, 5), datetime(2024, 3, 5), datetime(2024, 1, 9)],
        "plan": ["free", None, "pro"],
        "Staff size": [3.0, 4.0, None],
        "partner": [True, False, True],
        "display_name": ["Ann", "Ann", "Bo"],
    }
)


@pytest.fixture
def opened(tmp_path):
    """The random dataset with the attributes of `WIDE`, a column for each."""

    def opened(toml: str = "", form: str = "parquet", history: pd.DataFrame = WIDE):
        frames = feature_frames.random() | {"attributes": history}
        folder = feature_frames.write(frames, tmp_path / "data", form)
        (folder / "ripple.toml").write_text(toml)
        return open_dataset(folder, load(folder))

    return opened


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_table_with_a_column_for_each_attribute_gives_features_of_their_kinds(opened, form):
    dataset = opened(form=form)
    kinds = {one.feature: one.kind for one in dataset.attribute_features}
    assert kinds == {
        "attribute_partner": "flag",
        "attribute_plan": "category",
        "attribute_staff_size": "number",
    }
    seen = {
        month: dataset.attributes_before(datetime(2024, month, 6)).to_pandas().set_index("customer_id")
        for month in (2, 4)
    }
    assert seen[2].loc["c00", "plan"] == "free"
    assert pd.isna(seen[4].loc["c00", "plan"])
    found = values(dataset.attributes_before(datetime(2024, 4, 6)), dataset.attribute_features, ENCODINGS)
    row = found.to_pandas().set_index("customer_id").loc["c00"]
    assert (row["attribute_staff_size"], row["attribute_partner"]) == (4.0, 0.0)
    assert np.isnan(row["attribute_plan"])


def test_columns_of_customers_are_features_only_if_they_are_named(opened):
    dataset = opened('[features]\nattributes = ["seats", "industry", "plan"]')
    assert [(one.name, one.kind) for one in dataset.attribute_features] == [
        ("seats", "number"),
        ("industry", "category"),
        ("plan", "category"),
    ]
    assert opened("[features]\nattributes = []").attribute_features == ()


def test_the_names_that_people_read_are_no_features(opened):
    named = opened('[report]\nname = "plan"').attribute_features
    assert [one.name for one in named] == ["Staff size", "partner"]


@pytest.mark.parametrize(
    ("toml", "history", "message"),
    [
        (
            '[features]\nattributes = ["plam"]',
            WIDE,
            "no attribute is called 'plam'.*plan.*; found industry, ",
        ),
        ("", WIDE.assign(**{"Staff-size": 1}), "'Staff size' and 'Staff-size' differ only by"),
    ],
)
def test_unknown_and_equal_names_are_refused(opened, toml, history, message):
    with pytest.raises(InputError, match=message):
        opened(toml, history=history)


def test_a_time_is_no_feature(opened, tmp_path):
    frames = feature_frames.random()
    frames["customers"]["since"] = frames["customers"]["joined_at"]
    feature_frames.write(frames, tmp_path / "data")
    (tmp_path / "data" / "ripple.toml").write_text('[features]\nattributes = ["since"]')
    dataset = open_dataset(tmp_path / "data", load(tmp_path / "data"))
    with pytest.raises(InputError, match="'since' is of type timestamp"):
        dataset.attribute_features  # noqa: B018
