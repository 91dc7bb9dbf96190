from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ripple.features.graph import leads
from ripple.features.registry import features
from ripple.features.validation import checks
from tests.support.oracles import feature_frames, feature_oracle
from tests.support.oracles.feature_frames import SETTINGS, bits, features_at, features_of

CUTOFFS = [datetime(2024, 3, 1), datetime(2024, 3, 14, 12), datetime(2024, 4, 21)]
WINDOWS, HALF_LIFE = SETTINGS.features.windows_days, SETTINGS.features.half_life_days
RENAMED = {
    "customer_id": ["customer_id", "source_id", "target_id"],
    "feature": ["feature"],
    "product": ["product"],
    "user_id": ["user_id"],
}


@pytest.fixture(scope="module")
def frames():
    return feature_frames.random()


@pytest.fixture(scope="module")
def credit():
    return pd.DataFrame(
        {
            "customer_id": [f"c{i:02d}" for i in range(0, 30, 3)],
            "influence_value": np.arange(10) * 1.5,
            "referral_value": np.arange(10) * 0.5,
            "network_value": np.arange(10) * 2.0,
            "influenced_customers": np.arange(10),
        }
    )


@pytest.fixture(scope="module")
def dataset(frames, tmp_path_factory):
    return checks.load(feature_frames.write(frames, tmp_path_factory.mktemp("data")), SETTINGS)[0]


@pytest.fixture(scope="module")
def matrices(dataset, credit):
    return [features_at(dataset, as_of, credit) for as_of in CUTOFFS]


@pytest.fixture(scope="module")
def without_credit(dataset):
    return features_at(dataset, CUTOFFS[0])


def expected(frames, as_of, credit=None):
    return feature_oracle.features(frames, as_of, WINDOWS, HALF_LIFE, SETTINGS.powers, credit)


@pytest.mark.parametrize("nth", range(len(CUTOFFS)))
def test_every_feature_equals_the_slow_one(frames, credit, matrices, nth):
    feature_oracle.assert_equal(matrices[nth], expected(frames, CUTOFFS[nth], credit))


def test_what_is_kept_in_a_folder_has_the_same_bits(dataset, credit, matrices, tmp_path):
    for nth in (0, 1, 2, 0):  # computed, and at last read
        stored = replace(dataset, cache=tmp_path / "cache")
        assert bits(features_at(stored, CUTOFFS[nth], credit)) == bits(matrices[nth])


@pytest.mark.parametrize("as_of", [datetime(2023, 6, 1), datetime(2024, 1, 1), datetime(2026, 6, 1)], ids=str)
def test_before_anything_happened_and_long_after_features_equal_the_slow_ones(frames, dataset, as_of):
    feature_oracle.assert_equal(features_at(dataset, as_of), expected(frames, as_of))


@pytest.mark.parametrize(
    "without", [("contacts",), ("referrals", "feedback"), ("interactions", "usage"), ("orders",)], ids=str
)
def test_where_tables_have_no_rows_features_equal_the_slow_ones(frames, without):
    is_referral = frames["interactions"].kind == "referral"
    left = {name: frame.iloc[:0] if name in without else frame for name, frame in frames.items()}
    if {"contacts", "referrals"} & set(without):
        left["interactions"] = frames["interactions"][is_referral == ("contacts" in without)]
    feature_oracle.assert_equal(features_of(left, CUTOFFS[0]), expected(left, CUTOFFS[0]))


def test_pagerank_is_exact_where_it_settles_slowly():
    """One customer reaches all others and half of them reach back: votes go back and forth."""
    others = [f"c{n}" for n in range(1, 60)]
    frames = feature_frames.small()
    frames["customers"] = pd.DataFrame({"customer_id": ["hub", *others], "joined_at": datetime(2024, 1, 1)})
    frames["orders"]["customer_id"] = frames["feedback"]["customer_id"] = "hub"
    frames["usage"] = frames["usage"].assign(customer_id="hub")
    frames["interactions"] = pd.DataFrame(
        {
            "source_id": ["hub"] * len(others) + others[:30],
            "target_id": others + ["hub"] * 30,
            "occurred_at": datetime(2024, 6, 1),
            "kind": "share",
        }
    )
    as_of = datetime(2024, 6, 15)
    feature_oracle.assert_equal(features_of(frames, as_of), expected(frames, as_of))


def test_how_many_pairs_are_looked_at_together_changes_nothing(matrices, credit, dataset, monkeypatch):
    monkeypatch.setattr(leads, "CHUNK_PAIRS", 5)
    again = replace(dataset)  # which has computed nothing yet
    assert bits(features_at(again, CUTOFFS[2], credit)) == bits(matrices[2])


def test_the_random_dataset_makes_every_feature_vary(matrices):
    varied = pd.concat(matrices).nunique()
    assert varied[varied < 2].index.to_list() == []


def test_columns_are_floats_in_the_order_of_the_registry_and_rows_in_that_of_ids(matrices):
    names = [feature.name for feature in features(SETTINGS.features)]
    for matrix in matrices:
        assert list(matrix.columns) == names
        assert set(matrix.dtypes) == {np.dtype("float64")}
        assert matrix.index.is_unique
        assert matrix.index.is_monotonic_increasing


def test_only_those_who_had_joined_have_a_row(frames, matrices):
    customers = frames["customers"]
    for as_of, matrix in zip(CUTOFFS, matrices, strict=True):
        assert list(matrix.index) == sorted(customers[customers.joined_at < as_of].customer_id)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_rows_changes_nothing(frames, without_credit, seed):
    shuffled = {name: frame.sample(frac=1, random_state=seed) for name, frame in frames.items()}
    assert bits(features_of(shuffled, CUTOFFS[0])) == bits(without_credit)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_names_of_things_change_nothing(frames, without_credit, seed):
    rng = np.random.default_rng(seed)
    renamed = {name: frame.copy() for name, frame in frames.items()}
    names = {}
    for kind, columns in RENAMED.items():
        known = sorted(
            {
                value
                for frame in frames.values()
                for column in columns
                if column in frame
                for value in frame[column].dropna()
            }
        )
        names[kind] = dict(zip(known, [f"{kind} {n}" for n in rng.permutation(len(known))], strict=True))
        for frame in renamed.values():
            for column in columns:
                if column in frame:
                    frame[column] = frame[column].map(names[kind])
    same = without_credit.rename(index=names["customer_id"]).sort_index()
    assert bits(features_of(renamed, CUTOFFS[0])) == bits(same)


@pytest.mark.parametrize(
    ("table", "column", "lost"),
    [
        ("usage", None, ("engagement", "sophistication", "active_referrals")),
        ("interactions", None, ("referent", "informational", "expert", "network", "susceptibility")),
        ("catalog", None, ("advanced", "days_from_release")),
        ("feedback", None, ("feedback",)),
        ("orders", "margin", ("margin_share",)),
        ("usage", "user_id", ("active_users",)),
        ("catalog", "released_at", ("days_from_release",)),
        ("interactions", "weight", ()),
    ],
)
def test_without_a_table_or_column_its_features_are_absent_and_the_others_as_they_are(
    frames, table, column, lost
):
    """*lost*: families, or how the names of features begin."""
    left = {name: frame for name, frame in frames.items() if name != table}
    if column:
        left[table] = frames[table].drop(columns=column)
    matrix = features_of(left, CUTOFFS[0])
    assert list(matrix.columns) == [
        feature.name
        for feature in features(SETTINGS.features)
        if feature.family not in lost and not feature.name.startswith((*lost, "past_"))
    ]
    feature_oracle.assert_equal(matrix, expected(left, CUTOFFS[0]))


def test_a_customer_without_rows_has_the_empty_values(matrices):
    idle = matrices[0].loc["c39"]
    for feature in features(SETTINGS.features):
        if feature.name == "tenure_days":
            assert idle[feature.name] > 0
        elif feature.name == "pagerank":
            assert 0 < idle[feature.name] < 1
        elif feature.empty is None:
            assert np.isnan(idle[feature.name]), feature.name
        else:
            assert idle[feature.name] == feature.empty == 0, feature.name


def test_what_is_undefined_is_null():
    frames = feature_frames.small()
    as_of = datetime(2025, 6, 1)
    frames["orders"]["revenue"] = [0.0, 0.0, 50.0, 80.0, 0.0]
    frames["catalog"]["released_at"] = pd.Series([None] * 3, dtype="datetime64[us]")
    frames["interactions"]["weight"] = 0.0
    customer = features_of(frames, as_of).loc["c1"]
    assert np.isnan(customer["usage_trend_7d"])
    assert np.isnan(customer["usage_entropy_30d"])
    assert np.isnan(customer["followed_purchases_30d"])
    assert np.isnan(customer["days_from_release"])
    assert np.isnan(customer["neighbour_products"])
    assert np.isnan(customer["margin_share"])
    assert np.isnan(customer["days_since_last_order"])
    assert np.isnan(customer["referent_reciprocity"]) == (customer["referent_reach"] == 0)
    assert customer["events_7d"] == customer["advanced_share_7d"] == 0
    assert customer["features_used_30d"] == 0
    assert customer["features_ever_used"] > 0


def test_a_catalogue_without_advanced_features_covers_nothing():
    frames = feature_frames.small()
    frames["catalog"]["tier"] = "core"
    matrix = features_of(frames, datetime(2024, 6, 20))
    assert set(matrix["advanced_coverage"]) == set(matrix["advanced_power_user"]) == {0.0}


def test_a_view_is_given_for_some_customers(matrices, credit):
    value = credit.set_index("customer_id").network_value
    feature = matrices[0].past_network_value
    assert 0 < len(feature.index.intersection(value.index)) < len(feature)
    assert feature.to_list() == [value.get(customer, 0.0) for customer in feature.index]


def test_the_number_of_threads_changes_nothing(tmp_path):
    dataset = checks.load(feature_frames.write(large(), tmp_path), SETTINGS)[0]
    backend = dataset.tables["orders"].get_backend()
    by_run = []
    for threads in (1, 2, 2):
        backend.raw_sql(f"SET threads = {threads}")
        by_run.append(bits(features_at(dataset, datetime(2024, 4, 1))))
    assert by_run[1] == by_run[2] == by_run[0]


def large():
    """Rows for several row groups, and so for several threads, whose values do not add up exactly."""
    rng = np.random.default_rng(3)
    start, customers, usage, ties, orders = pd.Timestamp("2024-01-01"), 2_000, 300_000, 250_000, 130_000

    def someone(n):
        return pa.array(rng.integers(0, customers, n)).cast("string").to_pandas()

    def moments(n):
        return start + pd.to_timedelta(rng.integers(0, 100 * 86_400, n), unit="s")

    source, target = someone(ties), someone(ties)
    frames = {
        "customers": pd.DataFrame(
            {"customer_id": pa.array(range(customers)).cast("string").to_pandas(), "joined_at": start}
        ),
        "orders": pd.DataFrame(
            {
                "customer_id": someone(orders),
                "ordered_at": moments(orders),
                "product": rng.choice([f"p{i}" for i in range(200)], orders),
                "revenue": rng.lognormal(3, 2, orders),
                "margin": rng.normal(0, 1e4, orders),
            }
        ),
        "usage": pd.DataFrame(
            {
                "customer_id": someone(usage),
                "occurred_at": moments(usage),
                "feature": rng.choice([f"f{i}" for i in range(30)], usage),
            }
        ),
        "catalog": pd.DataFrame(
            {
                "feature": [f"f{i}" for i in range(30)],
                "tier": ["core", "advanced"] * 15,
                "released_at": moments(30),
            }
        ),
        "interactions": pd.DataFrame(
            {
                "source_id": source,
                "target_id": target,
                "occurred_at": moments(ties),
                "kind": rng.choice(feature_frames.KINDS[1:], ties),
                "weight": rng.lognormal(0, 2, ties),
            }
        )[source != target],
        "feedback": pd.DataFrame(
            {
                "customer_id": someone(20_000),
                "occurred_at": moments(20_000),
                "score": rng.uniform(-1, 1, 20_000),
            }
        ),
    }
    referrals = frames["interactions"].drop_duplicates("target_id").index
    frames["interactions"].loc[referrals, "kind"] = "referral"
    return frames
