from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features import checks
from features.registry import features
from tests.features import building, oracle
from tests.features.building import SETTINGS, bits, features_at, features_of

CUTOFFS = [datetime(2024, 3, 1), datetime(2024, 4, 10, 12)]
RENAMED = {
    "customer_id": ["customer_id", "source_id", "target_id"],
    "feature": ["feature"],
    "product": ["product"],
    "user_id": ["user_id"],
}


@pytest.fixture(scope="module")
def frames():
    return building.random()


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
    return checks.load(building.write(frames, tmp_path_factory.mktemp("data")), SETTINGS)[0]


@pytest.fixture(scope="module")
def matrices(dataset, credit):
    return [features_at(dataset, as_of, credit) for as_of in CUTOFFS]


@pytest.mark.parametrize("nth", range(len(CUTOFFS)))
def test_every_feature_equals_the_slow_one(frames, credit, matrices, nth):
    found = matrices[nth]
    expected = oracle.features(frames, CUTOFFS[nth], (7, 30), 20, SETTINGS.powers, credit)
    assert set(found.columns) == set(expected.columns)
    pd.testing.assert_frame_equal(found[expected.columns], expected, rtol=1e-9, atol=0)


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
def test_the_order_of_rows_changes_nothing(frames, seed):
    shuffled = {name: frame.sample(frac=1, random_state=seed) for name, frame in frames.items()}
    assert bits(features_of(shuffled, CUTOFFS[1])) == bits(features_of(frames, CUTOFFS[1]))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_names_of_things_change_nothing(frames, seed):
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
    expected = features_of(frames, CUTOFFS[1]).rename(index=names["customer_id"]).sort_index()
    assert bits(features_of(renamed, CUTOFFS[1])) == bits(expected)


@pytest.mark.parametrize(
    ("table", "lost"),
    [
        ("usage", {"engagement", "sophistication", "active_referrals"}),
        ("interactions", {"referent", "informational", "expert", "network"}),
        ("catalog", {"advanced", "days_from_release"}),
        ("feedback", {"feedback"}),
    ],
)
def test_without_a_table_its_features_are_absent(frames, table, lost):
    """*lost*: families, or how the names of features begin."""
    left = features_of({name: frame for name, frame in frames.items() if name != table}, CUTOFFS[0])
    expected = [
        feature.name
        for feature in features(SETTINGS.features)
        if feature.family not in lost and not feature.name.startswith((*lost, "past_"))
    ]
    assert list(left.columns) == expected


@pytest.mark.parametrize(
    ("table", "column", "lost"),
    [
        ("orders", "margin", "margin_share"),
        ("usage", "user_id", "active_users"),
        ("catalog", "released_at", "days_from_release"),
    ],
)
def test_without_a_column_its_features_are_absent(frames, table, column, lost):
    left = features_of(frames | {table: frames[table].drop(columns=column)}, CUTOFFS[0])
    names = [feature.name for feature in features(SETTINGS.features)]
    assert list(left.columns) == [name for name in names if not name.startswith((lost, "past_"))]


def test_without_weights_every_interaction_weighs_one(frames):
    interactions = frames["interactions"]
    one = features_of(frames | {"interactions": interactions.assign(weight=1.0)}, CUTOFFS[0])
    none = features_of(frames | {"interactions": interactions.drop(columns="weight")}, CUTOFFS[0])
    assert bits(none) == bits(one)


def test_a_customer_without_rows_has_the_empty_values(matrices):
    idle = matrices[0].loc["c39"]
    for feature in features(SETTINGS.features):
        if feature.name == "tenure_days":
            assert idle[feature.name] > 0
        elif feature.empty is None:
            assert np.isnan(idle[feature.name]), feature.name
        else:
            assert idle[feature.name] == feature.empty == 0, feature.name


def test_what_is_undefined_is_null():
    frames = building.small()
    as_of = datetime(2025, 6, 1)
    frames["orders"]["revenue"] = [0.0, 0.0, 50.0, 80.0, 0.0]
    frames["catalog"]["released_at"] = pd.Series([None] * 3, dtype="datetime64[us]")
    frames["interactions"]["weight"] = 0.0
    customer = features_of(frames, as_of).loc["c1"]
    assert np.isnan(customer["usage_trend_7d"])
    assert np.isnan(customer["days_from_release"])
    assert np.isnan(customer["neighbour_products"])
    assert np.isnan(customer["margin_share"])
    assert np.isnan(customer["days_since_last_order"])
    assert np.isnan(customer["referent_reciprocity"]) == (customer["referent_reach"] == 0)
    assert customer["events_7d"] == customer["advanced_share_7d"] == 0
    assert customer["features_used"] > 0


def test_a_catalogue_without_advanced_features_covers_nothing():
    frames = building.small()
    frames["catalog"]["tier"] = "core"
    found = features_of(frames, datetime(2024, 6, 20))
    assert set(found["advanced_coverage"]) == set(found["advanced_power_user"]) == {0.0}


def test_a_view_is_given_for_some_customers(dataset, credit):
    found = features_at(dataset, CUTOFFS[0], credit)
    assert found.loc["c06", "past_network_value"] == 4.0
    assert found.loc["c07", "past_network_value"] == 0.0


def test_the_number_of_threads_changes_nothing(tmp_path):
    dataset = checks.load(building.write(large(), tmp_path), SETTINGS)[0]
    backend = dataset.tables["orders"].get_backend()
    found = []
    for threads in (1, 2, 2):
        backend.raw_sql(f"SET threads = {threads}")
        found.append(bits(features_at(dataset, datetime(2024, 4, 1))))
    assert found[1] == found[2] == found[0]


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
                "product": rng.choice(["p1", "p2", "p3"], orders),
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
                "kind": rng.choice(building.KINDS[1:], ties),
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
